"""A vault's logs, read in pieces and kept in a file, and what they tell.

The file holds the logs with the hashes of some blocks on the way. What a later run believes of it ends at the newest of these
that is still part of the chain; the rest is read again. It is replaced whole, so that a killed run leaves the file of before.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from eth_utils.conversions import to_hex

from keeper.chain import abi
from keeper.chain.abi import checksum
from keeper.chain.multicall import Read, read_all
from keeper.chain.pools.cache import PoolCache
from keeper.chain.reader import rebalancer_of
from keeper.chain.rpc import BlockMissing, Client, Reorged, RpcError
from keeper.chain.snapshot import Block
from keeper.errors import ChainError, ConfigurationError
from keeper.report.decode import arguments, assets_named, decode
from keeper.report.records import Story
from keeper.settings import Settings

_VERSION = 1
_SAVED_EVERY = 20  # requests
_MARKS = 64  # block hashes that are kept
_SHORT = 10  # requests for logs that are made in place of a search for the first block
_LOG_FIELDS = ("address", "topics", "data", "blockNumber", "blockHash", "transactionHash", "logIndex")

Kept = dict[str, Any]


class History:
    """Reads what happened to one vault.

    :param first_block: the vault's first block, where it is known; else it is searched for once
    :param tell: gets the block up to which was read, and the one that is read up to
    """

    def __init__(
        self,
        client: Client,
        settings: Settings,
        vault: str,
        first_block: int | None = None,
        tell: Callable[[int, int], None] = lambda *_: None,
    ):
        self._client = client
        self._settings = settings
        self._vault = vault
        self._first_block = first_block
        self._tell = tell
        self._cache = PoolCache(settings.pools.cache_folder, client)

    def read(self, block: Block | None = None) -> Story:
        """All that happened up to a block, the head where none is given.

        :raises ConfigurationError: the address is no vault's, or the cache cannot be written
        :raises Reorged: the chain changed its past meanwhile
        :raises ChainError: the endpoint fails, or has no logs that old
        """
        head = block or self._client.head()
        rebalancer = rebalancer_of(self._client, self._vault, head)
        kept = self._known(head)
        if self._first_block is not None:
            kept["first"] = self._first_block
        elif kept["first"] is None:
            kept["first"] = self._created(head.number)
        assets = self._read_up_to(kept, head, rebalancer)
        if not self._client.is_canonical(head):
            raise Reorged(f"block {head.number} ({head.hash}) is no longer part of the chain: start over from the head")
        self._check_hashes(kept)
        self._save(kept, head)
        logs = [log for log in kept["logs"] if int(log["blockNumber"], 16) <= head.number]
        told = decode(logs, self._vault, rebalancer, assets, kept["times"])
        oracles = [(place.block, new) for place, _, new in told.oracles]
        first = told.oracles[0][1] if told.oracles else self._oracle(rebalancer, head)
        return Story(
            self._vault,
            rebalancer,
            kept["first"],
            head.number,
            head.hash,
            assets,
            tuple(self._assets_now(head)),
            told.deeds,
            told.transfers,
            ((0, first), *oracles),
        )

    def _known(self, head: Block) -> Kept:
        """What earlier runs read of the chain as it is now."""
        kept = self._cache.read(self._name)
        nothing: Kept = {"version": _VERSION, "first": None, "assets": [], "logs": [], "times": {}, "marks": []}
        if kept is None or kept.get("version") != _VERSION or kept.keys() != nothing.keys():
            return nothing
        marks = [mark for mark in kept["marks"] if mark[0] <= head.number]
        while marks and not self._client.contains(*marks[-1]):
            marks.pop()
        if not marks:
            return nothing | {"first": kept["first"]}
        kept["marks"] = marks
        kept["logs"] = [log for log in kept["logs"] if int(log["blockNumber"], 16) <= marks[-1][0]]
        kept["times"] = {log["blockHash"]: kept["times"][log["blockHash"]] for log in kept["logs"]}
        return kept

    def _read_up_to(self, kept: Kept, head: Block, rebalancer: str) -> tuple[str, ...]:
        """Add the logs up to the head; the assets that the vault holds or ever held."""
        held = self._assets_now(head)
        first = kept["marks"][-1][0] + 1 if kept["marks"] else kept["first"]
        span, requests = self._settings.pools.logs_span_blocks, 0
        while first <= head.number:
            last = min(first + span - 1, head.number)
            try:
                own = self._logs({"address": [self._vault, rebalancer]}, first, last)
                named = assets_named([*kept["logs"], *own], self._vault)
                assets = tuple(sorted({*held, *named, *kept["assets"]}))
                if kept["marks"] and assets != tuple(kept["assets"]):
                    return self._anew(kept, head, rebalancer, assets)
                moved = self._moves(assets, first, last)
            except RpcError as error:
                if span == 1:
                    raise ChainError(f"{error}; use another RPC, or give --first-block one that it has") from None
                span //= 2
                continue
            kept["assets"] = list(assets)
            kept["logs"] += [*own, *moved]
            self._date(kept, [*own, *moved])
            kept["marks"] = [*kept["marks"], [last, self._client.block_hash(last)]][-_MARKS:]
            first, requests = last + 1, requests + 1
            self._tell(last, head.number)
            if requests % _SAVED_EVERY == 0:
                self._cache.write(self._name, kept)
        return tuple(kept["assets"])

    def _anew(self, kept: Kept, head: Block, rebalancer: str, assets: Sequence[str]) -> tuple[str, ...]:
        """From the start: an asset that was not asked about may have moved before it was in the basket."""
        kept |= {"assets": list(assets), "logs": [], "times": {}, "marks": []}
        return self._read_up_to(kept, head, rebalancer)

    def _moves(self, assets: Sequence[str], first: int, last: int) -> list[Kept]:
        """Transfers of the assets from the vault and to it."""
        transfer, vault = to_hex(abi.Token.transferred.topic), "0x" + self._vault[2:].lower().rjust(64, "0")
        if not assets:
            return []
        out = self._logs({"address": list(assets), "topics": [transfer, vault]}, first, last)
        into = self._logs({"address": list(assets), "topics": [transfer, None, vault]}, first, last)
        seen = {(log["blockHash"], log["logIndex"]) for log in out}
        return [*out, *(log for log in into if (log["blockHash"], log["logIndex"]) not in seen)]

    def _logs(self, wanted: Kept, first: int, last: int) -> list[Kept]:
        found = self._client.read("eth_getLogs", wanted | {"fromBlock": hex(first), "toBlock": hex(last)})
        try:
            return [{name: log[name] for name in _LOG_FIELDS} for log in found]
        except (TypeError, KeyError):
            raise ChainError(f"{self._client.name} answered eth_getLogs with no logs: check rpc_url") from None

    def _date(self, kept: Kept, logs: Iterable[Kept]) -> None:
        """The times of the logs' blocks, which have to be those that the chain has now."""
        for number, block_hash in {(int(log["blockNumber"], 16), log["blockHash"]) for log in logs}:
            block = self._client.block(number)
            if block is None or block.hash != block_hash:
                raise Reorged(f"block {number} ({block_hash}) is no longer part of the chain: start over from the head")
            kept["times"][block_hash] = block.timestamp

    def _check_hashes(self, kept: Kept) -> None:
        """One block has one hash: logs of two chains would be told as one story."""
        seen: dict[str, str] = {}
        for log in kept["logs"]:
            if seen.setdefault(log["blockNumber"], log["blockHash"]) != log["blockHash"]:
                raise Reorged(f"logs of two blocks {int(log['blockNumber'], 16)}: start over from the head")

    def _assets_now(self, head: Block) -> list[str]:
        (found,) = read_all(self._client, [Read(self._vault, abi.Vault.assets)], head, self._settings.multicall)
        if found.failed:
            raise ConfigurationError(f"{self._vault} does not tell its assets: check the vault's address")
        return [checksum(asset) for asset in found.value]

    def _oracle(self, rebalancer: str, head: Block) -> str:
        answer = self._client.call(rebalancer, abi.Rebalancer.oracle.encode(), head)
        return checksum(abi.Rebalancer.oracle.decode(answer))

    def _created(self, last: int) -> int:
        """The vault's first block, by halving: where code was first. From the start of a chain whose old states are gone.

        :raises ChainError: they are, and the chain is too long for that
        """
        first, head = 0, last
        try:
            while first < last:
                middle = (first + last) // 2
                if self._client.code(self._vault, hex(middle)):
                    last = middle
                else:
                    first = middle + 1
        except (RpcError, BlockMissing) as error:
            if head > _SHORT * self._settings.pools.logs_span_blocks:
                raise ChainError(f"{error}; tell the vault's first block with --first-block") from None
            return 0
        return first

    def _save(self, kept: Kept, head: Block) -> None:
        if kept["marks"] and kept["marks"][-1][0] >= head.number:
            self._cache.write(self._name, kept)

    @property
    def _name(self) -> str:
        return f"report-logs-{self._vault[2:].lower()}"


def swaps_of(receipt: Kept, executors: Iterable[str]) -> list[tuple[str, str, str, int, int]]:
    """The swaps that executors logged in a receipt, in order: pool, token in, token out, and their amounts in base units."""
    trusted = set(executors)
    found = []
    for log in receipt["logs"]:
        if checksum(log["address"]) in trusted:
            told = arguments(abi.Executor.swap, log)
            if told is not None:
                found.append((told[0], told[1], told[2], told[3], told[4]))
    return found
