"""A zap of USDC into a basket of six and back, next to what it stands for; and how a large one fares, whole and in parts.

    uv run python benchmarks/zap.py [--json]

On the devnet: the demo's basket with a million USD in it. The zap is planned by `keeper/services/zap.py` and mined. From the
same state, as many shares are then made by hand: each asset is bought on Uniswap's V3 router through the pools of the lowest
fee, each is approved to the vault, and the vault mints in kind. A redemption by hand is the other way round. Gas is the
receipts', the approvals included; the zap's is also measured by a permit in place of the approval, in one transaction.

A large amount is minted whole; in parts one after another, each planned on the pools that the one before left, which is all
that parts within a transaction could do; and in parts with pools that have come back to their prices in between, as
arbitrage makes them from block to block. What is lost is counted at the oracle's prices, less what comes back.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from eth_account import Account
from rich.console import Console
from rich.table import Table

from devnet import market, node
from devnet.addresses import TOKENS, V3_ROUTER
from devnet.box import Box
from keeper.chain.rpc import Client
from keeper.execution.signer import KeystoreSigner
from keeper.services import demo, zap, zap_order
from keeper.services import vault as lifecycle
from keeper.settings import Settings, load

WAD = 10**18
SIZES_USD = (1_000, 10_000, 100_000)
LARGE_USD = {1_000_000: 10, 5_000_000: 50}  # in so many parts of a hundred thousand
AT_ONCE = 5  # parts one after another
FEES = {"WETH": 500, "WBTC": 500, "LINK": 3000, "UNI": 3000, "AAVE": 3000}  # ppm, of the pool with WETH, or with USDC
FAR = 2**40
SPARE_USDC = 2  # times what the zap took, so that nothing by hand is short


@dataclass(frozen=True, slots=True)
class Row:
    """One size, one way: whole shares that come of so many USDC, or USDC of shares worth so many USD.

    `short_bps` is by how much less came than no route exceeds, `planned_off_bps` than the plan said. `planned_gas` is the
    zap's alone, `gas` and `by_hand_gas` are with approvals, `permit_gas` with a signature in place of one. By hand as many
    shares cost `by_hand_usdc`, or the same bring it, which is so many basis points worse than the zap.
    """

    usd: int
    comes: float
    short_bps: float
    planned_off_bps: float
    gap_bps: float
    swaps: int
    planned_gas: int
    approval_gas: int
    gas: int
    transactions: int
    permit_gas: int
    by_hand_gas: int
    by_hand_transactions: int
    by_hand_usdc: float
    by_hand_worse_bps: float


@dataclass(frozen=True, slots=True)
class Large:
    """What minting with `usd` loses to fees and impact: whole, in parts at once, and in parts with pools that come back."""

    usd: int
    whole_bps: float
    gap_bps: float
    whole_gas: int
    at_once: int
    at_once_bps: float
    parts: int
    parts_bps: float
    parts_gas: int


@dataclass(frozen=True, slots=True)
class Bench:
    """The demo's vault, a zap, somebody with USDC, and who made the first shares."""

    box: Box
    client: Client
    settings: Settings
    caller: KeystoreSigner
    depositor: str
    vault: str

    def measure_mint(self, usd: int) -> Row:
        """With the zap and by hand from one state, which is there again afterwards."""
        usdc, amount = TOKENS["USDC"].address, usd * 10**6
        state = self.box.snapshot()
        self.box.give(usdc, self.caller.address, SPARE_USDC * amount)
        again = self.box.snapshot()
        plan = zap.plan_mint(self.client, self.settings, self.vault, "USDC", str(usd))
        by_permit = self._zap_by_permit(plan)
        zapped = self._zap(plan, usdc)
        shares = self.box.balance(self.vault, self.caller.address)
        self.box.revert(again)
        by_hand = self._by_hand(shares, SPARE_USDC * amount)
        spent = SPARE_USDC * amount - self.box.balance(usdc, self.caller.address)
        self.box.revert(state)
        return _row(usd, plan, shares, zapped, by_permit, by_hand, spent, spent / amount - 1)

    def measure_redemption(self, usd: int) -> Row:
        """As a mint, the other way: the depositor gives the caller the shares."""
        usdc, shares = TOKENS["USDC"].address, usd * WAD // demo.SHARE_USD
        state = self.box.snapshot()
        self.box.send(self.depositor, self.vault, "transfer(address,uint256)", self.caller.address, shares)
        again = self.box.snapshot()
        plan = zap.plan_redeem(self.client, self.settings, self.vault, str(shares / WAD), "USDC")
        by_permit = self._zap_by_permit(plan)
        zapped = self._zap(plan, self.vault)
        amount = self.box.balance(usdc, self.caller.address)
        self.box.revert(again)
        by_hand = self._by_hand_back(shares)
        got = self.box.balance(usdc, self.caller.address)
        self.box.revert(state)
        return _row(usd, plan, amount, zapped, by_permit, by_hand, got, 1 - got / amount)

    def measure_large(self, usd: int, parts: int) -> Large:
        """Whole, and in parts; the state is there again afterwards."""
        lost, gas, gap = self._minted([usd])
        lost_at_once, _, _ = self._minted([usd // AT_ONCE] * AT_ONCE)
        lost_in_parts, part_gas, _ = self._minted([usd // parts])
        return Large(usd, lost, round(gap, 4), gas, AT_ONCE, lost_at_once, parts, lost_in_parts, part_gas * parts)

    def _minted(self, parts: list[int]) -> tuple[float, int, float]:
        """What zaps of so many USD one after another lose in bps, their gas, and the last one's certified gap in bps."""
        state, usdc, gas, gap = self.box.snapshot(), TOKENS["USDC"].address, 0, 0.0
        for usd in parts:
            self.box.give(usdc, self.caller.address, usd * 10**6)
            plan = zap.plan_mint(self.client, self.settings, self.vault, "USDC", str(usd))
            gas += sum(self._zap(plan, usdc))
            gap = _gap_bps(plan)
        lost = round((1 - self._worth() / sum(parts)) * 1e4, 2)
        self.box.revert(state)
        return lost, gas, gap

    def _zap(self, plan: zap.ZapPlan, given: str) -> tuple[int, int]:
        """Gas of the approval and of the zap."""
        approval = self._send(given, "approve(address,uint256)", self.settings.zap, plan.amount_in)
        return approval, self._run(plan.data(self.settings.policy.slippage_bps, FAR))

    def _zap_by_permit(self, plan: zap.ZapPlan) -> int:
        """Gas of the zap where the caller signs a permit; the state is there again afterwards."""
        state = self.box.snapshot()
        permit = zap_order.permitted(self.client, self.settings, self.caller, plan, FAR)
        gas = self._run(plan.data(self.settings.policy.slippage_bps, FAR, permit))
        self.box.revert(state)
        return gas

    def _run(self, data: bytes) -> int:
        """Gas of the zap that is called with this."""
        return int(self.box.transact(self.caller.address, self.settings.zap, data)["gasUsed"], 16)

    def _worth(self) -> float:
        """USD that the caller's shares and assets are worth at the oracle's prices."""
        price: float = self.box.call(self.vault, "nav()(uint256)") / self.box.call(self.vault, "supply()(uint256)")
        assets = (
            self.box.balance(TOKENS[symbol].address, self.caller.address)
            / 10 ** TOKENS[symbol].decimals
            * float(market.feed_price(self.box, symbol))
            for symbol in demo.WEIGHTS
        )
        worth: float = self.box.balance(self.vault, self.caller.address) / WAD * price + sum(assets)
        return worth

    def _by_hand_back(self, shares: int) -> tuple[int, int]:
        """Gas and number of the transactions that turn so many shares into USDC without the zap."""
        least = [0] * len(demo.WEIGHTS)
        redeem = "redeem(uint256,address,uint256[],uint256)"
        gas = [self._send(self.vault, redeem, shares, self.caller.address, least, FAR)]
        for symbol in demo.WEIGHTS:
            if symbol != "USDC":
                token = TOKENS[symbol].address
                amount = self.box.balance(token, self.caller.address)
                gas.append(self._send(token, "approve(address,uint256)", V3_ROUTER, amount))
                parameters = (_path(symbol), self.caller.address, FAR, amount, 0)
                gas.append(self._send(V3_ROUTER, "exactInput((bytes,address,uint256,uint256,uint256))", parameters))
        return sum(gas), len(gas)

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


def _row(
    usd: int,
    plan: zap.ZapPlan,
    comes: int,
    zapped: tuple[int, int],
    by_permit: int,
    by_hand: tuple[int, int],
    by_hand_usdc: int,
    worse: float,
) -> Row:
    """`comes` and `by_hand_usdc` in base units; gas of approval and zap, by permit, and with its transactions by hand."""
    return Row(
        usd=usd,
        comes=round(comes / 10**plan.wanted.decimals, 6),
        short_bps=round((1 - comes / plan.ceiling) * 1e4, 4),
        planned_off_bps=round((1 - comes / plan.amount_out) * 1e4, 4),
        gap_bps=round(_gap_bps(plan), 4),
        swaps=len(plan.legs),
        planned_gas=plan.gas,
        approval_gas=zapped[0],
        gas=sum(zapped),
        transactions=len(zapped),
        permit_gas=by_permit,
        by_hand_gas=by_hand[0],
        by_hand_transactions=by_hand[1],
        by_hand_usdc=round(by_hand_usdc / 10**6, 2),
        by_hand_worse_bps=round(worse * 1e4, 4),
    )


def _gap_bps(plan: zap.ZapPlan) -> float:
    return 0.0 if plan.certificate is None else plan.certificate.gap_bps


def _path(symbol: str) -> bytes:
    """Uniswap V3's path from an asset to USDC; a purchase of an exact amount names it the same way round."""
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
    vault = demo.deploy_vault(box, client, settings, creator, "Zap Six", "ZAP6")
    demo.deposit(box, client, settings, depositor, vault, 1_000_000)
    address = lifecycle.deploy_zap(client, settings, creator, creator.address)
    return Bench(box, client, settings.model_copy(update={"zap": address}), caller, depositor.address, vault)


def report(mints: list[Row], redemptions: list[Row], large: list[Large], console: Console) -> None:
    """A table for each."""
    kinds = [
        ("USDC into a basket of six: the zap, and by hand", "shares", "for", "dearer by hand", mints),
        ("A basket of six into USDC: the zap, and by hand", "USDC", "brings", "less by hand", redemptions),
    ]
    for title, unit, amount, worse, rows in kinds:
        names = ("USD", "comes", "under the ceiling", "swaps", "gas planned", "gas, approved", "by permit", "by hand")
        table = _table(title, (*names, amount, worse))
        for row in rows:
            table.add_row(
                f"{row.usd:,}",
                f"{row.comes:,.4f} {unit}",
                f"{row.short_bps:.3f} bps",
                str(row.swaps),
                f"{row.planned_gas:,}",
                f"{row.gas:,} in {row.transactions}",
                f"{row.permit_gas:,} in 1",
                f"{row.by_hand_gas:,} in {row.by_hand_transactions}",
                f"${row.by_hand_usdc:,.2f}",
                f"{row.by_hand_worse_bps:z.1f} bps",
            )
        console.print(table)
    table = _table(
        "A large amount into the basket: lost to fees and impact", ("USD", "whole", "any route saves at most", "gas")
    )
    table.add_column("in parts at once", justify="right")
    table.add_column("in parts over time", justify="right")
    table.add_column("gas", justify="right")
    for each in large:
        table.add_row(
            f"{each.usd:,}",
            f"{each.whole_bps:.1f} bps",
            f"{each.gap_bps:.4f} bps",
            f"{each.whole_gas:,}",
            f"{each.at_once_bps:.1f} bps in {each.at_once}",
            f"{each.parts_bps:.1f} bps in {each.parts}",
            f"{each.parts_gas:,}",
        )
    console.print(table)


def _table(title: str, names: tuple[str, ...]) -> Table:
    table = Table(title=title)
    for name in names:
        table.add_column(name, justify="right")
    return table


def main() -> None:
    """Measure and print a table, or one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    with node.up() as running, tempfile.TemporaryDirectory() as folder:
        bench = build(Box(running.url), Path(folder))
        mints = [bench.measure_mint(usd) for usd in SIZES_USD]
        redemptions = [bench.measure_redemption(usd) for usd in SIZES_USD]
        large = [bench.measure_large(usd, parts) for usd, parts in LARGE_USD.items()]
    if arguments.json:
        found: dict[str, Sequence[Row | Large]] = {"mints": mints, "redemptions": redemptions, "large": large}
        json.dump({name: [asdict(row) for row in each] for name, each in found.items()}, sys.stdout, indent=2)
        print()
        return
    report(mints, redemptions, large, Console(width=160))


if __name__ == "__main__":
    main()
