"""A zap of USDC into a basket of six, next to what it stands for: a swap for every asset, then a mint in kind.

    uv run python benchmarks/zap.py [--json]

On the devnet: the demo's basket with a million USD in it. The zap is planned by `keeper/services/zap.py` and mined. From the
same state, as many shares are then made by hand: each asset is bought on Uniswap's V3 router through the pools of the lowest
fee, each is approved to the vault, and the vault mints in kind. Gas is the receipts', the approvals included.
"""

import argparse
import json
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from eth_account import Account
from rich.console import Console
from rich.table import Table

from devnet import node
from devnet.addresses import TOKENS, V3_ROUTER
from devnet.box import Box
from keeper.chain.rpc import Client
from keeper.execution.signer import KeystoreSigner
from keeper.services import demo, zap
from keeper.services import vault as lifecycle
from keeper.settings import Settings, load

WAD = 10**18
SIZES_USD = (1_000, 10_000, 100_000)
FEES = {"WETH": 500, "WBTC": 500, "LINK": 3000, "UNI": 3000, "AAVE": 3000}  # ppm, of the pool with WETH, or with USDC
FAR = 2**40
SPARE_USDC = 2  # times what the zap took, so that nothing by hand is short


@dataclass(frozen=True, slots=True)
class Row:
    """One size. Gas with approvals; `by_hand_usdc` is what as many shares cost by hand, beside the zap's own `usd`.

    `short_bps` is by how much fewer shares came than no route exceeds, `planned_off_bps` than the plan said.
    """

    usd: int
    shares: float
    short_bps: float
    planned_off_bps: float
    gap_bps: float
    swaps: int
    zap_gas: int
    planned_gas: int
    zap_transactions: int
    by_hand_gas: int
    by_hand_transactions: int
    by_hand_usdc: float


@dataclass(frozen=True, slots=True)
class Bench:
    """The demo's vault, a zap, and somebody with USDC."""

    box: Box
    client: Client
    settings: Settings
    caller: KeystoreSigner
    vault: str

    def measure(self, usd: int) -> Row:
        """Both ways from one state, which is there again afterwards."""
        usdc, amount = TOKENS["USDC"].address, usd * 10**6
        state = self.box.snapshot()
        self.box.give(usdc, self.caller.address, SPARE_USDC * amount)
        again = self.box.snapshot()
        plan = zap.plan_mint(self.client, self.settings, self.vault, "USDC", str(usd))
        approving = self._send(usdc, "approve(address,uint256)", self.settings.zap, amount)
        gas = self._sent(str(self.settings.zap), plan.data(self.settings.policy.slippage_bps, FAR))
        shares = self.box.balance(self.vault, self.caller.address)
        self.box.settle()
        self.box.revert(again)
        by_hand, transactions = self._by_hand(shares, SPARE_USDC * amount)
        spent = SPARE_USDC * amount - self.box.balance(usdc, self.caller.address)
        self.box.settle()
        self.box.revert(state)
        gap = 0.0 if plan.certificate is None else plan.certificate.gap_bps
        return Row(
            usd,
            round(shares / WAD, 6),
            round((1 - shares / plan.ceiling) * 1e4, 4),
            round((1 - shares / plan.amount_out) * 1e4, 4),
            round(gap, 4),
            len(plan.legs),
            gas + approving,
            plan.gas,
            2,
            by_hand,
            transactions,
            round(spent / 10**6, 2),
        )

    def _by_hand(self, shares: int, most: int) -> tuple[int, int]:
        """Gas and number of the transactions that make so many shares without the zap."""
        gas = [self._send(TOKENS["USDC"].address, "approve(address,uint256)", V3_ROUTER, most)]
        asked = self.box.call(self.vault, "preview_mint(uint256)(uint256[])", shares)
        amounts = dict(zip(demo.WEIGHTS, asked, strict=True))
        for symbol, amount in amounts.items():
            if symbol != "USDC":
                parameters = (_path(symbol), self.caller.address, FAR, amount + amount // 10**6 + 1, most)
                gas.append(self._send(V3_ROUTER, "exactOutput((bytes,address,uint256,uint256,uint256))", parameters))
        for symbol, amount in amounts.items():
            token = TOKENS[symbol].address
            gas.append(self._send(token, "approve(address,uint256)", self.vault, amount + amount // 10**6 + 1))
        most_amounts = [amount + amount // 10**6 + 1 for amount in amounts.values()]
        gas.append(
            self._send(
                self.vault, "mint(uint256,address,uint256[],uint256)", shares, self.caller.address, most_amounts, FAR
            )
        )
        return sum(gas), len(gas)

    def _send(self, to: str, signature: str, *arguments: object) -> int:
        return int(self.box.send(self.caller.address, to, signature, *arguments)["gasUsed"], 16)

    def _sent(self, to: str, data: bytes) -> int:
        return int(self.box.transact(self.caller.address, to, data)["gasUsed"], 16)


def _path(symbol: str) -> bytes:
    """Uniswap V3's path from what is bought back to USDC."""
    steps = [symbol, "USDC"] if symbol == "WETH" else [symbol, "WETH", "USDC"]
    fees = [FEES[symbol]] if symbol == "WETH" else [FEES[symbol], FEES["WETH"]]
    path = bytes.fromhex(TOKENS[steps[0]].address[2:])
    for fee, step in zip(fees, steps[1:], strict=True):
        path += fee.to_bytes(3, "big") + bytes.fromhex(TOKENS[step].address[2:])
    return path


def build(box: Box, folder: Path) -> Bench:
    """The demo's vault with a million USD in it."""
    arguments = {"rpc_url": box.url, "pools": {"cache_folder": folder / "pools"}}
    settings = load(arguments=arguments, environment={})
    client = Client(box.url, 1).connect()
    creator, depositor, caller = (KeystoreSigner(Account.create()) for _ in range(3))
    for actor in (creator, depositor, caller):
        box.fund(actor.address, 100)
    feeds = [demo.feed_terms(box, symbol) for symbol in demo.WEIGHTS]
    vault = lifecycle.deploy_vault(
        client,
        settings,
        creator,
        name="Zap Six",
        symbol="ZAP6",
        guardian=creator.address,
        oracle=lifecycle.deploy_oracle(client, settings, creator, feeds),
        assets=[demo.asset_terms(box, symbol, percent) for symbol, percent in demo.WEIGHTS.items()],
        terms=demo.TERMS,
    )
    demo.deposit(box, client, settings, depositor, vault, 1_000_000)
    address = lifecycle.deploy_zap(client, settings, creator, creator.address)
    return Bench(box, client, settings.model_copy(update={"zap": address}), caller, vault)


def main() -> None:
    """Measure and print a table, or one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    with node.up() as running, tempfile.TemporaryDirectory() as folder:
        bench = build(Box(running.url), Path(folder))
        rows = [bench.measure(usd) for usd in SIZES_USD]
    if arguments.json:
        json.dump({"rows": [asdict(row) for row in rows]}, sys.stdout, indent=2)
        print()
        return
    table = Table(title="USDC into a basket of six: the zap, and by hand")
    for name in ("USDC", "shares", "under the ceiling", "swaps", "gas, zap", "by hand", "for", "dearer by hand"):
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(
            f"{row.usd:,}",
            f"{row.shares:,.4f}",
            f"{row.short_bps:.3f} bps",
            str(row.swaps),
            f"{row.zap_gas:,} in {row.zap_transactions}",
            f"{row.by_hand_gas:,} in {row.by_hand_transactions}",
            f"${row.by_hand_usdc:,.2f}",
            f"{(row.by_hand_usdc / row.usd - 1) * 1e4:.1f} bps",
        )
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
