"""Gas of the vault next to the floor: what the same transfers cost with nothing around them.

    uv run python benchmarks/gas.py [--json]

One anvil, one plain ERC-20 (18 decimals), unlimited allowances, cold access sets, the second call by the same user.
`execution` is the receipt's gas less 21,000 and the calldata's price (4 a zero byte, 16 any other); `ratio` is ours by the
floor's. The floor is contracts/mocks/FloorBasket.vy: transfers pro rata of the balances, addresses in storage, a share of its
own; no lock, limit, role or check. A rebalance is one fill in the pull form that trades every asset, half of them sold,
without swaps.
"""

import argparse
import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from eth_abi.abi import encode
from eth_utils.address import to_checksum_address
from rich.console import Console
from rich.table import Table

from devnet import anvil
from devnet.box import Box, calldata

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

FEED = "(address,address,uint256,uint256,uint256)"
ASSET = "(address,uint256,uint256,uint256)"
TERMS = "(uint256,bool,uint256,uint256,uint256,uint256,uint256,uint256,uint256,uint256)"
LEG = "(address,uint256)"


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
        for account in (DEPLOYER, USER):
            box.fund(account, 10_000)

    def deploy(self, source: str, types: list[str], *arguments: Any) -> str:
        """Deploy contracts/`source`.vy; its address."""
        if source not in self._bytecode:
            command = ["vyper", "-p", ".", "--evm-version", "prague", f"contracts/{source}.vy"]
            done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
            self._bytecode[source] = bytes.fromhex(done.stdout.strip().removeprefix("0x"))
        receipt = self.box.transact(DEPLOYER, None, self._bytecode[source] + encode(types, arguments), label=source)
        return to_checksum_address(receipt["contractAddress"])

    def basket(self, n: int) -> Basket:
        """A seeded vault and a seeded floor over the same n tokens at 1 USD each."""
        tokens = [self.deploy("mocks/Token", ["string", "uint8"], f"T{i}", 18) for i in range(n)]
        feeds = [self.deploy("mocks/Feed", ["uint8", "int256"], 8, 10**8) for _ in range(n)]
        rows = [(token, feed, 86_400, 1, 10**6 * WAD) for token, feed in zip(tokens, feeds, strict=True)]
        oracle = self.deploy("PriceOracle", ["address", f"{FEED}[]"], DEPLOYER, rows)
        targets = [WAD // n] * n
        targets[0] += WAD - sum(targets)
        assets = [(token, 100 * target, target, WAD // 1_000) for token, target in zip(tokens, targets, strict=True)]
        terms = (2, False, 0, 0, DURATION, WAD // 200, WAD // 100, WAD // 1_000, WAD // 50, 86_400)
        vault = self.deploy(
            "IndexVault",
            ["string", "string", "address", "address", "address", f"{ASSET}[]", TERMS],
            *("Gas", "GAS", DEPLOYER, DEPLOYER, oracle, assets, terms),
        )
        floor = self.deploy("mocks/FloorBasket", ["address[]"], tokens)
        for token in tokens:
            self.box.send(USER, token, "mint(address,uint256)", USER, 10**12 * WAD)
            for spender in (vault, floor):
                self.box.send(USER, token, "approve(address,uint256)", spender, MAX)
        self.box.send(USER, floor, "seed(uint256,uint256)", 10_000 * WAD, 10**6 * WAD // n)
        self.mint(vault, 10_000 * WAD, n)
        return Basket(tokens, feeds, vault, floor)

    def mint(self, vault: str, shares: int, n: int) -> tuple[int, int]:
        """Mint to the user; gas and execution gas."""
        return self.measure(vault, "mint(uint256,address,uint256[],uint256)", shares, USER, [10**12 * WAD] * n, FAR)

    def redeem(self, vault: str, shares: int, n: int) -> tuple[int, int]:
        """Redeem to the user; gas and execution gas."""
        return self.measure(vault, "redeem(uint256,address,uint256[],uint256)", shares, USER, [1] * n, FAR)

    def measure(self, to: str, signature: str, *arguments: Any) -> tuple[int, int]:
        """Send as the user; gas of the receipt, and of the execution alone."""
        data = calldata(signature, *arguments)
        gas = int(self.box.transact(USER, to, data, label=signature)["gasUsed"], 16)
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
    fill = bench.measure(basket.vault, f"rebalance({LEG}[],{LEG}[],address,bytes,uint256)", sells, buys, ZERO, b"", FAR)
    moved = [
        abs(bench.box.balance(token, basket.vault) - old) for token, old in zip(basket.tokens, before, strict=True)
    ]
    floor = bench.measure(
        basket.floor,
        "swap(address[],uint256[],address[],uint256[])",
        *(basket.tokens[:half], moved[:half], basket.tokens[half:], moved[half:]),
    )
    return row("rebalance", n, fill, floor)


def row(operation: str, n: int, ours: tuple[int, int], floor: tuple[int, int]) -> Row:
    """Ours and the floor's (gas, execution) as one row."""
    return Row(operation, n, ours[0], ours[1], floor[1], round(ours[1] / floor[1], 3))


def main() -> None:
    """Measure and print a table, or one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    as_json: bool = parser.parse_args().json

    port = anvil.free_port()
    process = anvil.start(port)
    try:
        bench = Bench(Box(f"http://127.0.0.1:{port}"))
        pairs = [in_kind(bench, n) for n in MINT_SIZES]
        rows = [rows[0] for rows in pairs] + [rows[1] for rows in pairs]
        rows += [rebalance(bench, n) for n in REBALANCE_SIZES]
    finally:
        anvil.stop(process)

    if as_json:
        json.dump({"rows": [asdict(r) for r in rows]}, sys.stdout, indent=2)
        print()
        return
    table = Table(title="Gas, against the floor of the same transfers")
    for name in ("operation", "n", "gas", "execution", "floor execution", "ratio"):
        table.add_column(name, justify="left" if name == "operation" else "right")
    for r in rows:
        table.add_row(
            r.operation, str(r.n), f"{r.gas:,}", f"{r.execution:,}", f"{r.floor_execution:,}", f"{r.ratio:.2f}"
        )
    Console().print(table)


if __name__ == "__main__":
    main()
