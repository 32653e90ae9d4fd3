"""The mutation tool makes the faults it names, tells them from what cannot be told apart, and counts."""

import tomllib
from pathlib import Path

import pytest

from scripts import mutate
from scripts.mutate import Score, accepted_of, score, select
from scripts.proofs.branches import compile_source
from scripts.proofs.mutants import Mutant, hosts, mutants
from scripts.proofs.workshop import INVALID, KILLED, NOT_RUN, SAME, SURVIVED, TIMED_OUT, Verdict

SOURCE = '''# pragma version 0.4.3
from contracts.modules import wad

total: uint256

@internal
def _pay(amount: uint256, most: uint256) -> uint256:
    """
    @notice 1 + 1 in prose is no fault
    """
    due: uint256 = wad._mul_div_up(amount, 3, 7)
    assert due <= most, "toy: too much"  # amount + 1
    success: bool = False
    answer: Bytes[32] = b""
    success, answer = raw_call(self, b"", max_outsize=32, revert_on_failure=False)
    if not success:
        self.total -= min(due, self.total)
    wad._check(due)
    return due * 2 if due > 1 and most != 0 else (due + most) // 2
'''
WAD = """# pragma version 0.4.3
@internal
@pure
def _mul_div_up(x: uint256, y: uint256, z: uint256) -> uint256:
    return x
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project of one contract and two modules."""
    (tmp_path / "contracts" / "modules").mkdir(parents=True)
    (tmp_path / "contracts" / "modules" / "toy.vy").write_text(SOURCE)
    (tmp_path / "contracts" / "modules" / "wad.vy").write_text(WAD)
    (tmp_path / "contracts" / "Host.vy").write_text(
        "# pragma version 0.4.3\nfrom contracts.modules import wad\n\n@external\ndef f() -> uint256:\n"
        "    return wad._mul_div_up(1, 2, 3)\n"
    )
    return tmp_path


def changes(root: Path) -> set[tuple[str, str]]:
    return {(m.operator, m.after) for m in mutants(root, "contracts/modules/toy.vy")}


def test_mutants__of_a_source__are_the_ones_of_every_kind(root: Path) -> None:
    last = "return due * 2 if due > 1 and most != 0 else (due + most) // 2"
    subtract = "self.total -= min(due, self.total)"
    checked = 'assert due <= most, "toy: too much" # amount + 1'
    assert changes(root) == {
        ("rounding", "due: uint256 = wad._mul_div_down(amount, 3, 7)"),
        ("check left out", "pass # amount + 1"),
        ("comparison", checked.replace("<=", "<")),
        ("constant", 'success, answer = raw_call(self, b"", max_outsize=32, revert_on_failure=True)'),
        ("negation", "if success:"),
        ("arithmetic", subtract.replace("-=", "+=")),
        ("min and max", subtract.replace("min", "max")),
        ("write left out", "pass"),
        ("check left out", "pass"),
        ("arithmetic", last.replace("*", "//")),
        ("arithmetic", last.replace("+", "-")),
        ("arithmetic", last.replace("//", "*")),
        ("comparison", last.replace(">", ">=")),
        ("comparison", last.replace("!=", "==")),
        ("constant", last.replace("> 1", "> 0")),
        ("constant", last.replace("!= 0", "!= 1")),
        ("logic", last.replace("and", "or")),
        ("negation", last.replace("due > 1 and most != 0", "not (due > 1 and most != 0)")),
    }


def test_mutants__applied__change_nothing_but_their_lines(root: Path) -> None:
    for mutant in mutants(root, "contracts/modules/toy.vy"):
        before, after = SOURCE.splitlines(), mutant.applied(SOURCE).splitlines()
        differing = [i + 1 for i, (old, new) in enumerate(zip(before, after, strict=True)) if old != new]
        assert differing == [mutant.line]


def test_hosts__of_a_module__are_the_contracts_that_use_it(root: Path) -> None:
    assert hosts(root, "contracts/modules/wad.vy") == [root / "contracts" / "Host.vy"]
    assert hosts(root, "contracts/modules/toy.vy") == []
    assert hosts(root, "contracts/Host.vy") == [root / "contracts" / "Host.vy"]


@pytest.mark.parametrize("level", ["gas", "codesize", "none"])
def test_compile_source__at_a_level__overrules_the_pragma(root: Path, level: str) -> None:
    path = root / "contracts" / "Host.vy"
    path.write_text(path.read_text().replace("\n", "\n# pragma optimize codesize\n", 1))
    assert str(compile_source(root, path, level).settings.optimize) == level


def made(after: str, outcome: str) -> Verdict:
    return Verdict(Mutant("a.vy", 1, "constant", 0, 1, "1", "x = 0", after), outcome, "", 1.0)


def test_score__of_verdicts__leaves_out_what_says_nothing() -> None:
    verdicts = [
        made(f"x = {i}", outcome)
        for i, outcome in enumerate((KILLED, TIMED_OUT, SURVIVED, SURVIVED, INVALID, SAME, NOT_RUN))
    ]
    counts = score(verdicts, {("a.vy", "x = 0", "x = 3"): "never read"})
    assert counts == Score(killed=2, survived=1, accepted=1)
    assert (counts.of_all, counts.of_killable) == (2 / 4, 2 / 3)


def test_select__by_seed__draws_the_same_again_and_refuses_unknown_files(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mutate, "ROOT", root)
    monkeypatch.setattr(mutate, "PLAN", root / "mutation.toml")
    plan = {"tests": {"contracts/modules/toy.vy": ["tests"]}}
    assert select(plan, [], 5, 1) == select(plan, [], 5, 1) != select(plan, [], 5, 2)
    assert len(select(plan, [], None, 0)) == len(mutants(root, "contracts/modules/toy.vy"))
    with pytest.raises(SystemExit, match=r"Host\.vy: name tests for it"):
        select(plan, ["contracts/Host.vy"], None, 0)


def test_accepted__of_a_mutant_that_is_gone_or_without_a_reason__is_refused(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mutate, "ROOT", root)
    file = "contracts/modules/toy.vy"
    entry = {"file": file, "before": "if not success:", "after": "if success:", "reason": "a toy"}
    assert accepted_of({"survivor": [entry]}, [file]) == {(file, "if not success:", "if success:"): "a toy"}
    for change in ({"before": "if no success:"}, {"reason": ""}):
        with pytest.raises(SystemExit, match="correct or delete the entry"):
            accepted_of({"survivor": [entry | change]}, [file])


def test_plan__names_every_contract_and_module_and_tests_that_exist() -> None:
    plan = tomllib.loads(mutate.PLAN.read_text())
    contracts = mutate.ROOT / "contracts"
    files = [*contracts.glob("*.vy"), *(contracts / "modules").glob("*.vy")]
    assert set(plan["tests"]) == {path.relative_to(mutate.ROOT).as_posix() for path in files}
    for path in {path for paths in plan["tests"].values() for path in paths}:
        assert (mutate.ROOT / path).exists(), path
