"""The same contracts at several levels of the compiler's optimiser, each on a chain of its own, told the same things.

Addresses, times and everything else agree on all chains, so that every answer, revert, event and balance has to. Gas does not.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from eth_abi.abi import encode
from eth_utils.address import to_checksum_address

from devnet import anvil
from devnet.box import Box, calldata
from keeper.contracts import Contract
from keeper.errors import TransactionError
from scripts.proofs.branches import compile_source

ROOT = Path(__file__).resolve().parents[2]
PRODUCTION = "production"  # what the file's own pragma says
LEVELS = (PRODUCTION, "gas", "none")

# Unoptimised code is larger than EIP-170 allows; dates of blocks are the same on all chains.
OPTIONS = ("--disable-code-size-limit", "--timestamp", str(2 * 10**9))
SECONDS_A_BLOCK = 12
GAS = 30_000_000


@cache
def creation_code(path: Path, level: str) -> bytes:
    """Creation code of a contract, without arguments, at a level of `LEVELS`.

    Raises:
        VyperException: it does not compile.
    """
    return bytes(compile_source(ROOT, path, None if level == PRODUCTION else level).bytecode)


class Different(AssertionError):
    """The levels disagree."""


class Twins:
    """A chain for each level. Every method does the same on all and returns what they agree on."""

    def __init__(self, boxes: dict[str, Box]) -> None:
        self.boxes = boxes
        for box in boxes.values():
            box.rpc("anvil_setBlockTimestampInterval", SECONDS_A_BLOCK)

    def fund(self, *accounts: str) -> None:
        """Give accounts ether."""
        for box in self.boxes.values():
            for account in accounts:
                box.fund(account, 10_000)

    def deploy(self, sender: str, name: str, types: Sequence[str], *arguments: Any) -> str:
        """Deploy contracts/`name`.vy with its code at each level; the address, the same everywhere.

        Raises:
            Different: only some levels deploy it.
        """
        path = ROOT / "contracts" / f"{name}.vy"
        tail = encode(types, arguments)
        return self._create(sender, name, {level: creation_code(path, level) + tail for level in self.boxes})

    def deploy_blueprint(self, sender: str, name: str) -> str:
        """Keep the creation code of contracts/`name`.vy at each level as ERC-5202 has it; the address, the same everywhere.

        Raises:
            Different: only some levels deploy it.
        """
        path = ROOT / "contracts" / f"{name}.vy"
        codes = {level: Contract(name, (), creation_code(path, level)) for level in self.boxes}
        return self._create(sender, name, {level: code.blueprint_initcode() for level, code in codes.items()})

    def send(self, sender: str, to: str, signature: str, *arguments: Any) -> dict[str, Any]:
        """A transaction, that may revert; its receipt less the gas, and what a call would have answered.

        Raises:
            Different: the levels disagree.
        """
        data = calldata(signature, *arguments)
        answer = self._ask(sender, to, data, f"{signature} {arguments}")
        receipts = {level: self._send(box, sender, to, data) for level, box in self.boxes.items()}
        return agreed(f"{signature} {arguments}", receipts) | {"answer": answer}

    def call(self, to: str, signature: str, *arguments: Any) -> str:
        """What a view answers, as hexadecimal, or the text of its revert.

        Raises:
            Different: the levels disagree.
        """
        return self._ask(to, to, calldata(signature, *arguments), f"{signature} {arguments}")

    def wait(self, seconds: int) -> None:
        """Let time pass."""
        for box in self.boxes.values():
            box.mine(box.timestamp() + seconds)

    def _create(self, sender: str, name: str, initcodes: Mapping[str, bytes]) -> str:
        receipts = {level: self._send(box, sender, None, initcodes[level]) for level, box in self.boxes.items()}
        receipt = agreed(f"deploy {name}", receipts)
        if receipt["status"] != "0x1":
            raise TransactionError(f"{name} does not deploy")
        return to_checksum_address(receipt["contractAddress"])

    def _ask(self, sender: str, to: str, data: bytes, label: str) -> str:
        request = {"from": sender, "to": to, "data": "0x" + data.hex(), "gas": hex(GAS)}
        answers = {}
        for level, box in self.boxes.items():
            try:
                answers[level] = str(box.rpc("eth_call", request, "latest"))
            except TransactionError as error:
                answers[level] = str(error)
        return str(agreed(label, answers))

    def _send(self, box: Box, sender: str, to: str | None, data: bytes) -> dict[str, Any]:
        box.rpc("anvil_impersonateAccount", sender)
        request = {"from": sender, "data": "0x" + data.hex(), "gas": hex(GAS)} | ({"to": to} if to else {})
        receipt = box.rpc("eth_sendTransactionSync", request)
        logs = [(log["address"], log["topics"], log["data"]) for log in receipt["logs"]]
        return {"status": receipt["status"], "contractAddress": receipt["contractAddress"], "logs": logs}


def agreed(label: str, answers: dict[str, Any]) -> Any:
    """The one answer of all levels.

    Raises:
        Different: there are several.
    """
    first, *others = answers.items()
    for level, answer in others:
        if answer != first[1]:
            raise Different(f"{label}: {first[0]} gives {first[1]}, {level} gives {answer}")
    return first[1]


@contextmanager
def twins(levels: Sequence[str] = LEVELS) -> Iterator[Twins]:
    """A fresh chain for each level, ended with the block."""
    with ExitStack() as stack:
        boxes = {}
        for level in levels:
            port = anvil.free_port()
            stack.callback(anvil.stop, anvil.start(port, *OPTIONS))
            boxes[level] = Box(f"http://127.0.0.1:{port}")
        yield Twins(boxes)
