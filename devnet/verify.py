"""Proof that a box is what it says: published code hashes, and real trades through every router, lender and wrapper.

Each check runs on its own and tells what it saw; all of it happens inside a snapshot that is undone at the end.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from devnet import addresses as a
from devnet.addresses import TOKENS, TRADER, Token
from devnet.artifacts import load_bundle
from devnet.box import Box, calldata
from devnet.codehashes import PUBLISHED
from devnet.deployer import FAR_FUTURE, MAX_UINT
from devnet.market import feed_price, refresh_feeds, set_feed
from devnet.protocols.chainlink import ROUND
from devnet.protocols.uniswap import V4_ETHER_POOL, V4_KEY_TYPE
from keeper.errors import ChainError, EquipoiseError

WETH, USDC, DAI, WBTC, WSTETH = (TOKENS[s] for s in ("WETH", "USDC", "DAI", "WBTC", "wstETH"))
ONE = 10**18
FRESH_SECONDS = 300
MONTH = 30 * 86_400


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was tried: what it was, whether it held, and what was seen (or the error)."""

    name: str
    passed: bool
    detail: str


class Failed(ChainError):
    """A check did not hold; its text says what was seen."""


def verify(box: Box) -> list[Check]:
    """Run all checks; the box is left as it was.

    Raises:
        ChainError: nothing answers at the box's URL.
        ToolchainError: the code of the flash-loan taker is not cached and cannot be built.
    """
    taker_code = bytes.fromhex(load_bundle()["FlashTaker"].code)
    snapshot = box.snapshot()
    try:
        return [_run(name, check) for name, check in _checks(box, taker_code)]
    finally:
        box.revert(snapshot)


def _run(name: str, check: Callable[[], str]) -> Check:
    try:
        return Check(name, True, check())
    except EquipoiseError as error:
        return Check(name, False, str(error))


def _checks(box: Box, taker_code: bytes) -> list[tuple[str, Callable[[], str]]]:
    box.fund(TRADER, 100_000)
    box.send(TRADER, WETH.address, "deposit()", value=50_000 * ONE)
    for spender in (a.V2_ROUTER, a.V3_ROUTER, a.V3_ROUTER_02, a.PERMIT2, a.BALANCER_VAULT, a.AAVE_POOL):
        box.send(TRADER, WETH.address, "approve(address,uint256)", spender, MAX_UINT)
    box.give(USDC.address, TRADER, USDC.units(2_000_000))
    taker = box.transact(TRADER, None, taker_code)["contractAddress"]
    lenders = [("Balancer", a.BALANCER_VAULT, 5_000_000), ("Aave", a.AAVE_POOL, 50_000_000)]
    if box.code(a.MORPHO_BLUE):
        lenders.append(("Morpho", a.MORPHO_BLUE, 40_000_000))
    return [
        ("code equals the published mainnet code", partial(code_hashes, box)),
        ("every feed is fresh", partial(fresh_feeds, box)),
        ("Multicall3: decimals of USDC and WBTC", partial(_multicall, box)),
        ("Uniswap V2 Router02: 10 WETH to USDC", partial(_v2, box)),
        ("Uniswap V3 SwapRouter: 100 WETH to USDC", partial(_v3, box)),
        ("Uniswap V3 SwapRouter02: 10 WETH to WBTC", partial(_v3_path, box)),
        ("Uniswap V3: 30 minutes of price history", partial(_history, box)),
        ("Universal Router and Permit2: 10 WETH to USDC on V3", partial(_universal, box)),
        ("Universal Router: 10 ether to USDC on V4", partial(_universal_v4, box)),
        ("Balancer V2 weighted pool: 10 WETH to USDC", partial(_balancer, box, a.BALANCER_POOLS[2], USDC)),
        ("Balancer V2 meta-stable pool: 10 WETH to wstETH", partial(_balancer, box, a.BALANCER_POOLS[5], WSTETH)),
        ("Curve sUSD pool: 100,000 USDC to DAI", partial(_curve, box)),
        *(
            (f"{name} flash loan of {usd:,} USDC", partial(_flash, box, taker, name, at, usd))
            for name, at, usd in lenders
        ),
        ("Aave V3: supply 1,000 WETH, borrow 1,000,000 USDC", partial(_aave, box)),
        ("Aave's oracle follows a posted answer", partial(_oracle, box)),
        *(
            (f"Aave wrapper of {symbol}: deposit, a month, redeem", partial(_wrapper, box, TOKENS[symbol]))
            for symbol in a.AAVE_WRAPPERS
        ),
    ]


def code_hashes(box: Box) -> str:
    """Every published hash whose contract is there.

    Raises:
        Failed: one differs, or one that belongs to every box is missing.
    """
    codes = {address: box.code(address) for address in PUBLISHED}
    missing = [address for address, code in codes.items() if not code and address != a.MORPHO_BLUE]
    wrong = [address for address, code in codes.items() if code and keccak(code).hex() != PUBLISHED[address]]
    if missing or wrong:
        raise Failed(f"no code at {missing}, other code at {wrong}")
    return f"{sum(bool(code) for code in codes.values())} contracts"


def fresh_feeds(box: Box) -> str:
    """The age of the oldest answer.

    Raises:
        Failed: an answer is older than five minutes, or from the future.
    """
    now = box.timestamp()
    ages = {feed.description: now - box.call(feed.proxy, ROUND)[3] for feed in a.FEEDS.values()}
    stale = [f"{name}: {age} s" for name, age in ages.items() if not 0 <= age <= FRESH_SECONDS]
    if stale:
        raise Failed(f"stale answers: {', '.join(stale)}")
    return f"{len(ages)} feeds, the oldest {max(ages.values())} s old"


def _gain(box: Box, token: str, trade: Callable[[], object]) -> int:
    before = box.balance(token, TRADER)
    trade()
    return box.balance(token, TRADER) - before


def _swapped(box: Box, token: Token, quoted: int, trade: Callable[[], object]) -> str:
    """What the trade brought in, for people, after making sure that it is what the protocol's own quoter said."""
    got = _gain(box, token.address, trade)
    if got != quoted or got == 0:
        raise Failed(f"{got} base units of {token.symbol} where the quoter said {quoted}")
    return f"{Decimal(got).scaleb(-token.decimals):,.4f} {token.symbol}, as quoted"


def _multicall(box: Box) -> str:
    signature = "aggregate3((address,bool,bytes)[])((bool,bytes)[])"
    calls = [(token.address, False, calldata("decimals()")) for token in (USDC, WBTC)]
    decimals = [int.from_bytes(data, "big") for _, data in box.call(a.MULTICALL3, signature, calls)]
    if decimals != [USDC.decimals, WBTC.decimals]:
        raise Failed(str(decimals))
    return str(decimals)


def _v2(box: Box) -> str:
    path = [WETH.address, USDC.address]
    quoted = box.call(a.V2_ROUTER, "getAmountsOut(uint256,address[])(uint256[])", 10 * ONE, path)[-1]
    signature = "swapExactTokensForTokens(uint256,uint256,address[],address,uint256)"
    args = (10 * ONE, 0, path, TRADER, FAR_FUTURE)
    return _swapped(box, USDC, quoted, lambda: box.send(TRADER, a.V2_ROUTER, signature, *args))


def _v3_quote(box: Box, amount: int) -> int:
    signature = "quoteExactInputSingle((address,address,uint256,uint24,uint160))(uint256,uint160,uint32,uint256)"
    return int(box.call(a.V3_QUOTER_V2, signature, (WETH.address, USDC.address, amount, 500, 0))[0])


def _v3(box: Box) -> str:
    signature = "exactInputSingle((address,address,uint24,address,uint256,uint256,uint256,uint160))"
    swap = (WETH.address, USDC.address, 500, TRADER, FAR_FUTURE, 100 * ONE, 0, 0)
    quoted = _v3_quote(box, 100 * ONE)
    return _swapped(box, USDC, quoted, lambda: box.send(TRADER, a.V3_ROUTER, signature, swap))


def _v3_path(box: Box) -> str:
    path = bytes.fromhex(WETH.address[2:]) + (3000).to_bytes(3, "big") + bytes.fromhex(WBTC.address[2:])
    quote = "quoteExactInput(bytes,uint256)(uint256,uint160[],uint32[],uint256)"
    quoted = box.call(a.V3_QUOTER_V2, quote, path, 10 * ONE)[0]
    swap = (path, TRADER, 10 * ONE, 0)
    signature = "exactInput((bytes,address,uint256,uint256))"
    return _swapped(box, WBTC, quoted, lambda: box.send(TRADER, a.V3_ROUTER_02, signature, swap))


def _history(box: Box) -> str:
    """The pool answers only when its oldest observation is old enough."""
    ticks = box.call(a.V3_POOLS[0].address, "observe(uint32[])(int56[],uint160[])", [1800, 0])[0]
    return f"mean tick {(ticks[1] - ticks[0]) // 1800} of USDC/WETH"


def _universal(box: Box) -> str:
    permit = (WETH.address, a.UNIVERSAL_ROUTER, 2**160 - 1, 2**48 - 1)
    box.send(TRADER, a.PERMIT2, "approve(address,address,uint160,uint48)", *permit)
    path = bytes.fromhex(WETH.address[2:]) + (500).to_bytes(3, "big") + bytes.fromhex(USDC.address[2:])
    swap = encode(["address", "uint256", "uint256", "bytes", "bool"], [TRADER, 10 * ONE, 0, path, True])
    # Command 0x00 of universal-router's Commands.sol: V3_SWAP_EXACT_IN.
    return _swapped(box, USDC, _v3_quote(box, 10 * ONE), lambda: _execute(box, 0x00, swap))


def _universal_v4(box: Box) -> str:
    quote = f"quoteExactInputSingle(({V4_KEY_TYPE},bool,uint128,bytes))(uint256,uint256)"
    quoted = box.call(a.V4_QUOTER, quote, (V4_ETHER_POOL, True, 10 * ONE, b""))[0]
    swap = encode([f"({V4_KEY_TYPE},bool,uint128,uint128,bytes)"], [(V4_ETHER_POOL, True, 10 * ONE, 0, b"")])
    settle = encode(["address", "uint256"], [a.ZERO, 10 * ONE])
    take = encode(["address", "uint256"], [USDC.address, 0])
    # Command 0x10: V4_SWAP; its actions: SWAP_EXACT_IN_SINGLE, SETTLE_ALL, TAKE_ALL.
    actions = encode(["bytes", "bytes[]"], [bytes([0x06, 0x0C, 0x0F]), [swap, settle, take]])
    return _swapped(box, USDC, quoted, lambda: _execute(box, 0x10, actions, 10 * ONE))


def _execute(box: Box, command: int, data: bytes, value: int = 0) -> None:
    signature = "execute(bytes,bytes[],uint256)"
    box.send(TRADER, a.UNIVERSAL_ROUTER, signature, bytes([command]), [data], FAR_FUTURE, value=value)


def _balancer(box: Box, pool: a.BalancerPool, bought: Token) -> str:
    swap_type, funds_type = "(bytes32,uint8,address,address,uint256,bytes)", "(address,bool,address,bool)"
    swap = (pool.pool_id, 0, WETH.address, bought.address, 10 * ONE, b"")
    funds = (TRADER, False, TRADER, False)
    quoted = box.call(a.BALANCER_QUERIES, f"querySwap({swap_type},{funds_type})(uint256)", swap, funds)
    signature, args = f"swap({swap_type},{funds_type},uint256,uint256)", (swap, funds, 0, FAR_FUTURE)
    return _swapped(box, bought, quoted, lambda: box.send(TRADER, a.BALANCER_VAULT, signature, *args))


def _curve(box: Box) -> str:
    box.send(TRADER, USDC.address, "approve(address,uint256)", a.CURVE_SUSD_POOL, MAX_UINT)
    trade = (a.CURVE_SUSD_COINS.index("USDC"), a.CURVE_SUSD_COINS.index("DAI"), USDC.units(100_000))
    quoted = box.call(a.CURVE_SUSD_POOL, "get_dy(int128,int128,uint256)(uint256)", *trade)
    signature = "exchange(int128,int128,uint256,uint256)"
    return _swapped(box, DAI, quoted, lambda: box.send(TRADER, a.CURVE_SUSD_POOL, signature, *trade, 0))


def _flash(box: Box, taker: str, name: str, lender: str, usd: int) -> str:
    box.send(TRADER, USDC.address, "transfer(address,uint256)", taker, USDC.units(100_000))  # pays the fee
    before = box.balance(USDC.address, taker)
    box.send(TRADER, taker, f"takeFrom{name}(address,address,uint256)", lender, USDC.address, USDC.units(usd))
    if box.call(taker, "borrowed()(uint256)") != USDC.units(usd):
        raise Failed("the loan did not arrive")
    fee = Decimal(before - box.balance(USDC.address, taker)).scaleb(-USDC.decimals)
    return f"repaid, fee {fee:,.2f} USDC"


def _aave(box: Box) -> str:
    usdc = USDC.units(1_000_000)
    box.send(TRADER, a.AAVE_POOL, "supply(address,uint256,address,uint16)", WETH.address, 1000 * ONE, TRADER, 0)
    borrow = (USDC.address, usdc, 2, 0, TRADER)
    signature = "borrow(address,uint256,uint256,uint16,address)"
    got = _gain(box, USDC.address, lambda: box.send(TRADER, a.AAVE_POOL, signature, *borrow))
    account = box.call(
        a.AAVE_POOL, "getUserAccountData(address)(uint256,uint256,uint256,uint256,uint256,uint256)", TRADER
    )
    if got != usdc or account[5] <= ONE:
        raise Failed(f"{got} base units borrowed, health factor {account[5]}")
    return f"health factor {Decimal(account[5]).scaleb(-18):.3f}"


def _oracle(box: Box) -> str:
    target = (feed_price(box, "WETH") * 5 / 6).quantize(Decimal("0.01"))
    set_feed(box, "WETH", target)
    seen = Decimal(box.call(a.AAVE_ORACLE, "getAssetPrice(address)(uint256)", WETH.address)).scaleb(-8)
    if seen != target or feed_price(box, "WETH") != target:
        raise Failed(f"{seen} where {target} was posted")
    return f"{seen:,.2f} USD"


def _wrapper(box: Box, token: Token) -> str:
    """Last of all checks: it lets a month pass."""
    wrapper, amount = a.AAVE_WRAPPERS[token.symbol], token.units(100_000)
    box.give(token.address, TRADER, amount)
    box.send(TRADER, token.address, "approve(address,uint256)", wrapper, amount)
    deposit = (amount, TRADER)
    shares = _gain(box, wrapper, lambda: box.send(TRADER, wrapper, "deposit(uint256,address)", *deposit))
    box.rpc("evm_increaseTime", MONTH)
    refresh_feeds(box)
    redeem = (shares, TRADER, TRADER)
    back = _gain(box, token.address, lambda: box.send(TRADER, wrapper, "redeem(uint256,address,address)", *redeem))
    if back <= amount:
        raise Failed(f"{back} base units back for {amount}")
    paid, got = (Decimal(units).scaleb(-token.decimals) for units in (amount, back))
    return f"{got:,.2f} back for {paid:,.2f} {token.symbol}"
