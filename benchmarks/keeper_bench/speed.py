"""Times the keeper from a block to a signed transaction, and counts what it asks; benchmarks/keeper.py runs it."""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

from rich.console import Console
from rich.table import Table

from devnet import market, node
from devnet.box import Box
from keeper.chain.rpc import Client
from keeper.execution.lane import Lane
from keeper.ledger import Ledger
from keeper.operations import events
from keeper.operations.bus import Bus
from keeper.services import told
from keeper.services.chain_keeper import ChainKeeper, Hand
from keeper.settings import load
from keeper_bench import fleet

P50_ONE_VAULT_MS = 300.0
RPC_CALLS = 3.0
_NARROW_BPS = 100  # band of the vault that is due; all others never are
_WIDE_BPS = 9_000
_SEED = 20_261
_HEADS = ("vaults", "assets", "samples", "p50 ms", "p95 ms", "with RPC", "per vault", "RPC idle", "RPC acting")
_IDLE_BLOCKS = 20
_MOST_BLOCKS = 40  # for one rebalance
_MOVES = 3  # of the price at most, for each rebalance


@dataclass(frozen=True, slots=True)
class Row:
    """One number of vaults."""

    vaults: int
    assets: int
    samples: int
    p50_ms: float
    p95_ms: float
    with_rpc_p50_ms: float
    per_vault_ms: float
    rpc_calls_per_block: float
    rpc_calls_acting: float


class Watched(Client):
    """A client that adds up what it waits for its node."""

    def __init__(self, url: str):
        super().__init__(url, 1)
        self.seconds = 0.0

    @property
    def requests(self) -> int:
        """Requests so far."""
        return sum(count for methods in self.counts.values() for count in methods.values())

    def read(self, method: str, *params: object) -> Any:
        """As the client, on the clock."""
        started = time.perf_counter()
        try:
            return super().read(method, *params)
        finally:
            self.seconds += time.perf_counter() - started


@dataclass(slots=True)
class Stage:
    """A devnet with vaults on it, and the keeper that looks after them."""

    box: Box
    client: Watched
    keeper: ChainKeeper
    found: list[events.Event] = field(default_factory=list)

    def tick(self) -> list[events.Event]:
        """Mine a block and let the keeper do its work; what it told."""
        self.box.rpc("evm_mine")
        head = self.client.head()
        self.found.clear()
        self.keeper.tick(head, time.perf_counter())
        return list(self.found)


class _Open:
    """Nothing holds the keeper back."""

    def refuse(self, chain_id: int, *addresses: str) -> None:
        pass


@contextmanager
def stage(vaults: int) -> Iterator[Stage]:
    """A devnet with so many vaults, of which one leaves its band when prices move."""
    with node.up() as running, tempfile.TemporaryDirectory() as folder:
        box, client = Box(running.url), Watched(running.url)
        settings = load(
            arguments={
                "rpc_url": running.url,
                "ledger_file": Path(folder) / "ledger.sqlite",
                "confirmations": 1,
                "pools": {"cache_folder": Path(folder)},
            },
            environment={},
        )
        built = fleet.build(box, client, settings, vaults, bands_bps=(_NARROW_BPS, _WIDE_BPS))
        settings = settings.model_copy(update={"executor": built.executor, "vaults": built.vaults})
        ledger, bus = Ledger.of(settings), Bus()
        try:
            with ledger.locks.lane(1, built.keeper.address):
                lane = Lane(client, ledger, built.keeper, settings, told.listener(bus, ledger))
                hand = Hand(built.keeper.address, lane, _Open())
                made = Stage(box, client, ChainKeeper(settings, client, ledger, bus, hand))
                bus.add(made.found.append)
                yield made
                made.keeper.close()
        finally:
            ledger.close()


def measure(vaults: int, rebalances: int) -> Row:
    """Rebalance the one that is due so many times.

    :raises RuntimeError: the keeper did not sign when it should have
    """
    random = Random(_SEED)
    with stage(vaults) as made:
        made.tick()  # what is only learnt once
        asked = made.client.requests
        for _ in range(_IDLE_BLOCKS):
            made.tick()
        idle = (made.client.requests - asked) / _IDLE_BLOCKS
        whole, own, acting = [], [], []
        number = 0
        for _ in range(_MOVES * (rebalances + 1)):
            if number > rebalances:
                break
            market.warp(made.box, 86_400)
            factor = Decimal(str(random.choice((0.8, 1.25))))
            market.move_price(made.box, "WETH", market.feed_price(made.box, "WETH") * factor)
            for block in range(_MOST_BLOCKS):
                asked, waited = made.client.requests, made.client.seconds
                told_now = made.tick()
                if not block and not any(_is_due(event) for event in told_now):
                    break  # the move took back what the last one had left undone
                for event in told_now:
                    if isinstance(event, events.Signed) and number:  # the first one looks for pools
                        spent = made.client.seconds - waited
                        whole.append(event.seconds_since_head * 1e3)
                        own.append((event.seconds_since_head - spent) * 1e3)
                        acting.append(made.client.requests - asked)
                if any(isinstance(event, events.Confirmed) and event.fills for event in told_now):
                    number += 1
                    break
                if any(_is_waiting_for_time(event) for event in told_now):
                    market.warp(made.box, 300)
            else:
                raise RuntimeError(f"the keeper did not rebalance in {_MOST_BLOCKS} blocks: {told_now}")
        if number <= rebalances:
            raise RuntimeError(f"{number} rebalances were due after {_MOVES * (rebalances + 1)} moves of the price")
    return Row(
        vaults=vaults,
        assets=len(fleet.WEIGHTS),
        samples=len(whole),
        p50_ms=statistics.median(own),
        p95_ms=_percentile(own, 0.95),
        with_rpc_p50_ms=statistics.median(whole),
        per_vault_ms=statistics.median(own) / vaults,
        rpc_calls_per_block=idle,
        rpc_calls_acting=statistics.median(acting),
    )


def misses(rows: Sequence[Row]) -> list[str]:
    """The targets that are not met, a line each."""
    found = [
        f"{row.vaults} vaults: {row.rpc_calls_per_block:.1f} requests per block, more than {RPC_CALLS:g}"
        for row in rows
        if row.rpc_calls_per_block > RPC_CALLS
    ]
    found += [
        f"one vault: p50 {row.p50_ms:.0f} ms, more than {P50_ONE_VAULT_MS:g}"
        for row in rows
        if row.vaults == 1 and row.p50_ms > P50_ONE_VAULT_MS
    ]
    ordered = sorted(rows, key=lambda row: row.vaults)
    found += [
        f"{after.vaults} vaults: {after.per_vault_ms:.1f} ms each, no less than {before.per_vault_ms:.1f} with {before.vaults}"
        for before, after in pairwise(ordered)
        if after.per_vault_ms >= before.per_vault_ms
    ]
    return found


def _is_due(event: events.Event) -> bool:
    """Whether a vault is open, or has an asset out of its band."""
    return isinstance(event, events.VaultRead) and (
        event.is_open or any(abs(asset.weight - asset.target) > asset.band for asset in event.assets)
    )


def _is_waiting_for_time(event: events.Event) -> bool:
    return isinstance(event, events.Decided) and event.kind == "wait" and event.until is not None


def _percentile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def main(description: str) -> None:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--vaults", type=int, nargs="+", default=[1, 10, 100], help="how many vaults")
    parser.add_argument("--rebalances", type=int, default=20, help="how many of them for each number of vaults")
    arguments = parser.parse_args()

    rows = [measure(vaults, arguments.rebalances) for vaults in arguments.vaults]
    missed = misses(rows)
    if arguments.json:
        print(json.dumps({"rows": [asdict(row) for row in rows], "missed": missed}, indent=2))
    else:
        table = Table(*_HEADS)
        for row in rows:
            cells = asdict(row).values()
            table.add_row(*(f"{cell:,.1f}" if isinstance(cell, float) else f"{cell:,d}" for cell in cells))
        Console().print(table)
        for line in missed:
            print(line, file=sys.stderr)
    raise SystemExit(1 if missed else 0)
