"""A day of a keeper: blocks of twelve seconds, markets that move, endpoints that fail, and ten vaults.

    PYTHONPATH=tests uv run python -m chaos.day --blocks 7200

After every block the keeper makes a pass. Every hundred blocks or so something befalls its endpoints for a few of them. What
the keeper should have done is asked of the node itself: a vault is late when it is beyond a band and the keeper's own plan,
made on an endpoint that is well, would act. No vault may be late for more than five blocks in a row.
"""

import argparse
import json
import random
import re
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

from chaos import evidence, faults
from chaos.desk import BLOCK_S, Desk, Keeper, build
from chaos.evidence import Witness
from chaos.proxy import SEND, Proxy, Rule, serving
from chaos.stage import ENDPOINTS
from chaos.weather import Weather
from devnet import market, node
from devnet.box import Box
from keeper.chain import abi
from keeper.chain.reader import VaultReader
from keeper.chain.snapshot import Terms, VaultSnapshot
from keeper.errors import EquipoiseError
from keeper.policy import Kind, before_route
from keeper.policy.auction import bound_at
from keeper.services import demo
from keeper.services.plan import plan_on

WAD = 10**18
BPS = WAD // 10_000
VAULTS = 10
LATE_MOST = 5  # blocks
FAULT_EVERY = 100  # blocks, on average
FAULT_LASTS = (1, 5)  # blocks
LOOK_EVERY = 10  # blocks
NEAR = 10 * BPS  # of the bound
OVERNIGHT = Decimal("1.05")  # what ether's price became before the first block: some vaults are due from the start on
SETTLING = 5  # blocks at the end, with every endpoint well
MEMORY_EVERY = 50  # blocks

FAULTS: dict[str, Callable[[], Rule]] = {
    "breaks off": lambda: Rule(faults.drop),
    "breaks off now and then": lambda: Rule(faults.drop, skip=3, times=2),
    "does not answer": lambda: Rule(faults.delay(1.2), {"eth_call"}),
    "429": lambda: Rule(faults.status(429, "1")),
    "503": lambda: Rule(faults.status(503)),
    "is no JSON": lambda: Rule(faults.text(b"<html>")),
    "half an answer": lambda: Rule(faults.truncated_json),
    "half a hex": lambda: Rule(faults.truncated_hex, {"eth_call"}),
    "null blocks": lambda: Rule(faults.result(None), {"eth_getBlockByNumber"}),
    "another chain": lambda: Rule(faults.result("0x5"), {"eth_chainId"}),
    "lies about prices": lambda: Rule(faults.lying({abi.Oracle.prices: faults.times(1.5, position=0)}), {"eth_call"}),
    "swallows": lambda: Rule(faults.swallow, {SEND}),
    "loses answers": lambda: Rule(faults.lose_answer, {SEND}),
    "nonce too low": lambda: Rule(faults.error("nonce too low"), {SEND}),
    "lies about its chain's time": lambda: Rule(faults.future(10, 3_600)),
    "no receipts": lambda: Rule(faults.result(None), {"eth_getTransactionReceipt"}),
}
LIES = {"lies about prices", "lies about its chain's time"}


@dataclass
class Report:
    """What came of a day. RSS in MiB."""

    blocks: int = 0
    seconds: float = 0.0
    keeper_ms: float = 0.0  # a block
    market_ms: float = 0.0
    faults: int = 0
    faulty_blocks: int = 0
    openings: int = 0
    fills: int = 0
    joint: int = 0  # transactions that filled several vaults
    reverted: int = 0
    beyond: int = 0  # vaults × blocks beyond a band
    late: int = 0  # vaults × blocks
    late_in_a_row: int = 0
    unopened_in_a_row: int = 0  # blocks for which a vault could have been opened, and was not
    rss_start: float = 0.0
    rss_end: float = 0.0
    rss_slope: float = 0.0  # MiB per 1,000 blocks, of the last two thirds
    rows: int = 0
    deeds: int = 0
    said: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


class Day:
    """A fleet, its weather, its keeper, and who watches them."""

    def __init__(self, desk: Desk, proxies: list[Proxy], keeper: Keeper, dice: random.Random):
        self._desk = desk
        self._proxies = proxies
        self._keeper = keeper
        self._dice = dice
        self._weather = Weather(desk.box, dice, BLOCK_S)
        settings = desk.site.settings()
        self._reference = Reference(desk)
        self._reader = VaultReader(desk.client(), settings.multicall, settings.wrapped_native, settings.executor)
        self._fault_left = 0
        self._late = dict.fromkeys(desk.site.vaults, 0)
        self._unopened = dict.fromkeys(desk.site.vaults, 0)
        self._memory: list[tuple[int, float]] = []
        self.report = Report()

    def block(self, *, may_fail: bool = True) -> None:
        """The next block, the keeper's pass, and what is to be said about it."""
        report, box = self.report, self._desk.box
        start = time.monotonic()
        self._weather.step()
        box.rpc("evm_setNextBlockTimestamp", self._weather.now)
        box.mine()
        seen = time.monotonic()
        self._change_faults(may_fail)
        said = self._keeper.tick()
        done = time.monotonic()
        report.blocks += 1
        report.market_ms += (seen - start) * 1_000
        report.keeper_ms += (done - seen) * 1_000
        report.said.update(_kind(line) for line in said)
        self._look()
        if report.blocks % MEMORY_EVERY == 0:
            self._memory.append((report.blocks, psutil.Process().memory_info().rss / 2**20))

    def close(self, ledger: Path, since: int) -> None:
        """Compare everything with the chain."""
        report, desk = self.report, self._desk
        rebalancers, sender = evidence.rebalancers(desk), desk.site.signer.address
        deeds = evidence.deeds(desk.box, sender, rebalancers, since)
        report.deeds, report.rows = len(deeds), len(evidence.rows(ledger))
        report.openings = sum(deed.openings for deed in deeds)
        report.fills = sum(len(deed.fills) for deed in deeds)
        report.joint = sum(len(deed.fills) > 1 for deed in deeds)
        report.reverted = sum(not deed.succeeded for deed in deeds)
        report.wrong += evidence.faults(desk.box, ledger, sender, rebalancers, since, may_revert=True)
        if report.late_in_a_row > LATE_MOST:
            report.wrong.append(f"a vault was late for {report.late_in_a_row} blocks in a row")
        late = self._memory[len(self._memory) // 3 :]
        if len(late) > 1:
            report.rss_start, report.rss_end = late[0][1], late[-1][1]
            report.rss_slope = statistics.linear_regression(*zip(*late, strict=True)).slope * 1_000
        for name in ("keeper_ms", "market_ms"):
            setattr(report, name, getattr(report, name) / max(report.blocks, 1))

    def _change_faults(self, may_fail: bool) -> None:
        report, dice = self.report, self._dice
        if self._fault_left:
            self._fault_left -= 1
            if not self._fault_left:
                for proxy in self._proxies:
                    proxy.heal()
        elif may_fail and dice.random() < 1 / FAULT_EVERY:
            self._fault_left = dice.randint(*FAULT_LASTS)
            name = dice.choice(list(FAULTS))
            # Liars are fewer than a quorum: what a quorum says about prices stops vaults until a person has looked.
            most = 1 if name in LIES else len(self._proxies)
            for proxy in dice.sample(self._proxies, dice.randint(1, most)):
                proxy.set(FAULTS[name]())
            report.faults += 1
        report.faulty_blocks += bool(self._fault_left)

    def _look(self) -> None:
        """Count the blocks for which each vault has been late."""
        for vault, snapshot in self._reader.take(self._desk.site.vaults).items():
            if not isinstance(snapshot, VaultSnapshot):
                raise snapshot
            is_beyond = _is_beyond(snapshot)
            due = self._reference.kind(snapshot) if is_beyond else Kind.WAIT
            self._late[vault] = self._late[vault] + 1 if due is Kind.REBALANCE else 0
            self._unopened[vault] = self._unopened[vault] + 1 if due is Kind.OPEN else 0
            self.report.beyond += is_beyond
            self.report.late += due is Kind.REBALANCE
            self.report.late_in_a_row = max(self.report.late_in_a_row, self._late[vault])
            self.report.unopened_in_a_row = max(self.report.unopened_in_a_row, self._unopened[vault])


class Reference:
    """The keeper's own plan for a vault, made on the node itself.

    A plan takes a tenth of a second, and the bound falls by the same every block: what a route returned at last tells when the
    bound will be near it. So a plan is made when it is, and every few blocks in any case.
    """

    def __init__(self, desk: Desk):
        self._client = desk.client()
        self._settings = desk.site.settings()
        self._sender = desk.site.signer.address
        self._last: dict[str, tuple[int, int]] = {}  # block number, and value in per value out, WAD

    def kind(self, snapshot: VaultSnapshot) -> Kind:
        """What there is to do now; a fill only where it is within the bound."""
        now = snapshot.block.timestamp + BLOCK_S
        if snapshot.valuation is None or before_route(snapshot, now) is not None:
            return Kind.WAIT
        at, ratio = self._last.get(snapshot.address, (-LOOK_EVERY, 0))
        is_near = bound_at(snapshot, now) <= ratio + NEAR or not snapshot.is_open
        if snapshot.block.number - at < LOOK_EVERY and not is_near:
            return Kind.WAIT
        try:
            found = plan_on(self._client, self._settings, snapshot, self._sender)
        except EquipoiseError:
            return Kind.WAIT
        quote = found.decision.quote
        self._last[snapshot.address] = (snapshot.block.number, 0 if quote is None else quote.ratio)
        return found.decision.kind if found.simulation is not None else Kind.WAIT


def _is_beyond(snapshot: VaultSnapshot) -> bool:
    valuation = snapshot.valuation
    return valuation is not None and any(
        abs(weight - asset.target) > asset.band
        for weight, asset in zip(valuation.weights, snapshot.assets, strict=True)
    )


def _terms(number: int) -> tuple[Terms, int]:
    """Of the vaults one after the other: wider bands, slower auctions. The band's half-width is WAD."""
    terms = replace(
        demo.TERMS,
        duration=600 + 60 * number,
        cooldown=600 + 120 * number,
        closing_tolerance=(10 + 2 * number) * BPS,
    )
    return terms, (30 + 12 * number) * BPS


@contextmanager
def day(folder: Path, seed: int, endpoints: int) -> Iterator[Day]:
    """A day that is yet to be lived."""
    dice = random.Random(seed)
    with node.up() as running_node:
        box = Box(running_node.url)
        deposits = [200_000 + 150_000 * number for number in range(VAULTS)]
        desk = build(box, folder, deposits, _terms)
        market.warp(box, 3_600)  # no vault is cooling down from its deployment
        market.move_price(box, "WETH", market.feed_price(box, "WETH") * OVERNIGHT)
        with serving(box.url, endpoints) as proxies:
            desk.site = replace(desk.site, urls=tuple(proxy.url for proxy in proxies))
            witness = Witness()
            witness.watch(*proxies)
            since = int(box.rpc("eth_blockNumber"), 16)
            with Keeper(desk.site) as keeper:
                found = Day(desk, proxies, keeper, dice)
                box.rpc("evm_setAutomine", False)
                yield found
                found.close(desk.site.ledger, since)
            found.report.wrong += witness.broken


def live(found: Day, blocks: int, tell: Callable[[Report], None] = lambda _: None) -> Report:
    """Live so many blocks, the last few of them with every endpoint well."""
    start = time.monotonic()
    for number in range(blocks):
        found.block(may_fail=number < blocks - SETTLING - FAULT_LASTS[1])
        tell(found.report)
    found.report.seconds = time.monotonic() - start
    return found.report


def main() -> int:
    """Live a day and print what came of it; 1 when anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--blocks", type=int, default=7_200, help="of the day (7200)")
    parser.add_argument("--seed", type=int, default=5, help="of markets and faults (5)")
    parser.add_argument("--endpoints", type=int, default=ENDPOINTS, help="of the keeper (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="equipoise-day-") as folder, Console(stderr=True).status("") as status:

        def tell(report: Report) -> None:
            status.update(f"block {report.blocks:,} of {arguments.blocks:,}, {report.faults} faults")

        with day(Path(folder), arguments.seed, arguments.endpoints) as found:
            report = live(found, arguments.blocks, tell)
    if arguments.json:
        json.dump(_fields(report), sys.stdout, indent=2)
        print()
    else:
        Console().print(_table(report))
    return 1 if report.wrong else 0


def _table(report: Report) -> Table:
    table = Table(title="A keeper's day", show_header=False)
    for name, value in _fields(report).items():
        text = f"{value:,.1f}" if isinstance(value, float) else str(value)
        table.add_row(name.replace("_", " "), text)
    return table


def _fields(report: Report) -> dict[str, Any]:
    return {each.name: getattr(report, each.name) for each in fields(report)}


def _kind(line: str) -> str:
    """A line without what differs from block to block."""
    return re.sub(r"0x[0-9a-f]+|[\d.,]+", "…", line, flags=re.IGNORECASE)[:90]


if __name__ == "__main__":
    sys.exit(main())
