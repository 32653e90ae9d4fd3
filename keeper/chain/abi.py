"""The functions, events and errors that the keeper uses, as ABI types.

Written out here so that a keeper needs no compiler; a test holds them against the compiled contracts.
"""

from dataclasses import dataclass
from enum import IntFlag
from functools import cache
from typing import Any

from eth_abi.abi import encode
from eth_abi.exceptions import DecodingError
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from keeper.chain.decoding import decode

LEGS = "(address,uint256)[]"
BUYS = "(address,uint256,uint256,uint256)[]"
OPERATIONS = "(uint256,address,address,address,uint256,uint256)[]"
TERMS = "(uint256,bool,uint256,uint256,uint256,uint256,uint256,uint256,uint256,uint256)"
ORDERS = f"(address,{LEGS},{BUYS})[]"
FEES = "(address,uint256,uint256,uint256)"
RAILS = "(uint256,uint256,uint256)"
LOAN = "(address,uint256,address,uint256,uint256,uint256)"
AGGREGATOR_CALLS = "(uint256,bytes)[]"
PERMIT = "(uint256,uint256,uint256,uint256,uint8,bytes32,bytes32)"


def checksum(address: object) -> str:
    """Checksum form of an address as the decoder gives it."""
    return to_checksum_address(str(address))


@cache
def _hash(signature: str) -> bytes:
    """Remembered: a block is read with thousands of calls to the same few functions."""
    return keccak(text=signature)


@dataclass(frozen=True, slots=True)
class Function:
    """One external function."""

    name: str
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()

    @property
    def signature(self) -> str:
        """As in `transfer(address,uint256)`."""
        return f"{self.name}({','.join(self.inputs)})"

    @property
    def selector(self) -> bytes:
        """The first four bytes of the calldata."""
        return _hash(self.signature)[:4]

    def encode(self, *arguments: object) -> bytes:
        """Calldata."""
        return self.selector + encode(self.inputs, arguments) if self.inputs or arguments else self.selector

    def decode(self, data: bytes) -> Any:
        """The returned value; a tuple if there are several.

        :raises DecodingError: as `keeper.chain.decoding.decode`
        """
        values = decode(self.outputs, data)
        return values[0] if len(self.outputs) == 1 else values


@dataclass(frozen=True, slots=True)
class Event:
    """One event: the types of its arguments in order, and the positions of those that are indexed."""

    name: str
    inputs: tuple[str, ...]
    indexed: tuple[int, ...]

    @property
    def topic(self) -> bytes:
        """The first topic."""
        return _hash(f"{self.name}({','.join(self.inputs)})")

    def decode(self, data: bytes) -> tuple[Any, ...]:
        """The arguments that are not indexed."""
        return decode([kind for i, kind in enumerate(self.inputs) if i not in self.indexed], data)


@dataclass(frozen=True, slots=True)
class Error:
    """One typed error."""

    name: str
    inputs: tuple[str, ...]

    @property
    def selector(self) -> bytes:
        """The first four bytes of the revert data."""
        return _hash(f"{self.name}({','.join(self.inputs)})")[:4]

    def decode(self, data: bytes) -> tuple[Any, ...] | None:
        """The arguments, or None when the data is not this error."""
        if data[:4] != self.selector:
            return None
        try:
            return decode(self.inputs, data[4:])
        except DecodingError:
            return None


class Trigger(IntFlag):
    """IIndexVault.Trigger."""

    NONE = 0
    INTERVAL = 1
    BAND = 2
    TARGETS = 4


class Fault(IntFlag):
    """IPriceOracle.Fault."""

    NONE = 0
    NO_FEED = 1
    CALL_FAILED = 2
    NOT_POSITIVE = 4
    STALE = 8
    IN_FUTURE = 16
    BELOW_MINIMUM = 32
    ABOVE_MAXIMUM = 64
    SEQUENCER_DOWN = 128
    RATE_FELL = 256
    POOL_UNFIT = 512
    TWAP_DEVIATES = 1024


class Venue(IntFlag):
    """IRouteExecutor.Venue."""

    UNISWAP_V2 = 1
    UNISWAP_V3 = 2
    BALANCER_V2 = 4
    CURVE = 8
    ERC4626 = 16
    WSTETH = 32
    AGGREGATOR = 64


class Lender(IntFlag):
    """IRouteExecutor.Lender."""

    MORPHO = 1
    BALANCER_V2 = 2
    AAVE_V3 = 4
    UNISWAP_V3 = 8
    ERC3156 = 16


class Means(IntFlag):
    """IIndexZap.Means."""

    NONE = 0
    ERC2612 = 1
    PERMIT2 = 2


class Vault:
    """IndexVault: custody."""

    name = Function("name", (), ("string",))
    symbol = Function("symbol", (), ("string",))
    owner = Function("owner", (), ("address",))
    pending_owner = Function("pending_owner", (), ("address",))
    guardian = Function("guardian", (), ("address",))
    pending_guardian = Function("pending_guardian", (), ("address",))
    rebalancer = Function("rebalancer", (), ("address",))
    supply = Function("supply", (), ("uint256",))
    supply_cap = Function("supply_cap", (), ("uint256",))
    balance_of = Function("balanceOf", ("address",), ("uint256",))
    fees = Function("fees", (), (FEES,))
    paused = Function("paused", (), ("bool",))
    is_shut_down = Function("is_shut_down", (), ("bool",))
    assets = Function("assets", (), ("address[]",))
    holdings = Function("holdings", (), ("uint256", "uint256[20]", "uint256[20]"))
    preview_mint = Function("preview_mint", ("uint256",), ("uint256[]",))
    preview_redeem = Function("preview_redeem", ("uint256",), ("uint256[]",))
    mint = Function("mint", ("uint256", "address", "uint256[]", "uint256"), ("uint256[]",))
    redeem = Function("redeem", ("uint256", "address", "uint256[]", "uint256"), ("uint256[]",))
    claims = Function("claims", ("address", "address"), ("uint256",))
    claim = Function("claim", ("address", "address"), ("uint256",))
    open_rebalance = Function("open_rebalance", (), ("uint256",))

    minted = Event("Mint", ("address", "address", "uint256", "uint256"), (0, 1))
    redeemed = Event("Redeem", ("address", "address", "uint256", "uint256"), (0, 1))
    streaming_fee = Event("StreamingFee", ("address", "uint256"), (0,))
    claim_made = Event("ClaimMade", ("address", "address", "uint256"), (0, 1))
    claimed = Event("Claimed", ("address", "address", "address", "uint256"), (0, 1, 2))
    asset_added = Event("AssetAdded", ("address", "uint256"), (0,))
    asset_removed = Event("AssetRemoved", ("address", "uint256"), (0,))


class Rebalancer:
    """Rebalancer: the rules of one vault."""

    oracle = Function("oracle", (), ("address",))
    targets = Function("targets", (), ("uint256[]",))
    schedule = Function("schedule", (), ("uint256[]", "uint256", "uint256"))
    bands = Function("bands", (), ("uint256[]",))
    rails = Function("rails", (), (RAILS, "uint256"))
    strategist = Function("strategist", (), ("address",))
    pending_strategist = Function("pending_strategist", (), ("address",))
    set_bands = Function("set_bands", ("uint256[]",))
    weights = Function("weights", (), ("uint256[]",))
    nav = Function("nav", (), ("uint256",))
    nav_per_share = Function("nav_per_share", (), ("uint256",))
    drift = Function("drift", (), ("uint256",))
    trigger = Function("trigger", (), ("uint256",))
    price_bound = Function("price_bound", (), ("uint256",))
    is_open = Function("is_open", (), ("bool",))
    opened_at = Function("opened_at", (), ("uint256",))
    closed_at = Function("closed_at", (), ("uint256",))
    completed_at = Function("completed_at", (), ("uint256",))
    loss = Function("loss", (), ("uint256",))
    terms = Function("terms", (), (TERMS,))
    head_start = Function("head_start", (), ("uint256",))
    is_keeper = Function("is_keeper", ("address",), ("bool",))

    rebalance_opened = Event("RebalanceOpened", ("address", "uint256", "uint256", "uint256"), (0,))
    rebalanced = Event("Rebalanced", ("address", "address", "uint256", "uint256", "uint256", "uint256"), (0, 1))
    rebalance_closed = Event("RebalanceClosed", ("uint256",), ())
    oracle_changed = Event("OracleChanged", ("address", "address"), (0, 1))


class Oracle:
    """PriceOracle."""

    owner = Function("owner", (), ("address",))
    pending_owner = Function("pending_owner", (), ("address",))
    prices = Function("prices", ("address[]",), ("uint256[]",))
    price = Function("price", ("address",), ("uint256",))
    fault = Function("fault", ("address",), ("uint256",))

    bad_price = Error("BadPrice", ("address", "uint256"))


class Executor:
    """RouteExecutor."""

    owner = Function("owner", (), ("address",))
    rebalance = Function("rebalance", ("address", LEGS, LEGS, OPERATIONS, "uint256"), ("uint256", "uint256"))
    rebalance_with_loan = Function(
        "rebalance_with_loan", ("address", LEGS, LEGS, OPERATIONS, "uint256", LOAN), ("uint256", "uint256")
    )
    rebalance_with_calls = Function(
        "rebalance_with_calls",
        ("address", LEGS, LEGS, OPERATIONS, "uint256", LOAN, AGGREGATOR_CALLS),
        ("uint256", "uint256"),
    )
    set_aggregator = Function("set_aggregator", ("address", "bytes4", "address"))
    aggregator_spenders = Function("aggregator_spenders", ("address", "bytes4"), ("address",))

    on_rebalance = Function("on_rebalance", ("address", LEGS, "bytes"))

    swap = Event("Swap", ("address", "address", "address", "uint256", "uint256"), (0, 1, 2))
    flash_loan = Event("FlashLoan", ("address", "address", "uint256", "uint256"), (0, 1))


class BatchExecutor:
    """BatchExecutor."""

    owner = Function("owner", (), ("address",))
    rebalance_many = Function("rebalance_many", (ORDERS, OPERATIONS, "uint256"), ("(uint256,uint256)[]",))

    swap = Event("Swap", ("address", "address", "address", "uint256", "uint256"), (0, 1, 2))


class Zap:
    """IndexZap."""

    owner = Function("owner", (), ("address",))
    wrapped_ether = Function("wrapped_ether", (), ("address",))
    zap_mint = Function(
        "zap_mint",
        ("address", "address", "uint256", "uint256", OPERATIONS, AGGREGATOR_CALLS, "uint256", PERMIT),
        ("uint256",),
    )
    zap_redeem = Function(
        "zap_redeem",
        ("address", "uint256", "address", "uint256", OPERATIONS, AGGREGATOR_CALLS, "uint256", PERMIT),
        ("uint256",),
    )

    minted = Event("ZapMint", ("address", "address", "address", "uint256", "uint256"), (0, 1, 2))
    redeemed = Event("ZapRedeem", ("address", "address", "address", "uint256", "uint256"), (0, 1, 2))


class Token:
    """ERC-20."""

    symbol = Function("symbol", (), ("string",))
    decimals = Function("decimals", (), ("uint8",))
    balance_of = Function("balanceOf", ("address",), ("uint256",))
    allowance = Function("allowance", ("address", "address"), ("uint256",))
    approve = Function("approve", ("address", "uint256"), ("bool",))
    total_supply = Function("totalSupply", (), ("uint256",))
    transfer = Function("transfer", ("address", "uint256"), ("bool",))

    transferred = Event("Transfer", ("address", "address", "uint256"), (0, 1))
    approved = Event("Approval", ("address", "address", "uint256"), (0, 1))


class Permitting:
    """ERC-20 with ERC-2612 permits, and what such tokens tell of their EIP-712 domain (ERC-5267)."""

    name = Function("name", (), ("string",))
    version = Function("version", (), ("string",))
    nonces = Function("nonces", ("address",), ("uint256",))
    separator = Function("DOMAIN_SEPARATOR", (), ("bytes32",))
    domain = Function("eip712Domain", (), ("bytes1", "string", "string", "uint256", "address", "bytes32", "uint256[]"))
    permit = Function("permit", ("address", "address", "uint256", "uint256", "uint8", "bytes32", "bytes32"))


class Permit2:
    """The allowances that Permit2 keeps: amount, expiration, nonce; and the nonces of signature transfers, 256 to a word."""

    allowance = Function("allowance", ("address", "address", "address"), ("uint160", "uint48", "uint48"))
    nonce_bitmap = Function("nonceBitmap", ("address", "uint256"), ("uint256",))

    approved = Event("Approval", ("address", "address", "address", "uint160", "uint48"), (0, 1, 2))
    permitted = Event("Permit", ("address", "address", "address", "uint160", "uint48", "uint48"), (0, 1, 2))


class SettlerRegistry:
    """0x's deployer: which Settler of a feature is in use, and which one was before."""

    owner_of = Function("ownerOf", ("uint256",), ("address",))
    prev = Function("prev", ("uint128",), ("address",))


class UniswapV2:
    """The factory and its pairs."""

    get_pair = Function("getPair", ("address", "address"), ("address",))
    get_reserves = Function("getReserves", (), ("uint112", "uint112", "uint32"))
    token0 = Function("token0", (), ("address",))  # on V3 too
    token1 = Function("token1", (), ("address",))


class UniswapV3:
    """The factory and its pools."""

    get_pool = Function("getPool", ("address", "address", "uint24"), ("address",))
    slot0 = Function("slot0", (), ("uint160", "int24", "uint16", "uint16", "uint16", "uint8", "bool"))
    liquidity = Function("liquidity", (), ("uint128",))
    fee = Function("fee", (), ("uint24",))
    tick_spacing = Function("tickSpacing", (), ("int24",))
    tick_bitmap = Function("tickBitmap", ("int16",), ("uint256",))
    ticks = Function(
        "ticks",
        ("int24",),
        ("uint128", "int128", "uint256", "uint256", "int56", "uint160", "uint32", "bool"),
    )


class Lenders:
    """What lenders of flash loans tell about them, beside the balances that they lend."""

    balancer_fee = Function("getFlashLoanFeePercentage", (), ("uint256",))  # of the fees collector
    aave_premium = Function("FLASHLOAN_PREMIUM_TOTAL", (), ("uint128",))
    aave_configuration = Function("getConfiguration", ("address",), ("uint256",))
    aave_available = Function("getVirtualUnderlyingBalance", ("address",), ("uint128",))
    erc3156_max = Function("maxFlashLoan", ("address",), ("uint256",))
    erc3156_fee = Function("flashFee", ("address", "uint256"), ("uint256",))


class Balancer:
    """Balancer V2: the Vault, its weighted and stable pools, and what tells a pool a token's rate."""

    tokens_registered = Event("TokensRegistered", ("bytes32", "address[]", "address[]"), (0,))
    pool_tokens = Function("getPoolTokens", ("bytes32",), ("address[]", "uint256[]", "uint256"))
    query_batch_swap = Function(
        "queryBatchSwap",
        ("uint8", "(bytes32,uint256,uint256,uint256,bytes)[]", "address[]", "(address,bool,address,bool)"),
        ("int256[]",),
    )
    pool_id = Function("getPoolId", (), ("bytes32",))
    swap_fee = Function("getSwapFeePercentage", (), ("uint256",))
    weights = Function("getNormalizedWeights", (), ("uint256[]",))
    amplification = Function("getAmplificationParameter", (), ("uint256", "bool", "uint256"))
    rate_providers = Function("getRateProviders", (), ("address[]",))
    rate_cache = Function("getPriceRateCache", ("address",), ("uint256", "uint256", "uint256"))
    rate = Function("getRate", (), ("uint256",))


class CurveRegistry:
    """Curve's MetaRegistry."""

    find_pools = Function("find_pools_for_coins", ("address", "address"), ("address[]",))


class CurvePool:
    """A stable pool with int128 indices, and what some of them have; old ones count their coins in int128."""

    coins = Function("coins", ("uint256",), ("address",))
    coins_int128 = Function("coins", ("int128",), ("address",))
    balances = Function("balances", ("uint256",), ("uint256",))
    balances_int128 = Function("balances", ("int128",), ("uint256",))
    a = Function("A", (), ("uint256",))
    a_precise = Function("A_precise", (), ("uint256",))
    fee = Function("fee", (), ("uint256",))
    admin_fee = Function("admin_fee", (), ("uint256",))
    future_a_time = Function("future_A_time", (), ("uint256",))
    offpeg_fee_multiplier = Function("offpeg_fee_multiplier", (), ("uint256",))
    stored_rates = Function("stored_rates", (), ("uint256[]",))
    get_dy = Function("get_dy", ("int128", "int128", "uint256"), ("uint256",))


class ERC4626:
    """A vault of one asset, and what some of them have beside the standard."""

    asset = Function("asset", (), ("address",))
    total_assets = Function("totalAssets", (), ("uint256",))
    total_supply = Function("totalSupply", (), ("uint256",))
    preview_deposit = Function("previewDeposit", ("uint256",), ("uint256",))
    preview_redeem = Function("previewRedeem", ("uint256",), ("uint256",))
    max_deposit = Function("maxDeposit", ("address",), ("uint256",))
    max_redeem = Function("maxRedeem", ("address",), ("uint256",))
    a_token = Function("aToken", (), ("address",))  # Aave's wrappers


class Lido:
    """STETH, and wstETH that wraps it."""

    steth = Function("stETH", (), ("address",))
    total_supply = Function("totalSupply", (), ("uint256",))
    shares_of = Function("sharesOf", ("address",), ("uint256",))
    total_pooled_ether = Function("getTotalPooledEther", (), ("uint256",))
    total_shares = Function("getTotalShares", (), ("uint256",))
    external_ether = Function("getExternalEther", (), ("uint256",))  # of Lido V3
    external_shares = Function("getExternalShares", (), ("uint256",))
    shares_by_pooled_eth = Function("getSharesByPooledEth", ("uint256",), ("uint256",))
    pooled_eth_by_shares = Function("getPooledEthByShares", ("uint256",), ("uint256",))


class Multicall:
    """Multicall3."""

    aggregate3 = Function("aggregate3", ("(address,bool,bytes)[]",), ("(bool,bytes)[]",))
    block_number = Function("getBlockNumber", (), ("uint256",))
    block_timestamp = Function("getCurrentBlockTimestamp", (), ("uint256",))
    eth_balance = Function("getEthBalance", ("address",), ("uint256",))
