"""The coverage tool reports exactly the branches that calls take, by what they mean in the source."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from devnet import anvil
from devnet.box import Box, calldata
from scripts.coverage import Coverage, known_unreachable, sides_of, told
from scripts.proofs.branches import Code, analyse, compile_source
from scripts.proofs.tracer import Tracer, watched

CHECK = """
@internal
@pure
def _require(condition: bool, reason: String[32]):
    if not condition:
        raw_revert(abi_encode(reason, method_id=method_id("Error(string)")))
"""

TOY = """
# pragma version 0.4.3
# pragma optimize {optimize}
from contracts import check

list: DynArray[uint256, 3]
last: uint256

@deploy
def __init__(x: uint256):
    assert x != 7, "toy: seven"

@external
@view
def chain(x: uint256) -> uint256:
    if x == 0:
        return 10
    elif x == 1:
        return 11
    else:
        return 12

@external
@view
def arms(x: uint256) -> uint256:
    z: uint8 = 4
    y: uint256 = x + convert(z if x > 2 else 0, uint256)
    if x < 5:
        y += 1
    else:
        y += 2
    return y

@external
@view
def all_of(a: bool, b: bool, c: bool, d: bool) -> bool:
    assert a and b and c and d, "toy: not all"
    return True

@external
@view
def any_of(a: bool, b: bool, c: bool) -> uint256:
    if not (a or (b and c)):
        return 1
    return 0

@external
@view
def shared(x: uint256) -> uint256:
    check._require(x > 1, "toy: low")
    check._require(x < 9 and x != 5, "toy: high")
    return x

@external
@view
def loops(x: uint256) -> uint256:
    total: uint256 = 0
    for i: uint256 in range(x, bound=4):
        if i == 1:
            continue
        total += i
    for element: uint256 in self.list:
        total += element
    return total

@external
def note(x: uint256):
    if x == 3:
        return
    self.last = x
"""


@pytest.fixture(scope="module")
def chain_url() -> Iterator[str]:
    """A node of its own that keeps steps, as ape's does."""
    port = anvil.free_port()
    process = anvil.start(port, "--steps-tracing")
    yield f"http://127.0.0.1:{port}"
    anvil.stop(process)


class Toy:
    """The toy deployed under a tracer, called by signature, its outcomes by the text of the branch."""

    def __init__(self, codes: tuple[Code, Code], creation: bytes, url: str) -> None:
        self.codes, self.creation = codes, creation
        self.tracer = Tracer(list(codes))
        self.box = Box(url)
        self.sender = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
        self.address = self.deploy(0)

    def deploy(self, x: int) -> str:
        with watched(self.tracer):
            receipt = self.box.transact(self.sender, None, self.creation + x.to_bytes(32, "big"))
        return str(receipt["contractAddress"])

    def call(self, signature: str, *arguments: object) -> None:
        """A call, that may revert."""
        request = {"to": self.address, "data": "0x" + calldata(signature, *arguments).hex()}
        body = {"jsonrpc": "2.0", "id": 1, "method": "eth_call", "params": [request, "latest"]}
        with watched(self.tracer):
            requests.post(self.box.url, json=body, timeout=10)

    def outcomes(self, text: str, kind: str | None = None) -> set[bool]:
        """What has been taken of the branches with this text."""
        named = {b for code in self.codes for b in code.branches() if b.text == text and kind in (None, b.kind)}
        assert named, text
        return {outcome for branch, outcome in self.tracer.taken if branch in named}


@pytest.fixture(scope="module", params=["gas", "codesize"])
def compiled(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[tuple[Code, Code], bytes]:
    """The toy's branches and its creation code, at either level that is deployed."""
    root = tmp_path_factory.mktemp("toy")
    (root / "contracts").mkdir()
    (root / "contracts" / "check.vy").write_text(CHECK)
    path = root / "contracts" / "Toy.vy"
    path.write_text(TOY.format(optimize=request.param))
    return analyse(root, path), compile_source(root, path).bytecode


@pytest.fixture
def toy(compiled: tuple[tuple[Code, Code], bytes], chain_url: str) -> Toy:
    return Toy(*compiled, chain_url)


def test_branches__of_each_kind__are_told_by_their_meaning(toy: Toy) -> None:
    assert toy.outcomes("x != 7") == {True}
    toy.call("chain(uint256)", 1)
    assert toy.outcomes("x == 0") == {False}
    assert toy.outcomes("x == 1") == {True}
    toy.call("chain(uint256)", 2)
    assert toy.outcomes("x == 1") == {True, False}

    toy.call("arms(uint256)", 3)
    assert toy.outcomes("x > 2") == {True}
    assert toy.outcomes("x < 5") == {True}
    toy.call("arms(uint256)", 9)
    assert toy.outcomes("x < 5") == {True, False}

    toy.call("note(uint256)", 3)
    assert toy.outcomes("x == 3") == {True}
    assert toy.tracer.untraced == []


def test_operands__of_and__are_told_one_by_one(toy: Toy) -> None:
    toy.call("all_of(bool,bool,bool,bool)", True, True, False, True)
    assert [toy.outcomes(operand, "and") for operand in ("a", "b", "c", "d")] == [{True}, {True}, {False}, set()]
    assert toy.outcomes("a and b and c and d") == {False}
    toy.call("all_of(bool,bool,bool,bool)", True, True, True, False)
    assert toy.outcomes("d", "and") == {False}
    toy.call("all_of(bool,bool,bool,bool)", True, True, True, True)
    assert toy.outcomes("d", "and") == {False, True}
    assert toy.outcomes("a and b and c and d") == {False, True}
    assert toy.outcomes("a", "and") == {True}


def test_operands__within_one_another_and_under_a_not__are_told_one_by_one(toy: Toy) -> None:
    toy.call("any_of(bool,bool,bool)", False, True, False)
    assert toy.outcomes("not (a or (b and c))") == {True}
    assert toy.outcomes("a", "or") == {False}
    assert toy.outcomes("b", "and") == {True}
    assert toy.outcomes("c", "and") == {False}
    toy.call("any_of(bool,bool,bool)", True, True, True)
    assert toy.outcomes("not (a or (b and c))") == {True, False}
    assert toy.outcomes("a", "or") == {True, False}
    assert toy.outcomes("c", "and") == {False}


def test_calls_of_a_shared_check__each__count_for_themselves(toy: Toy) -> None:
    toy.call("shared(uint256)", 9)
    assert toy.outcomes('check._require(x > 1, "toy: low")') == {True}
    assert toy.outcomes('check._require(x < 9 and x != 5, "toy: high")') == {False}
    assert toy.outcomes("x < 9", "and") == {False}
    assert toy.outcomes("x != 5", "and") == set()
    toy.call("shared(uint256)", 5)
    assert toy.outcomes("x != 5", "and") == {False}


def test_loops__over_nothing_and_over_something__are_skipped_and_entered(toy: Toy) -> None:
    toy.call("loops(uint256)", 0)
    assert toy.outcomes("range(x, bound=4)") == toy.outcomes("self.list") == {False}
    assert toy.outcomes("i == 1") == set()
    toy.call("loops(uint256)", 1)
    assert toy.outcomes("range(x, bound=4)") == {True, False}
    assert toy.outcomes("i == 1") == {False}


def test_report__of_a_branch_that_no_call_takes__names_it_and_what_is_known_does_not_count(toy: Toy) -> None:
    for x in (1, 2, 9):
        toy.call("shared(uint256)", x)
    sides = sides_of(toy.codes)
    coverage = Coverage(sides, frozenset(toy.tracer.taken), {})
    lines = [told(*side) for side in coverage.missed if side[0].kind == "and" and "x " in side[0].text]
    assert lines == ["contracts/Toy.vy:51:30: and, never false: x != 5"]
    assert coverage.by_file()["contracts/check.vy"] == (2, 2)

    entry = {
        "file": "contracts/Toy.vy",
        "kind": "and",
        "text": "x != 5",
        "outcome": False,
        "reason": "toys have no five",
    }
    known = known_unreachable(sides, [entry])
    assert known == known_unreachable(sides, [entry | {"functions": ["shared"]}])
    assert set(known) == {side for side in coverage.missed if told(*side) in lines}
    assert len(Coverage(sides, coverage.taken, known).missed) == len(coverage.missed) - 1


def test_analyse__without_optimisation__is_refused(tmp_path: Path) -> None:
    path = tmp_path / "Toy.vy"
    path.write_text("# pragma version 0.4.3\n# pragma optimize none\n")
    with pytest.raises(ValueError, match=r"Toy\.vy.*pragma optimize"):
        analyse(tmp_path, path)


@pytest.mark.parametrize(
    "change", [{"text": "x != 6"}, {"reason": ""}, {"functions": ["loops"]}, {"functions": ["shared", "loops"]}]
)
def test_known_unreachable__of_no_branch_or_without_a_reason__is_refused(toy: Toy, change: dict[str, Any]) -> None:
    entry = {"file": "contracts/Toy.vy", "kind": "and", "text": "x != 5", "outcome": False, "reason": "no five"}
    with pytest.raises(SystemExit, match="correct or delete the entry"):
        known_unreachable(sides_of(toy.codes), [entry | change])
