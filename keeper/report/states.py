"""What a vault was at a block, receipts of its fills and the fees of pools: read once and kept by the block's hash."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from keeper.chain import abi
from keeper.chain.abi import Function, checksum
from keeper.chain.multicall import Read, read_all
from keeper.chain.pools.cache import PoolCache
from keeper.chain.rpc import Client, Reorged
from keeper.chain.snapshot import Block
from keeper.chain.tokens import Token, read_tokens
from keeper.errors import ChainError, OracleError
from keeper.report.decode import arguments
from keeper.report.events import swaps_of
from keeper.report.records import Place, Story
from keeper.settings import Settings

_VERSION = 1
_SAVED_EVERY = 200  # reads
_WAD = 10**18
_V2_FEE = 3 * 10**15  # WAD; a constant of Uniswap V2's pairs
_RATES = (abi.UniswapV3.tick_spacing, abi.UniswapV3.fee, abi.Balancer.swap_fee, abi.CurvePool.fee)
_PROBES: tuple[Function, ...] = (*_RATES, abi.UniswapV2.get_reserves)


class PoolTerms(NamedTuple):
    """What a pool's functions tell: its venue, None where they tell none; the WAD share that it keeps of what goes in."""

    venue: str | None
    fee: int


@dataclass(frozen=True, slots=True)
class State:
    """A vault at the end of a block. USD and prices are WAD, by asset; a price is None where the oracle had none.

    `supply` is with the streaming fee that is due, `total_supply` without. `nav` and `nav_per_share` are the vault's own words.
    """

    block: int
    block_hash: str
    time: int
    basket: tuple[str, ...]
    held: tuple[int, ...]  # base units that the basket says to have, in its order
    targets: tuple[int, ...]
    bands: tuple[int, ...]
    prices: Mapping[str, int | None]
    supply: int
    total_supply: int
    nav: int | None
    nav_per_share: int | None
    native_price: int | None
    stale: tuple[str, ...] = ()  # assets whose price is an earlier block's, since the oracle had none

    def worth(self, decimals: Mapping[str, int]) -> int:
        """What is held, WAD USD, each asset rounded down. Raises OracleError."""
        return sum(
            amount * self.price(asset) // int(10 ** decimals[asset])
            for asset, amount in zip(self.basket, self.held, strict=True)
            if amount
        )

    def price(self, asset: str) -> int:
        """WAD USD per whole token.

        :raises OracleError: the oracle had none
        """
        found = self.prices.get(asset)
        if found is None:
            raise OracleError(f"the oracle had no price of {asset} at block {self.block}: choose other blocks")
        return found


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a mined transaction cost, and all that rebalancers and its executors logged in it."""

    tx: str
    block: int
    block_hash: str
    succeeded: bool
    sender: str
    gas_used: int
    gas_price: int  # wei per gas
    data_fee: int  # wei
    filled: Mapping[str, tuple[int, int]]  # WAD USD out and in, by rebalancer
    swaps: tuple[tuple[str, str, str, int, int], ...]  # pool, token in, token out, amounts in base units

    @property
    def wei(self) -> int:
        """What the sender paid."""
        return self.gas_used * self.gas_price + self.data_fee


class States:
    """Reads a vault's states; `close` keeps what was read."""

    def __init__(self, client: Client, settings: Settings, story: Story):
        self._client = client
        self._settings = settings
        self._story = story
        self._cache = PoolCache(settings.pools.cache_folder, client)
        self._name = f"report-states-{story.vault[2:].lower()}"
        kept = self._cache.read(self._name) or {}
        self._kept: dict[str, Any] = kept.get("read", {}) if kept.get("version") == _VERSION else {}
        self._unsaved = 0

    def close(self) -> None:
        """Keep what was read. Raises ConfigurationError."""
        if self._unsaved:
            self._cache.write(self._name, {"version": _VERSION, "read": self._kept})
            self._unsaved = 0

    def at(self, block: Block | Place) -> State:
        """The vault at the end of a block.

        :raises ChainError: the endpoint fails, or no longer has the block's state
        """
        number, block_hash, time = _block(block)
        kept = self._kept.get(f"state {block_hash}")
        if kept is None:
            kept = self._read(Block(number, block_hash, time, 0))
            self._keep(f"state {block_hash}", kept)
        fields: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in kept.items()
        }
        return State(block=number, block_hash=block_hash, time=time, **fields)

    def priced(self, block: Block | Place) -> State:
        """As `at`; where the oracle had no price of an asset in the basket, the price of a block before that had one.

        Looked for one block back, two, four and so on: mints and redemptions go on while the oracle fails.

        :raises ChainError: as `at`
        """
        state = self.at(block)
        missing = {asset for asset in state.basket if state.prices.get(asset) is None}
        prices, back, stale = dict(state.prices), 1, tuple(sorted(missing))
        while missing and state.block - back >= self._story.first_block:
            earlier = self._client.block(state.block - back)
            if earlier is None:
                break
            found = self.at(earlier).prices
            prices |= {asset: found[asset] for asset in missing if found.get(asset) is not None}
            missing = {asset for asset in missing if prices.get(asset) is None}
            back *= 2
        return replace(state, prices=prices, stale=stale)

    def prices_before(self, place: Place, assets: Sequence[str]) -> dict[str, int | None]:
        """What the oracle said at a block's time before the block's first transaction; None where it had no price.

        :raises ChainError: as `at`
        """
        key = f"before {place.block_hash}"
        kept = self._kept.get(key)
        if kept is None:
            parent = self._client.block(place.block - 1)
            if parent is None:
                raise ChainError(f"{self._client.name} has no block {place.block - 1}: use an archive node")
            oracle = self._story.oracle_at(parent.number)
            reads = [Read(oracle, abi.Oracle.price, (asset,)) for asset in assets]
            answers = self._ask(reads, parent, place.time)
            kept = dict(zip(assets, answers, strict=True))
            self._keep(key, kept)
        return {asset: kept.get(asset) for asset in assets}

    def receipt(self, tx: str, executors: Sequence[str], block_hash: str | None = None) -> Receipt:
        """A transaction's receipt, of the chain as it is now.

        :param executors: whose swaps count
        :param block_hash: of its block, where that is known to be part of the chain
        :raises ChainError: there is none
        """
        kept = self._kept.get(f"receipt {tx}")
        if kept is None or not self._is_there(kept, block_hash):
            kept = self._client.read("eth_getTransactionReceipt", tx)
            if kept is None:
                raise ChainError(f"{self._client.name} has no receipt of {tx}: use an archive node")
            self._keep(f"receipt {tx}", kept)
        filled: dict[str, tuple[int, int]] = {}
        for log in kept["logs"]:
            told = arguments(abi.Rebalancer.rebalanced, log)
            if told is not None:
                filled[checksum(log["address"])] = (told[2], told[3])
        return Receipt(
            tx=tx,
            block=int(kept["blockNumber"], 16),
            block_hash=kept["blockHash"],
            succeeded=int(kept["status"], 16) == 1,
            sender=checksum(kept["from"]),
            gas_used=int(kept["gasUsed"], 16),
            gas_price=int(kept.get("effectiveGasPrice") or "0x0", 16),
            data_fee=int(kept.get("l1Fee") or "0x0", 16),
            filled=filled,
            swaps=tuple(swaps_of(kept, executors)),
        )

    def pools(self, pools: Sequence[str], place: Place) -> dict[str, PoolTerms]:
        """What pools are at the end of a block; the fee is 0 for one that has none or hides it."""
        wanted = list(dict.fromkeys(pools))
        missing = [pool for pool in wanted if f"pool {pool} {place.block_hash}" not in self._kept]
        block = Block(place.block, place.block_hash, place.time, 0)
        answers = self._ask([Read(pool, probe) for pool in missing for probe in _PROBES], block)
        for i, pool in enumerate(missing):
            self._keep(f"pool {pool} {place.block_hash}", _terms(answers[i * len(_PROBES) : (i + 1) * len(_PROBES)]))
        return {pool: PoolTerms(*self._kept[f"pool {pool} {place.block_hash}"]) for pool in wanted}

    def tokens(self, addresses: Sequence[str], block: Block) -> dict[str, Token]:
        """The tokens as they describe themselves. Raises as `read_tokens`."""
        return read_tokens(self._client, addresses, block, self._settings.multicall)

    def _is_there(self, receipt: Mapping[str, Any], block_hash: str | None) -> bool:
        found = str(receipt["blockHash"])
        return found == block_hash or self._client.contains(int(receipt["blockNumber"], 16), found)

    def _read(self, block: Block) -> dict[str, Any]:
        story, native = self._story, self._settings.wrapped_native
        vault, rebalancer, oracle = story.vault, story.rebalancer, story.oracle_at(block.number)
        own = [abi.Vault.assets, abi.Vault.holdings, abi.Vault.supply, abi.Token.total_supply]
        judged = [abi.Rebalancer.targets, abi.Rebalancer.bands, abi.Rebalancer.nav, abi.Rebalancer.nav_per_share]
        reads = [Read(vault, each) for each in own] + [Read(rebalancer, each) for each in judged]
        reads += [Read(oracle, abi.Oracle.price, (asset,)) for asset in (*story.assets, native)]
        assets, holdings, supply, total, targets, bands, nav, per_share, *prices = self._ask(reads, block)
        if assets is None or holdings is None or supply is None or total is None:
            raise ChainError(f"{vault} had no basket at block {block.number}: choose a later one")
        return {
            "basket": [checksum(asset) for asset in assets],
            "held": list(holdings[2][: holdings[0]]),
            "targets": list(targets or ()),
            "bands": list(bands or ()),
            "prices": dict(zip(story.assets, prices, strict=False)),
            "supply": supply,
            "total_supply": total,
            "nav": nav,
            "nav_per_share": per_share,
            "native_price": prices[-1],
        }

    def _ask(self, reads: Sequence[Read], block: Block, time: int | None = None) -> list[Any]:
        """Answers' values, None for those that failed."""
        try:
            answers = read_all(self._client, reads, block, self._settings.multicall, time)
        except Reorged:
            raise
        except ChainError as error:
            raise ChainError(
                f"no state at block {block.number}: {error}; what is past needs an archive node, or to be read in time"
            ) from None
        return [answer.value for answer in answers]

    def _keep(self, key: str, value: Any) -> None:
        self._kept[key] = value
        self._unsaved += 1
        if self._unsaved >= _SAVED_EVERY:
            self.close()


def _block(block: Block | Place) -> tuple[int, str, int]:
    if isinstance(block, Place):
        return block.block, block.block_hash, block.time
    return block.number, block.hash, block.timestamp


def _terms(answers: Sequence[Any]) -> PoolTerms:
    """From what a pool answered to `_PROBES`: V3's fee is in millionths, Balancer's WAD, Curve's 1e-10."""
    spacing, fee, balancer, curve, reserves = answers
    if spacing is not None and fee is not None:
        return PoolTerms("uniswap_v3", int(fee) * _WAD // 10**6)
    if balancer is not None:
        return PoolTerms("balancer_v2", int(balancer))
    if reserves is not None:
        return PoolTerms("uniswap_v2", _V2_FEE)
    if curve is not None and curve < 10**10:
        return PoolTerms("curve", int(curve) * _WAD // 10**10)
    return PoolTerms(None, 0)
