"""The chain of the fuzzing: real bytecode on an EVM in this process, some thirty microseconds a call.

Every contract is compiled with its own pragmas, for the EVM that production uses. A call is a transaction: it has the gas of
the largest one that mainnet takes, and what it left in transient storage is gone after it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from eth_abi.abi import decode, encode
from eth_utils.crypto import keccak
from pyrevm import EVM, BlockEnv, JournalCheckpoint
from vyper.compiler import compile_from_file_input  # type: ignore[import-untyped]
from vyper.compiler.input_bundle import FileInput, FilesystemInputBundle  # type: ignore[import-untyped]
from vyper.compiler.settings import Settings  # type: ignore[import-untyped]

from keeper.contracts import EVM_VERSION, contract

ROOT = Path(__file__).resolve().parents[2]
START = 1_800_000_000  # unix s of the first block
WORDS = frozenset(("address", "uint256", "bool"))
GAS = 2**24  # of a transaction, EIP-7825

_ERROR = keccak(text="Error(string)")[:4]
_BAD_PRICE = keccak(text="BadPrice(address,uint256)")[:4]
_OUTPUT = re.compile(r"^Revert \{ gas_used: \d+, output: 0x([0-9a-f]*) \}$")


class Reverted(Exception):
    """A transaction that reverted. `reason` is the text of Error(string), or `BadPrice(asset,fault)`, or empty."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Function:
    """One function of an ABI, ready to be encoded."""

    selector: bytes
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    def encode(self, *args: Any) -> bytes:
        """Calldata."""
        if WORDS.issuperset(self.inputs):
            # Most calls by far, and a general encoder takes longer than the call itself.
            numbers = (int(arg, 16) if isinstance(arg, str) else int(arg) for arg in args)
            return self.selector + b"".join(number.to_bytes(32, "big") for number in numbers)
        return self.selector + encode(self.inputs, args)

    def decode(self, response: bytes) -> Any:
        """What it answered: one value, a tuple of several, or None."""
        if self.outputs == ("uint256",) and len(response) == 32:
            return int.from_bytes(response, "big")
        values = decode(self.outputs, response)
        return values[0] if len(values) == 1 else values or None


@dataclass(frozen=True, slots=True)
class Artifact:
    """A compiled contract."""

    name: str
    initcode: bytes
    constructor: tuple[str, ...]
    functions: dict[str, Function]


@cache
def artifact(name: str) -> Artifact:
    """A contract by its path under contracts/, without the suffix. Those that are no mocks come out of the keeper's cache."""
    if "/" in name:
        abi, initcode = _compiled(ROOT / "contracts" / f"{name}.vy")
    else:
        found = contract(name)
        abi, initcode = found.abi, found.bytecode
    constructor: tuple[str, ...] = ()
    functions: dict[str, Function] = {}
    for entry in abi:
        inputs = tuple(_canonical(argument) for argument in entry.get("inputs", ()))
        if entry["type"] == "constructor":
            constructor = inputs
        elif entry["type"] == "function":
            selector = keccak(text=f"{entry['name']}({','.join(inputs)})")[:4]
            outputs = tuple(_canonical(argument) for argument in entry["outputs"])
            functions[entry["name"]] = Function(selector, inputs, outputs)
    return Artifact(name, initcode, constructor, functions)


def _compiled(file: Path) -> tuple[Sequence[dict[str, Any]], bytes]:
    bundle = FilesystemInputBundle([ROOT])
    source = bundle.load_file(file)
    assert isinstance(source, FileInput)
    output = compile_from_file_input(
        source, input_bundle=bundle, output_formats=["abi", "bytecode"], settings=Settings(evm_version=EVM_VERSION)
    )
    return output["abi"], bytes.fromhex(output["bytecode"].removeprefix("0x"))


def _canonical(argument: dict[str, Any]) -> str:
    kind = str(argument["type"])
    if not kind.startswith("tuple"):
        return kind
    return f"({','.join(_canonical(part) for part in argument['components'])}){kind.removeprefix('tuple')}"


@dataclass(frozen=True, slots=True)
class Contract:
    """A deployed contract."""

    chain: "Chain"
    address: str
    artifact: Artifact

    def send(self, sender: str, function: str, *args: Any) -> Any:
        """A transaction; its answer.

        :raises Reverted: with its reason
        """
        found = self.artifact.functions[function]
        return found.decode(self.chain.transact(sender, self.address, found.encode(*args)))

    def view(self, function: str, *args: Any) -> Any:
        """A call that changes nothing; its answer.

        :raises Reverted: with its reason
        """
        found = self.artifact.functions[function]
        return found.decode(self.chain.call(self.address, found.encode(*args)))

    def encode(self, function: str, *args: Any) -> bytes:
        """Calldata."""
        return self.artifact.functions[function].encode(*args)

    def step(self, function: str, *args: Any, may_fail: bool = False) -> tuple[str, bytes, bool]:
        """One call of a ScriptedExecutor's script."""
        return self.address, self.encode(function, *args), may_fail


class Chain:
    """A chain of one block a transaction, whose clock the tests hold."""

    def __init__(self) -> None:
        self._evm = EVM(spec_id=EVM_VERSION.upper())
        self.now = START
        self._set_time()

    def _set_time(self) -> None:
        self._evm.set_block_env(BlockEnv(number=1, timestamp=self.now))

    def wait(self, seconds: int) -> None:
        """Let time pass."""
        self.now += seconds
        self._set_time()

    def deploy(self, name: str, *args: Any, sender: str) -> Contract:
        """A new contract.

        :raises Reverted: by its constructor
        """
        found = artifact(name)
        return Contract(self, self.create(sender, found.initcode + encode(found.constructor, args)), found)

    def deploy_blueprint(self, name: str, sender: str) -> str:
        """The address of a contract's creation code, as ERC-5202 stores it."""
        code = b"\xfe\x71\x00" + artifact(name).initcode
        # PUSH2 size, DUP1, PUSH1 10, PUSH0, CODECOPY, PUSH0, RETURN
        return self.create(sender, b"\x61" + len(code).to_bytes(2, "big") + bytes.fromhex("80600a5f395ff3") + code)

    def create(self, sender: str, code: bytes) -> str:
        """What a creation code deploys."""
        return str(self._guarded(lambda: self._evm.deploy(sender, code))).lower()

    def at(self, name: str, address: str) -> Contract:
        """A contract that another one deployed."""
        return Contract(self, address.lower(), artifact(name))

    def transact(self, sender: str, to: str, data: bytes) -> bytes:
        """Raw transaction."""
        return bytes(self._guarded(lambda: self._evm.message_call(sender, to, data, gas=GAS)))

    def call(self, to: str, data: bytes) -> bytes:
        """Raw call that changes nothing."""
        return bytes(self._guarded(lambda: self._evm.message_call(ZERO, to, data, gas=GAS, is_static=True)))

    def _guarded(self, action: Any) -> Any:
        try:
            return action()
        except RuntimeError as error:
            raise Reverted(_reason(str(error))) from None
        finally:
            self._evm.reset_transient_storage()

    def snapshot(self) -> tuple[JournalCheckpoint, int]:
        """A state to come back to."""
        return self._evm.snapshot(), self.now

    def restore(self, state: tuple[JournalCheckpoint, int]) -> None:
        """Come back to a state; every later one is gone."""
        checkpoint, self.now = state
        self._evm.revert(checkpoint)
        self._set_time()


ZERO = "0x" + "00" * 20


def _reason(error: str) -> str:
    match = _OUTPUT.match(error)
    if match is None:
        # Out of gas, or an invalid opcode.
        assert error.startswith("Halt"), error
        return ""
    return reason_in(bytes.fromhex(match[1]))


def reason_in(output: bytes) -> str:
    """The reason in the data of a revert; empty when it says nothing."""
    if output[:4] == _ERROR:
        return str(decode(["string"], output[4:])[0])
    if output[:4] == _BAD_PRICE:
        asset, fault = decode(["address", "uint256"], output[4:])
        return bad_price(asset, fault)
    assert output == b"", f"an error of an unknown shape: {output.hex()}"
    return ""


def bad_price(asset: str, fault: int) -> str:
    """How the typed error of the oracle is written here."""
    return f"BadPrice({asset},{fault})"
