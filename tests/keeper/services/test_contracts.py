"""Compiled contracts and their cache."""

import json

import pytest

from keeper import contracts
from keeper.errors import ToolchainError


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache, and a count of compilations that cost nothing."""
    compiled = []

    def compile_(file, home):
        compiled.append(file.name)
        return contracts.Contract(file.stem, [{"type": "function", "name": "f"}], b"\x01")

    monkeypatch.setenv("EQUIPOISE_CACHE", str(tmp_path))
    monkeypatch.setattr(contracts, "_compile", compile_)
    contracts.contract.cache_clear()
    yield tmp_path, compiled
    contracts.contract.cache_clear()


def again(name: str) -> contracts.Contract:
    """As another process would see it."""
    contracts.contract.cache_clear()
    return contracts.contract(name)


def test_contract__when_nothing_changed__compiles_once(cache):
    _, compiled = cache
    assert again("RouteExecutor") == again("RouteExecutor")
    assert compiled == ["RouteExecutor.vy"]


def test_contract__when_a_source_or_the_compiler_changes__compiles_again(cache, monkeypatch):
    _, compiled = cache
    again("RouteExecutor")
    monkeypatch.setattr(contracts, "_fingerprint", lambda home: "another")
    again("RouteExecutor")
    assert len(compiled) == 2


def test_fingerprint__covers_modules_and_interfaces(tmp_path):
    for name in ("IndexVault.vy", "modules/wad.vy", "interfaces/I.vyi"):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text("a")
    prints = [contracts._fingerprint(tmp_path)]
    for name in ("IndexVault.vy", "modules/wad.vy", "interfaces/I.vyi"):
        (tmp_path / name).write_text("b")
        prints.append(contracts._fingerprint(tmp_path))
    assert len(set(prints)) == 4


@pytest.mark.parametrize("text", ["", "{", "{}", '{"abi": [], "bytecode": "zz"}', "[]"])
def test_contract__when_the_cache_is_damaged__compiles_again_and_mends_it(cache, text):
    folder, compiled = cache
    again("RouteExecutor")
    (kept,) = (folder / "contracts").iterdir()
    kept.write_text(text)
    assert again("RouteExecutor").bytecode == b"\x01"
    assert len(compiled) == 2
    assert json.loads(kept.read_text())["bytecode"] == "01"


def test_contract__when_there_is_none_of_that_name__names_those_that_are(cache):
    with pytest.raises(ToolchainError, match=r"there is no contract Nonsense: the contracts are .*IndexVault"):
        contracts.contract("Nonsense")


def test_contract__when_it_does_not_compile__says_so_in_one_line(tmp_path):
    (tmp_path / "contracts").mkdir()
    file = tmp_path / "contracts" / "Broken.vy"
    file.write_text("# pragma version 0.4.3\nx: nonsense\n")
    with pytest.raises(ToolchainError, match=r"^Broken\.vy does not compile: .*; run `vyper .*Broken\.vy`") as caught:
        contracts._compile(file, file.parent)
    assert "\n" not in str(caught.value)


def test_blueprint_initcode__returns_the_creation_code_behind_the_preamble():
    compiled = contracts.Contract("X", [], bytes(range(1, 200)) * 3)
    initcode = compiled.blueprint_initcode()
    kept = bytes.fromhex("fe7100") + compiled.bytecode
    # Ten bytes that copy all that follows them and return it, and then that.
    assert initcode == bytes.fromhex(f"61{len(kept):04x}3d81600a3d39f3") + kept
    assert len(initcode) == 10 + len(kept)


def test_constructor_types__writes_tuples_out():
    inputs = [{"type": "address"}, {"type": "tuple[]", "components": [{"type": "uint256"}, {"type": "bool"}]}]
    compiled = contracts.Contract("X", [{"type": "constructor", "inputs": inputs}], b"")
    assert compiled.constructor_types() == ["address", "(uint256,bool)[]"]
