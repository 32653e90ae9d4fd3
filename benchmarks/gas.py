"""Gas of the vault next to the floor, which is what the same transfers cost with nothing around them, and next to its peers.

    uv run python benchmarks/gas.py [--json] [--profile]

One devnet, one plain ERC-20 (18 decimals), unlimited allowances, cold access sets, the second call by the same user.
`execution` is the receipt's gas less 21,000 and the calldata's price (4 a zero byte, 16 any other); `ratio` is ours by the
floor's. The floor is contracts/mocks/FloorBasket.vy: transfers pro rata of the balances, addresses in storage, a share of its
own; no lock, limit, role or check. A rebalance is one fill in the pull form that trades every asset, half of them sold,
without swaps.

A whole rebalance is opened and settled in one transaction: ten assets, five sold and five bought in the pull form, swaps not
counted, with prices from ten of Chainlink's own proxies at their mainnet addresses. `--profile` says where its gas goes.

The peers were measured in November 2026 on anvil 1.7.1 with plain OpenZeppelin tokens of 18 decimals, cold and with unlimited
allowances, each built with its own settings.
"""

import argparse
import json
import subprocess
import sys
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from eth_abi.abi import encode
from eth_utils.address import to_checksum_address
from rich.console import Console
from rich.table import Table

from devnet import node
from devnet.addresses import FEEDS, USD_FEEDS
from devnet.box import GAS_LIMIT, Box, calldata
from devnet.market import feed_price, set_feed
from keeper.contracts import EVM_VERSION, contract

ROOT = Path(__file__).resolve().parent.parent
WAD = 10**18
FAR = 2**40
MAX = 2**256 - 1
ZERO = "0x" + "00" * 20
DEPLOYER = to_checksum_address("0x" + "d1" * 20)
USER = to_checksum_address("0x" + "d2" * 20)

MINT_SIZES = (2, 3, 5, 10, 20)
REBALANCE_SIZES = (2, 6, 10)
BASE_GAS = 21_000
DURATION = 1_800  # s, of the auction
KINDS = {
    **dict.fromkeys(("SLOAD", "SSTORE", "TLOAD", "TSTORE"), "storage"),
    **dict.fromkeys(("CALL", "STATICCALL", "DELEGATECALL"), "calls"),
    **dict.fromkeys((f"LOG{i}" for i in range(5)), "logs"),
}

FEED = "(address,address,uint256,uint256,uint256)"
ASSET = "(address,uint256,uint256,uint256)"
TERMS = "(uint256,bool,uint256,uint256,uint256,uint256,uint256,uint256,uint256,uint256)"
FEES = "(address,uint256,uint256,uint256)"
LEG = "(address,uint256)"
REBALANCE = f"rebalance({LEG}[],{LEG}[],address,bytes,uint256)"

# Execution gas of Reserve Folio 6.0.0, in kind, by number of assets.
RESERVE = {
    "mint": {2: 117_000, 3: 140_000, 5: 186_000, 10: 301_000, 20: 530_000},
    "redeem": {2: 78_000, 3: 99_000, 5: 140_000, 10: 244_000, 20: 453_000},
}


# Gas by contract and by what it was spent on, see KINDS.
Spent = Counter[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement; gas units, `ratio` is execution by floor execution."""

    operation: str
    n: int
    gas: int
    execution: int
    floor_execution: int
    ratio: float


@dataclass(frozen=True, slots=True)
class Whole:
    """A rebalance of ten assets from the opening to the targets, swaps not counted; gas of all transactions."""

    system: str
    transactions: int
    gas: int
    execution: int | None


# Reserve: startRebalance 476,000, openAuction 806,000, nine bids of 181,000 for nine pairs.
PEERS = (
    Whole("Reserve Folio 6.0.0: start, open an auction, nine bids", 11, 2_911_000, None),
    Whole("Index Coop AuctionV1: nine bids alone, at the least 198,000 each", 9, 1_782_000, None),
    Whole("Set GeneralIndex: ten trades alone, with their swaps, at the least 259,000 each", 10, 2_590_000, None),
)


@dataclass(frozen=True, slots=True)
class Basket:
    """n tokens held by a vault and by the floor, the user with plenty of each and both approved."""

    tokens: list[str]
    feeds: list[str]
    vault: str
    floor: str


class Bench:
    """Deploys and measures on one chain."""

    def __init__(self, box: Box) -> None:
        self.box = box
        self._bytecode: dict[str, bytes] = {}
        self._blueprint = ""
        for account in (DEPLOYER, USER):
            box.fund(account, 10_000)

    def deploy(self, source: str, types: list[str], *arguments: Any) -> str:
        """Deploy contracts/`source`.vy; its address."""
        if source not in self._bytecode:
            command = ["vyper", "-p", ".", "--evm-version", EVM_VERSION, f"contracts/{source}.vy"]
            done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
            self._bytecode[source] = bytes.fromhex(done.stdout.strip().removeprefix("0x"))
        receipt = self.box.transact(DEPLOYER, None, self._bytecode[source] + encode(types, arguments), label=source)
        return to_checksum_address(receipt["contractAddress"])

    def basket(self, n: int) -> Basket:
        """A seeded vault and a seeded floor over the same n tokens at 1 USD each."""
        feeds = [self.deploy("mocks/Feed", ["uint8", "int256"], 8, 10**8) for _ in range(n)]
        return self.basket_over(feeds, [WAD] * n)

    def basket_over(self, feeds: list[str], prices: list[int]) -> Basket:
        """A seeded vault and a seeded floor over a token for each feed, in equal parts; prices in WAD USD."""
        n = len(feeds)
        tokens = [self.deploy("mocks/Token", ["string", "uint8"], f"T{i}", 18) for i in range(n)]
        rows = [(token, feed, 86_400, 1, 10**6 * WAD) for token, feed in zip(tokens, feeds, strict=True)]
        oracle = self.deploy("PriceOracle", ["address", f"{FEED}[]"], DEPLOYER, rows)
        targets = [WAD // n] * n
        targets[0] += WAD - sum(targets)
        assets = [
            (token, 100 * target * WAD // price, target, WAD // 1_000)
            for token, target, price in zip(tokens, targets, prices, strict=True)
        ]
        terms = (2, False, 0, 0, DURATION, WAD // 200, WAD // 100, WAD // 1_000, WAD // 50, 86_400)
        vault = self.deploy(
            "IndexVault",
            ["string", "string", "address", "address", "address", f"{ASSET}[]", TERMS, FEES, "address"],
            *("Gas", "GAS", DEPLOYER, DEPLOYER, oracle, assets, terms, (ZERO, 0, 0, 0), self.blueprint()),
        )
        floor = self.deploy("mocks/FloorBasket", ["address[]"], tokens)
        for token in tokens:
            self.box.send(USER, token, "mint(address,uint256)", USER, 10**12 * WAD)
            for spender in (vault, floor):
                self.box.send(USER, token, "approve(address,uint256)", spender, MAX)
        self.box.send(USER, floor, "seed(uint256,uint256)", 10_000 * WAD, 10**6 * WAD // n)
        self.mint(vault, 10_000 * WAD, n)
        return Basket(tokens, feeds, vault, floor)

    def blueprint(self) -> str:
        """The rebalancer's, deployed once."""
        if not self._blueprint:
            initcode = contract("Rebalancer").blueprint_initcode()
            self._blueprint = to_checksum_address(self.box.transact(DEPLOYER, None, initcode)["contractAddress"])
        return self._blueprint

    def mint(self, vault: str, shares: int, n: int) -> tuple[int, int]:
        """Mint to the user; gas and execution gas."""
        return self.measure(vault, "mint(uint256,address,uint256[],uint256)", shares, USER, [10**12 * WAD] * n, FAR)

    def redeem(self, vault: str, shares: int, n: int) -> tuple[int, int]:
        """Redeem to the user; gas and execution gas."""
        return self.measure(vault, "redeem(uint256,address,uint256[],uint256)", shares, USER, [1] * n, FAR)

    def measure(self, to: str, signature: str, *arguments: Any) -> tuple[int, int]:
        """Send as the user; gas of the receipt, and of the execution alone."""
        data = calldata(signature, *arguments)
        return gas_of(self.box.transact(USER, to, data, label=signature), data)


def gas_of(receipt: dict[str, Any], data: bytes) -> tuple[int, int]:
    """Gas of the receipt, and of the execution alone."""
    gas = int(receipt["gasUsed"], 16)
    return gas, gas - BASE_GAS - sum(4 if byte == 0 else 16 for byte in data)


def in_kind(bench: Bench, n: int) -> list[Row]:
    """Mint and redeem of n assets, each the user's second."""
    basket, shares = bench.basket(n), 100 * WAD
    bench.mint(basket.vault, shares, n)
    mint = bench.mint(basket.vault, shares, n)
    bench.measure(basket.floor, "mint(uint256)", shares)
    floor_mint = bench.measure(basket.floor, "mint(uint256)", shares)
    bench.redeem(basket.vault, shares // 2, n)
    redeem = bench.redeem(basket.vault, shares // 2, n)
    bench.measure(basket.floor, "redeem(uint256)", shares // 2)
    floor_redeem = bench.measure(basket.floor, "redeem(uint256)", shares // 2)
    return [row("mint", n, mint, floor_mint), row("redeem", n, redeem, floor_redeem)]


def rebalance(bench: Bench, n: int) -> Row:
    """One fill over n assets: the first half has gained a tenth, its surplus is sold for the others' deficit."""
    basket, half = bench.basket(n), n // 2
    for feed in basket.feeds[:half]:
        bench.box.send(DEPLOYER, feed, "set_answer(int256)", 11 * 10**7)
    bench.box.send(USER, basket.vault, "open_rebalance()")
    bench.box.mine(bench.box.timestamp() + DURATION // 2)  # the bound is under 1: the deficits can pay for the surplus
    sells = [(token, MAX) for token in basket.tokens[:half]]
    buys = [(token, MAX) for token in basket.tokens[half:]]
    before = [bench.box.balance(token, basket.vault) for token in basket.tokens]
    fill = bench.measure(basket.vault, REBALANCE, sells, buys, ZERO, b"", FAR)
    moved = [
        abs(bench.box.balance(token, basket.vault) - old) for token, old in zip(basket.tokens, before, strict=True)
    ]
    floor = bench.measure(
        basket.floor,
        "swap(address[],uint256[],address[],uint256[])",
        *(basket.tokens[:half], moved[:half], basket.tokens[half:], moved[half:]),
    )
    return row("rebalance", n, fill, floor)


def whole_rebalance(bench: Bench) -> tuple[Whole, Spent]:
    """Open and settle in one transaction: the first five of ten assets have gained a tenth; also where the gas goes."""
    names = list(USD_FEEDS)[:10]
    basket = bench.basket_over(
        [FEEDS[USD_FEEDS[name]].proxy for name in names], [int(feed_price(bench.box, name) * WAD) for name in names]
    )
    for name in names[:5]:
        set_feed(bench.box, name, feed_price(bench.box, name) * 11 / 10)
    legs = [(token, MAX) for token in basket.tokens]
    data = calldata(REBALANCE, legs[:5], legs[5:], ZERO, b"", FAR)
    spent = profile(bench.box, basket.vault, data)
    receipt = bench.box.transact(USER, basket.vault, data, label="rebalance")
    rebalancer = bench.box.call(basket.vault, "rebalancer()(address)")
    left = bench.box.call(rebalancer, "drift()(uint256)")
    if bench.box.call(rebalancer, "is_open()(bool)") or left > WAD // 1_000:
        raise RuntimeError(f"one transaction did not reach the targets: the drift is {left / WAD:.4%}")
    return Whole("Equipoise: one fill", 1, *gas_of(receipt, data)), by_role(bench.box, basket.vault, spent)


def profile(box: Box, to: str, data: bytes) -> Spent:
    """What the user's call would spend now, by contract and kind; refunds, and the transaction's own 21,000 and calldata, left
    out. A call's cost without what the callee used counts for the caller.
    """
    call = {"from": USER, "to": to, "data": "0x" + data.hex(), "gas": hex(GAS_LIMIT)}
    options = {"disableStack": False, "disableMemory": True, "disableReturnData": True}
    steps = box.rpc("debug_traceCall", call, "latest", options)["structLogs"]
    spent: Spent = Counter()
    frames = [to]
    calls: list[tuple[int, int, str]] = []  # gas before the call, gas at the callee's start, kind
    for step, after in zip(steps, [*steps[1:], None], strict=True):
        kind = KINDS.get(step["op"], "computation")
        if after is None or after["depth"] < step["depth"]:
            spent[frames.pop(), kind] += step["gasCost"]
            if after is not None:
                before, start, called = calls.pop()
                used = start - (step["gas"] - step["gasCost"])
                spent[frames[-1], called] += before - after["gas"] - used
        elif after["depth"] > step["depth"]:
            calls.append((step["gas"], after["gas"], kind))
            frames.append(to_checksum_address(f"{int(step['stack'][-2], 16):040x}"))
        else:
            spent[frames[-1], kind] += step["gas"] - after["gas"]
    return spent


def by_role(box: Box, vault: str, spent: Spent) -> Spent:
    """The same by what the contracts of a rebalance are, instead of by address."""
    rebalancer = box.call(vault, "rebalancer()(address)")
    roles = {vault: "vault", rebalancer: "rebalancer", box.call(rebalancer, "oracle()(address)"): "oracle"}
    roles |= {to_checksum_address(token): "tokens" for token in box.call(vault, "assets()(address[])")}
    for description in USD_FEEDS.values():
        proxy = FEEDS[description].proxy
        roles |= {proxy: "feeds", box.call(proxy, "aggregator()(address)"): "feeds"}
    found: Spent = Counter()
    for (address, kind), gas in spent.items():
        found[roles[address], kind] += gas
    return found


def row(operation: str, n: int, ours: tuple[int, int], floor: tuple[int, int]) -> Row:
    """Ours and the floor's (gas, execution) as one row."""
    return Row(operation, n, ours[0], ours[1], floor[1], round(ours[1] / floor[1], 3))


def main() -> None:
    """Measure and print tables, or one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--profile", action="store_true", help="print where the gas of a whole rebalance goes")
    arguments = parser.parse_args()

    with node.up() as running:
        bench = Bench(Box(running.url))
        pairs = [in_kind(bench, n) for n in MINT_SIZES]
        rows = [rows[0] for rows in pairs] + [rows[1] for rows in pairs]
        rows += [rebalance(bench, n) for n in REBALANCE_SIZES]
        whole, spent = whole_rebalance(bench)

    if arguments.json:
        report = {
            "rows": [asdict(r) for r in rows],
            "whole": [asdict(w) for w in (whole, *PEERS)],
            "spent": [{"contract": role, "kind": kind, "gas": gas} for (role, kind), gas in spent.items()],
        }
        json.dump(report, sys.stdout, indent=2)
        print()
        return
    console = Console()
    console.print(_floor_table(rows))
    console.print(_whole_table(whole))
    if arguments.profile:
        console.print(_profile_table(spent))


def _floor_table(rows: list[Row]) -> Table:
    table = Table(title="Gas, against the floor of the same transfers and against Reserve Folio 6.0.0")
    for name in ("operation", "n", "gas", "execution", "floor execution", "ratio", "Reserve, execution"):
        table.add_column(name, justify="left" if name == "operation" else "right")
    for r in rows:
        reserve = RESERVE.get(r.operation, {}).get(r.n)
        table.add_row(
            *(r.operation, str(r.n), f"{r.gas:,}", f"{r.execution:,}", f"{r.floor_execution:,}", f"{r.ratio:.2f}"),
            "" if reserve is None else f"{reserve:,}",
        )
    return table


def _whole_table(whole: Whole) -> Table:
    table = Table(title="A whole rebalance of ten assets, five sold and five bought")
    for name in ("system", "transactions", "gas", "execution"):
        table.add_column(name, justify="left" if name == "system" else "right")
    for w in (whole, *PEERS):
        table.add_row(w.system, str(w.transactions), f"{w.gas:,}", "" if w.execution is None else f"{w.execution:,}")
    return table


def _profile_table(spent: Spent) -> Table:
    table = Table(title="Where the execution gas of the whole rebalance goes; a call's own price is its caller's")
    kinds = ("storage", "calls", "logs", "computation")
    table.add_column("contract")
    for kind in (*kinds, "sum"):
        table.add_column(kind, justify="right")
    for role in dict.fromkeys(role for role, _ in spent):
        cells = [spent[role, kind] for kind in kinds]
        table.add_row(role, *(f"{each:,}" for each in (*cells, sum(cells))))
    columns = [sum(gas for (_, of), gas in spent.items() if of == kind) for kind in kinds]
    table.add_row("sum", *(f"{each:,}" for each in (*columns, sum(columns))))
    return table


if __name__ == "__main__":
    main()
