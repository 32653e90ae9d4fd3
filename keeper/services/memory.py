"""What a keeper keeps of a chain between passes, so that it asks once; and what the ledger knows of a vault's fills."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eth_abi.exceptions import DecodingError

from keeper.chain import abi, pools
from keeper.chain.abi import checksum
from keeper.chain.multicall import Read, read_all
from keeper.chain.rpc import Client, Reverted
from keeper.errors import ConfigurationError

if TYPE_CHECKING:
    from keeper.chain.snapshot import Block, VaultSnapshot
    from keeper.ledger import Ledger
    from keeper.markets import Pool
    from keeper.services.pool_costs import PoolCost
    from keeper.settings import Settings

WAD = 10**18
_COSTS_AGE_S = 3_600  # how long what pools cost is believed


@dataclass(frozen=True, slots=True)
class _Costs:
    by_asset: Mapping[str, PoolCost]
    at: int  # unix s


class Memory:
    """Of one chain. An empty one is right too, and asks more.

    :param ledger: where fills are looked up; none are known without
    """

    def __init__(self, client: Client, settings: Settings, ledger: Ledger | None = None):
        self.pools = pools.PoolCache(settings.pools.cache_folder, client)
        self._client = client
        self._settings = settings
        self._ledger = ledger
        self._owners: dict[str, str] = {}
        self._decimals: dict[str, int | None] = {}
        self._costs: dict[str, _Costs] = {}

    def forget(self) -> None:
        """Know nothing that a reorganisation may have changed."""
        self._owners.clear()
        self._decimals.clear()
        self._costs.clear()

    def owner(self, executor: str) -> str:
        """Who may use an executor. Raises as `executor_owner`."""
        if executor not in self._owners:
            self._owners[executor] = executor_owner(self._client, executor)
        return self._owners[executor]

    def decimals(self, tokens: Sequence[str], block: Block) -> dict[str, int]:
        """Those of tokens that have any. Raises ChainError."""
        unknown = [token for token in tokens if token not in self._decimals]
        if unknown:
            reads = [Read(token, abi.Token.decimals) for token in unknown]
            answers = read_all(self._client, reads, block, self._settings.multicall)
            self._decimals |= {
                token: None if answer.failed else answer.value for token, answer in zip(unknown, answers, strict=True)
            }
        return {token: found for token in tokens if (found := self._decimals[token]) is not None}

    def fills(self, snapshot: VaultSnapshot) -> list[int]:
        """When the vault was filled since its completion, as far as the ledger knows: unix s, in order. Raises LedgerError."""
        if self._ledger is None:
            return []
        return self._ledger.fills_since(self._client.chain_id, snapshot.address, snapshot.completed_at)

    def costs(self, vault: str, now: int) -> Mapping[str, PoolCost] | None:
        """What trading a vault's assets costs, by asset; None where that was not found out lately.

        :param now: unix s
        """
        kept = self._costs.get(vault)
        return kept.by_asset if kept is not None and now - kept.at < _COSTS_AGE_S else None

    def note_costs(self, snapshot: VaultSnapshot, found: Sequence[Pool], now: int) -> None:
        """Tell from the pools of a vault's assets what trading them costs, unless that is known. Raises OracleError."""
        if self.costs(snapshot.address, now) is not None:
            return
        from keeper.services.pool_costs import pool_costs

        valuation = snapshot.priced()
        usd = {
            asset.address: price / WAD / 10.0**asset.decimals
            for asset, price in zip(snapshot.assets, valuation.prices, strict=True)
        }
        self._costs[snapshot.address] = _Costs(pool_costs(found, usd, valuation.nav / WAD), now)


def executor_owner(client: Client, executor: str) -> str:
    """Who may use an executor.

    :raises ConfigurationError: it is not one
    """
    try:
        return checksum(abi.Executor.owner.decode(client.call(executor, abi.Executor.owner.encode())))
    except (Reverted, DecodingError):
        raise ConfigurationError(f"no executor at {executor} on chain {client.chain_id}: set executor") from None
