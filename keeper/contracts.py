"""Our own contracts, compiled: ABI and creation code, for whoever deploys them.

The compiler runs once per state of the sources: the result is kept in the user's cache under a hash of every source
and the version of the compiler. A keeper that only serves vaults which exist never comes here.
"""

import hashlib
import importlib.metadata
import importlib.util
import json
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from keeper.errors import ToolchainError
from keeper.toolchain import cache_dir

_PACKAGE = Path(__file__).resolve().parent
# In a checkout the sources stand beside the package; a wheel carries them inside it.
_HOMES = (_PACKAGE.parent / "contracts", _PACKAGE / "_sources" / "contracts")
EVM_VERSION = "prague"


@dataclass(frozen=True, slots=True)
class Contract:
    """One compiled contract."""

    name: str
    abi: Sequence[dict[str, Any]]
    bytecode: bytes  # creation code, without constructor arguments

    def blueprint_initcode(self) -> bytes:
        """What deploys this contract's creation code as a blueprint, from which others create it (ERC-5202)."""
        code = bytes.fromhex("fe7100") + self.bytecode
        # PUSH2 size, RETURNDATASIZE, DUP2, PUSH1 10, RETURNDATASIZE, CODECOPY, RETURN
        return b"\x61" + len(code).to_bytes(2, "big") + bytes.fromhex("3d81600a3d39f3") + code

    def constructor_types(self) -> list[str]:
        """The ABI types of the constructor's arguments."""
        for entry in self.abi:
            if entry["type"] == "constructor":
                return [_canonical(argument) for argument in entry["inputs"]]
        return []


def sources() -> Path:
    """The folder of the contracts' sources.

    :raises ToolchainError: the installation carries none
    """
    for home in _HOMES:
        if (home / "IndexVault.vy").is_file():
            return home
    raise ToolchainError("the contracts' sources are missing from this installation: install equipoise again")


@cache
def contract(name: str) -> Contract:
    """A contract by the name of its file, compiled now or out of the cache.

    :raises ToolchainError: no such contract, or it does not compile
    """
    home = sources()
    file = home / f"{name}.vy"
    if not file.is_file():
        known = ", ".join(sorted(path.stem for path in home.glob("*.vy")))
        raise ToolchainError(f"there is no contract {name}: the contracts are {known}")
    cached = cache_dir() / "contracts" / f"{name}-{_fingerprint(home)}.json"
    try:
        kept = json.loads(cached.read_text(encoding="utf-8"))
        return Contract(name, kept["abi"], bytes.fromhex(kept["bytecode"]))
    except (OSError, ValueError, KeyError, TypeError):
        compiled = _compile(file, home)
    _write(cached, json.dumps({"abi": compiled.abi, "bytecode": compiled.bytecode.hex()}))
    return compiled


def _fingerprint(home: Path) -> str:
    digest = hashlib.sha256()
    for package in ("vyper", "snekmate"):
        digest.update(f"{package}=={importlib.metadata.version(package)};{EVM_VERSION}\n".encode())
    for path in sorted([*home.glob("*.vy"), *home.glob("modules/*.vy"), *home.glob("interfaces/*.vyi")]):
        digest.update(f"{path.relative_to(home).as_posix()}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:32]


def _compile(file: Path, home: Path) -> Contract:
    from vyper.compiler import compile_from_file_input  # type: ignore[import-untyped]
    from vyper.compiler.input_bundle import FileInput, FilesystemInputBundle  # type: ignore[import-untyped]
    from vyper.compiler.settings import Settings  # type: ignore[import-untyped]
    from vyper.exceptions import VyperException  # type: ignore[import-untyped]

    # The last path is searched first.
    bundle = FilesystemInputBundle([_snekmate(), home.parent])
    source = bundle.load_file(file)
    assert isinstance(source, FileInput)
    try:
        output = compile_from_file_input(
            source,
            input_bundle=bundle,
            output_formats=["abi", "bytecode"],
            settings=Settings(evm_version=EVM_VERSION),
        )
    except VyperException as error:
        first = str(error).strip().splitlines()[0]
        raise ToolchainError(f"{file.name} does not compile: {first}; run `vyper {file}` to see where") from error
    return Contract(file.stem, output["abi"], bytes.fromhex(output["bytecode"].removeprefix("0x")))


def _snekmate() -> Path:
    spec = importlib.util.find_spec("snekmate")
    locations = list(spec.submodule_search_locations or []) if spec else []
    if not locations:
        raise ToolchainError("the package snekmate is missing: install equipoise again")
    return Path(locations[0]).parent


def _write(file: Path, text: str) -> None:
    """Whole or not at all: another process may read at the same moment."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=file.stem)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(text)
    Path(name).replace(file)


def _canonical(argument: dict[str, Any]) -> str:
    """`tuple[]` with its components written out."""
    kind: str = argument["type"]
    if not kind.startswith("tuple"):
        return kind
    inner = ",".join(_canonical(component) for component in argument["components"])
    return f"({inner}){kind.removeprefix('tuple')}"
