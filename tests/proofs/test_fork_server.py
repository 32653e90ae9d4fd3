"""Runs on other bytecode notice a fault that is known, no fault where there is none, and nothing of each other."""

import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from scripts.mutate import ROOT
from scripts.proofs.build import forget_stale
from scripts.proofs.fork_server import BROKEN, FAILED, PASSED, Report, Request, Server, roots, within
from scripts.proofs.fork_server import TIMED_OUT as OUT_OF_TIME
from scripts.proofs.mutants import Mutant, mutants
from scripts.proofs.workshop import KILLED, NOT_RUN, SAME, SURVIVED, Workshop, _build

FILE = "contracts/modules/keepers.vy"
TESTS = "tests/unit/rebalancer/test_keepers.py"
KILLER = f"{TESTS}::test_head_start__last_second__keeper_fills_and_stranger_does_not"
OTHER = f"{TESTS}::test_set_keepers__nobody__changes_nothing"


def mutant(after: str) -> Mutant:
    return next(found for found in mutants(ROOT, FILE) if found.after == after)


def built_before(root: Path) -> Path:
    """What ape built of a project whose sources have changed since."""
    (root / "contracts" / "interfaces").mkdir(parents=True)
    (root / "contracts" / "interfaces" / "I.vyi").write_text("# one")
    (root / ".build").mkdir()
    (root / ".build" / "sources.sha256").write_text("of others")
    built = root / ".build" / "__local__.json"
    built.write_text("{}")
    return built


def block_time(server: Server) -> int:
    """The time of the next block of the node that the server's tests run on."""
    (node,) = (
        process
        for process in psutil.Process(server._process.pid).children(recursive=True)
        if "anvil" in process.name() and "--fork-url" in process.cmdline()
    )
    arguments = node.cmdline()
    url = f"http://127.0.0.1:{arguments[arguments.index('--port') + 1]}"
    requests.post(url, json={"jsonrpc": "2.0", "id": 1, "method": "evm_mine", "params": []}, timeout=60)
    body = {"jsonrpc": "2.0", "id": 1, "method": "eth_getBlockByNumber", "params": ["latest", False]}
    return int(requests.post(url, json=body, timeout=60).json()["result"]["timestamp"], 16)


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    """Two tests of one module, and the contracts as they are passed them."""
    with Workshop(ROOT, tmp_path_factory.mktemp("workshop"), {FILE: [OTHER, KILLER]}, [], 1) as workshop:
        workshop.control()
        yield workshop


@pytest.fixture
def server(workshop: Workshop) -> Iterator[Server]:
    """The workshop's only one."""
    server = workshop._servers.get()
    yield server
    workshop._servers.put(server)


@pytest.mark.long
def test_judge__known_fault__is_killed_by_the_test_that_sees_it_and_no_fault_is_the_same(workshop: Workshop) -> None:
    check_left_out = mutant("pass")
    nothing = replace(check_left_out, end=check_left_out.start, replacement="")
    verdicts = {verdict.mutant: verdict for verdict in workshop.judge([check_left_out, nothing])}
    assert (verdicts[check_left_out].outcome, verdicts[check_left_out].killer) == (KILLED, KILLER)
    assert (verdicts[nothing].outcome, verdicts[nothing].killer) == (SAME, "")


@pytest.mark.long
def test_server__asked_for_tests_that_are_not_there__says_so(server: Server) -> None:
    report = server.ask(Request(("tests/unit/index_vault",)))
    assert (report.outcome, report.output) == (BROKEN, "no test within tests/unit/index_vault was collected")


@pytest.mark.long
def test_workshop__every_run_fails__stops_at_the_control_and_counts_nothing_as_killed(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: Any, request: Request) -> Report:
        return Report(FAILED, ("a test of its own",), "it failed")

    monkeypatch.setattr(Server, "ask", fail)
    with pytest.raises(SystemExit, match="fail their tests as they are: a test of its own"):
        workshop.control()
    assert [verdict.outcome for verdict in workshop.judge([mutant("pass")])] == [NOT_RUN]


@pytest.mark.long
def test_judge__fault_that_none_sees__survives(workshop: Workshop) -> None:
    a_second_later = mutant("if head_start != 0 and block.timestamp <= opened_at + head_start:")
    assert [(found.outcome, found.killer) for found in workshop.judge([a_second_later])] == [(SURVIVED, "")]


@pytest.mark.long
def test_server__after_a_run_on_bytecode_that_does_nothing__passes_on_what_is_there(server: Server) -> None:
    report = server.ask(Request((OTHER, KILLER), {"Rebalancer": b"\xfe"}))
    assert (report.outcome, report.tests) == (FAILED, (OTHER,))
    report = server.ask(Request((OTHER, KILLER), first=(KILLER,)))
    assert (report.outcome, report.tests) == (PASSED, (KILLER, OTHER))


@pytest.mark.long
def test_server__run_takes_too_long__ends_it_and_starts_anew(server: Server) -> None:
    assert server.ask(Request((OTHER,), seconds=0.05)).outcome == OUT_OF_TIME
    assert server.ask(Request((OTHER,))).outcome == PASSED


@pytest.mark.long
def test_server__its_nodes_are_gone__says_nothing_of_the_bytecode(server: Server) -> None:
    assert server.ask(Request((OTHER,))).outcome == PASSED
    for process in psutil.Process(server._process.pid).children(recursive=True):
        if "anvil" in process.name():
            process.kill()
    assert server.ask(Request((OTHER,))).outcome == BROKEN
    assert server.ask(Request((OTHER,))).outcome == PASSED


@pytest.mark.long
def test_server__after_a_test_that_failed__time_passes_on_its_node_again(workshop: Workshop, server: Server) -> None:
    made, _ = workshop._compilers.submit(_build, mutant("pass")).result()
    assert made
    report = server.ask(Request((KILLER, OTHER), made))
    assert (report.outcome, report.last) == (FAILED, KILLER)
    before = block_time(server)
    time.sleep(1.1)  # a block's time is in whole seconds
    assert before < block_time(server)


@pytest.mark.long
def test_server__bytecode_of_a_contract_that_is_not_built__says_which(server: Server) -> None:
    report = server.ask(Request((OTHER,), {"Nobody": b"\xfe"}))
    assert report.outcome == BROKEN
    assert "Nobody: ape has not built it" in report.output


def test_forget_stale__nothing_changed__keeps_what_was_built(tmp_path: Path) -> None:
    built = built_before(tmp_path)
    forget_stale(tmp_path)
    assert not built.exists()
    built.write_text("{}")
    forget_stale(tmp_path)
    assert built.exists()


def test_forget_stale__interface_changed__forgets_all(tmp_path: Path) -> None:
    built = built_before(tmp_path)
    forget_stale(tmp_path)
    built.write_text("{}")
    (tmp_path / "contracts" / "interfaces" / "I.vyi").write_text("# another")
    forget_stale(tmp_path)
    assert not built.exists()


def test_workshop__sources_changed_since_they_were_built__builds_all_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "root"
    built_before(root)
    kept = []
    monkeypatch.setattr(subprocess, "run", lambda *_, cwd, **__: kept.extend((cwd / ".build").glob("*.json")))
    with Workshop(root, tmp_path / "workshop", {}, [], 1) as workshop:
        assert (workshop._project / "contracts" / "interfaces" / "I.vyi").exists()
    assert kept == []


@pytest.mark.parametrize("path", ["tests", "tests/a", "tests/a/b.py", "tests/a/b.py::c", "tests/a/b.py::c[1-d]"])
def test_within__path_of_a_test__is_meant(path: str) -> None:
    assert within("tests/a/b.py::c[1-d]", path)


@pytest.mark.parametrize("path", ["test", "tests/a/b", "tests/a/b.py::", "tests/a/b.py::c[1", "a/b.py"])
def test_within__path_of_another__is_not(path: str) -> None:
    assert not within("tests/a/b.py::c[1-d]", path)


def test_roots__of_paths_within_one_another__are_the_outer_ones() -> None:
    assert roots(["a/b.py", "a", "ab/c.py", "d", "a", "d/e.py::f"]) == ["a", "ab/c.py", "d"]
