"""Gas and losses of several vaults in one transaction, next to one transaction for each.

    uv run python benchmarks/joint.py [--json]

On the devnet: vaults of WETH, WBTC and USDC with a million USD in each, of which each has too much of another token. Separate
fills are planned and mined one after the other, each on the pools as the one before left them; the joint one is planned on the
same state. Losses are against the oracle, as the vaults count them; gas is the receipts'.
"""

import argparse
import json
import sys
import tempfile
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from eth_account import Account
from rich.console import Console
from rich.table import Table

from devnet import market, node
from devnet.addresses import TOKENS
from devnet.box import Box
from keeper.chain import reader
from keeper.chain.rpc import Client
from keeper.chain.snapshot import VaultSnapshot
from keeper.execution.signer import KeystoreSigner
from keeper.services import demo
from keeper.services import vault as lifecycle
from keeper.services.joint import joined
from keeper.services.plan import plan_on
from keeper.settings import Settings, load

WAD = 10**18
WEIGHTS = {"WETH": 40, "WBTC": 30, "USDC": 30}
GIFTS = (("WETH", 400), ("USDC", 450), ("WBTC", 300), ("USDC", 150))  # thousands of USD over the basket, per vault
SIZES = (2, 4)
OPEN_S = 1_300  # of 1,800: the bound is 99.4 %


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement. `joint` and `separate` in gas and in USD lost against the oracle; `crossed` is what no pool saw."""

    vaults: int
    joint_gas: int
    separate_gas: int
    joint_loss_usd: float
    separate_loss_usd: float
    crossed_usd: float
    gap_bps: float


@dataclass(frozen=True, slots=True)
class Bench:
    """Vaults whose rebalances are open."""

    box: Box
    client: Client
    settings: Settings
    keeper: KeystoreSigner
    vaults: list[str]

    def snapshots(self, count: int) -> list[VaultSnapshot]:
        """The first vaults at the head."""
        block, settings = self.client.head(), self.settings
        places = settings.multicall, settings.wrapped_native, settings.executor
        return [reader.take(self.client, vault, *places, block) for vault in self.vaults[:count]]

    def measure(self, count: int) -> Row:
        """Both ways from one state."""
        state = self.box.snapshot()
        gas = loss = 0
        for number in range(count):
            plan = plan_on(self.client, self.settings, self.snapshots(count)[number], self.keeper.address)
            if plan.call is None or plan.simulation is None:
                raise RuntimeError(f"vault {number} is not filled alone: {plan.decision.reason}")
            gas += self._sent(plan.call)
            loss += plan.simulation.value_out - plan.simulation.value_in
        self.box.revert(state)
        snapshots = self.snapshots(count)
        alone = {each.address: plan_on(self.client, self.settings, each, self.keeper.address) for each in snapshots}
        joint = joined(self.client, self.settings, snapshots, alone, self.keeper.address)
        certificate = joint.netting.route.certificate if joint.netting.route else None
        row = Row(
            count,
            self._sent(joint.call),
            gas,
            round((joint.simulation.value_out - joint.simulation.value_in) / WAD, 2),
            round(loss / WAD, 2),
            round(joint.netting.crossed / WAD, 2),
            round(certificate.gap_bps, 4) if certificate else 0.0,
        )
        self.box.settle()
        return row

    def _sent(self, call: Any) -> int:
        return int(self.box.transact(self.keeper.address, call.target, call.data)["gasUsed"], 16)


def build(box: Box, folder: Path) -> Bench:
    """Vaults, executors and a keeper; the rebalances are open."""
    arguments = {
        "rpc_url": box.url,
        "ledger_file": folder / "ledger.sqlite",
        "pools": {"cache_folder": folder / "pools"},
    }
    settings = load(arguments=arguments, environment={})
    client = Client(box.url, 1).connect()
    keeper, creator, depositor = (KeystoreSigner(Account.create()) for _ in range(3))
    for actor in (keeper, creator, depositor):
        box.fund(actor.address, 100)
    oracle = demo.deploy_oracle(box, client, settings, creator, WEIGHTS)
    vaults = []
    for number, (symbol, thousands) in enumerate(GIFTS):
        vault = demo.deploy_vault(
            box, client, settings, creator, f"Joint {number}", f"JNT{number}", weights=WEIGHTS, oracle=oracle
        )
        demo.deposit(box, client, settings, depositor, vault, 1_000_000)
        given = Decimal(1_000 * thousands) / market.feed_price(box, symbol)
        box.give(TOKENS[symbol].address, vault, int(given.scaleb(TOKENS[symbol].decimals)))
        vaults.append(vault)
    executors = {
        "executor": lifecycle.deploy_executor(client, settings, creator, keeper.address),
        "batch_executor": lifecycle.deploy_batch_executor(client, settings, creator, keeper.address),
    }
    market.warp(box, demo.TERMS.cooldown)
    for vault in vaults:
        box.send(creator.address, vault, "open_rebalance()")
    market.warp(box, OPEN_S)
    return Bench(box, client, settings.model_copy(update=executors), keeper, vaults)


def main() -> None:
    """Measure and print a table, or one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    rows = []
    for count in SIZES:
        with node.up() as running, tempfile.TemporaryDirectory() as folder:
            rows.append(build(Box(running.url), Path(folder)).measure(count))
    if arguments.json:
        json.dump({"rows": [asdict(row) for row in rows]}, sys.stdout, indent=2)
        print()
        return
    table = Table(title="Several vaults in one transaction, against one for each")
    for name in ("vaults", "gas, joint", "separate", "lost, joint", "separate", "crossed", "gap"):
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(
            str(row.vaults),
            f"{row.joint_gas:,}",
            f"{row.separate_gas:,}",
            f"${row.joint_loss_usd:,.2f}",
            f"${row.separate_loss_usd:,.2f}",
            f"${row.crossed_usd:,.0f}",
            f"{row.gap_bps:.3f} bps",
        )
    Console().print(table)


if __name__ == "__main__":
    main()
