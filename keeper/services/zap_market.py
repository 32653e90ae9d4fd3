"""What a zap finds at one block: a vault's basket, the pools among it and what may be given or wanted, and what gas costs."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from eth_utils.address import is_address, to_checksum_address

from keeper.chain import abi
from keeper.chain.multicall import Read, read_all
from keeper.chain.rpc import Client
from keeper.chain.snapshot import Block, VaultSnapshot
from keeper.chain.tokens import Token, read_tokens
from keeper.errors import NoRoute
from keeper.execution import fees as fee_market
from keeper.markets import Pool
from keeper.routing import WAD, RebalanceProblem, exact_in, exact_out, reference_prices
from keeper.services.in_kind import WORDS, Refused
from keeper.services.route import choose, ether_price, pools_among, uncapped
from keeper.settings import Settings

ETHER = Token("0x" + "0" * 40, "ETH", 18)  # the chain's coin, by the address that IndexZap has for it
_SHARE_DECIMALS = 18


@dataclass(frozen=True, slots=True)
class Basket:
    """What a vault holds, as a mint and a redemption divide it: base units by asset, shares with 18 decimals."""

    held: Mapping[str, int]
    supply: int
    mint_fee: int  # WAD share of the shares made
    redeem_fee: int  # WAD share of the shares redeemed

    @classmethod
    def of(cls, snapshot: VaultSnapshot) -> "Basket":
        """Raises Refused for a vault without shares, or that holds nothing."""
        if not snapshot.supply:
            raise Refused(f"vault {snapshot.address} has no shares yet: make the first mint in kind")
        held = {asset.address: asset.balance for asset in snapshot.assets}
        if not any(held.values()):
            raise Refused(f"vault {snapshot.address} holds nothing: there is no basket to trade")
        return cls(held, snapshot.supply, snapshot.fees.mint, snapshot.fees.redeem)

    def made_up(self, shares: int) -> int:
        """What a mint of so many shares makes, with the fee."""
        return -(-shares * WAD // (WAD - self.mint_fee))

    def cost_up(self, shares: int) -> dict[str, int]:
        """What minting takes of each asset."""
        made = self.made_up(shares)
        return {asset: -(-held * made // self.supply) for asset, held in self.held.items()}

    def shares_down(self, balances: Mapping[str, int]) -> int:
        """The most shares that balances pay for, as IndexZap counts."""
        made = min(balances.get(asset, 0) * self.supply // held for asset, held in self.held.items() if held)
        return made * (WAD - self.mint_fee) // WAD

    def paid_down(self, shares: int) -> dict[str, int]:
        """What redeeming pays of each asset. Raises Refused for more shares than there are."""
        if shares > self.supply:
            raise Refused(WORDS["vault: more than supply"])
        fee_up = -(-shares * self.redeem_fee // WAD)
        return {asset: held * (shares - fee_up) // self.supply for asset, held in self.held.items()}


@dataclass(frozen=True, slots=True)
class Market:
    """The vault, the pools and prices, all at the snapshot's block.

    `tokens` are those of the pools and those that may be traded, by address; `prices` what the vault's oracle says of these, in
    WAD USD per whole token, where it says anything. `gas_price` is in wei, `eth_price` WAD USD.
    """

    snapshot: VaultSnapshot
    basket: Basket
    pools: tuple[Pool, ...]
    tokens: Mapping[str, Token]
    prices: Mapping[str, int]
    usd: Token
    native: str  # what ether becomes to be traded
    gas_price: int
    eth_price: int

    @classmethod
    def read(
        cls, client: Client, settings: Settings, snapshot: VaultSnapshot, tokens: Iterable[Token] | None = None
    ) -> "Market":
        """The pools among the basket, the hubs, and these tokens: those of `tokens_of` where none are named.

        :raises Refused: the vault has no shares
        :raises ConfigurationError: `usd_token` is no token
        :raises ChainError: the endpoint fails
        """
        block, multicall, native = snapshot.block, settings.multicall, settings.wrapped_native
        basket = Basket.of(snapshot)
        (usd,) = choose(client, settings, (), block)
        chosen = tokens_of(client, settings, snapshot) if tokens is None else tuple(tokens)
        addresses = dict.fromkeys((*basket.held, *(token.address for token in chosen if token != ETHER)))
        traded = read_tokens(client, addresses, block, multicall)
        found = pools_among(client, settings, traded.values(), usd, block)
        seen = (token for pool in found for token in pool.tokens)
        known = read_tokens(client, (*addresses, native, usd.address, *seen), block, multicall)
        reads = [Read(snapshot.oracle, abi.Oracle.price, (address,)) for address in (*addresses, native)]
        answers = read_all(client, reads, block, multicall)
        prices = {
            address: answer.value for address, answer in zip((*addresses, native), answers, strict=True) if answer.value
        }
        gas_price = fee_market.current(client, uncapped(settings.fees)).expected
        share = Token(snapshot.address, snapshot.symbol, _SHARE_DECIMALS)
        return cls(
            snapshot,
            basket,
            tuple(found),
            known | {share.address: share, ETHER.address: ETHER},
            prices,
            usd,
            native,
            gas_price,
            ether_price(found, settings, usd) or 0,
        )

    def traded(self, token: str) -> str:
        """What pools trade for a token: for ether what it becomes."""
        return self.native if token == ETHER.address else token

    def value(self, token: str, amount: int) -> int | None:
        """WAD USD of base units at the oracle's prices, rounded down; None where it has no price."""
        if token == self.snapshot.address:
            valuation = self.snapshot.valuation
            return None if valuation is None else amount * valuation.nav // self.snapshot.supply
        price = self.prices.get(self.traded(token))
        return None if price is None else amount * price // int(10 ** self.tokens[token].decimals)

    def worth(self, amounts: Mapping[str, int]) -> float:
        """USD of base units, at the deepest pools' prices. Raises NoRoute."""
        prices = reference_prices(self.pools, {self.usd.address: 10.0**-self.usd.decimals})
        if missing := [token for token, amount in amounts.items() if amount and token not in prices]:
            raise NoRoute(f"no pool with liquidity connects {missing[0]} with {self.usd.symbol}")
        return sum(amount * prices[token] for token, amount in amounts.items() if amount)

    def exact_out(self, token: str, bought: Mapping[str, int]) -> RebalanceProblem:
        """Buy a basket with as little of a token as it takes."""
        return exact_out(self.pools, token, bought, self._dollar, self._decimals, **self._gas)

    def exact_in(self, sold: Mapping[str, int], token: str) -> RebalanceProblem:
        """Sell a basket for as much of a token as it brings."""
        return exact_in(self.pools, sold, token, self._dollar, self._decimals, **self._gas)

    @property
    def _dollar(self) -> dict[str, int]:
        return {self.usd.address: WAD}

    @property
    def _decimals(self) -> dict[str, int]:
        return {address: token.decimals for address, token in self.tokens.items()}

    @property
    def _gas(self) -> dict[str, int]:
        return {"gas_price_wei": self.gas_price, "eth_price_wad": self.eth_price}


def tokens_of(client: Client, settings: Settings, snapshot: VaultSnapshot) -> tuple[Token, ...]:
    """What a zap of this vault may be given or asked for: ether, the basket's assets, the hubs and `zap_tokens`.

    :raises ChainError: the endpoint fails
    """
    assets = tuple(asset.address for asset in snapshot.assets)
    others = (settings.usd_token, settings.wrapped_native, *settings.pools.hubs, *settings.zap_tokens)
    found = read_tokens(client, (*assets, *others), snapshot.block, settings.multicall)
    return (ETHER, *found.values())


def named(client: Client, settings: Settings, name: str, block: Block) -> Token:
    """A token by its address, by `ETH`, or by the symbol of one of the settings'.

    :raises ConfigurationError: it is none
    :raises ChainError: the endpoint fails
    """
    if name.upper() == ETHER.symbol or (is_address(name) and to_checksum_address(name) == ETHER.address):
        return ETHER
    return choose(client, settings, (name,), block)[0]
