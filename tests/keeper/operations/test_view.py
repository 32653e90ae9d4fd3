"""What a person sees, on a terminal and off it."""

import io

import pytest
from event_samples import ACCOUNT, HASH, SAMPLES, VAULT
from rich.console import Console

from keeper.operations import events
from keeper.operations.events import Breaker, Failure, Outcome
from keeper.operations.view import Board, Lines, View, _left

NOW = 1_800_000_010
WAD = 10**18


def drawn(board) -> str:
    console = Console(file=io.StringIO(), width=250, color_system=None)
    console.print(board.draw())
    return console.file.getvalue()


@pytest.fixture
def board():
    return Board(lambda: NOW)


def test_board__before_anything__draws(board):
    assert "DRY RUN" in drawn(board)
    board(events.Started(True, ((1, VAULT),)))
    page = drawn(board)
    assert "ARMED" in page
    assert f"{VAULT[:6]}…{VAULT[-4:]}" in page


def test_board__of_every_sample__draws_what_matters(board):
    for event in SAMPLES:
        board(event)
        drawn(board)
    page = drawn(board)
    for text in (
        "IDX 0xaaaa…aaaa",
        "5,000",
        "2.00% / 0.50%",
        "WETH -5.00%",
        "STOP is there",
        "100",
        "0:10",
        "1 of 1",
        "0.1000",
    ):
        assert text in page, text
    assert ACCOUNT in page
    assert "nonce 7, 0:20" in page
    assert "reverted (0x11111111), 0:00 ago" in page


def test_board__a_wait__shows_why_and_counts_down(board):
    board(events.Decided(1, VAULT, "IDX", "wait", "the bound falls", NOW + 62))
    page = drawn(board)
    assert "wait" in page
    assert "the bound falls" in page
    assert "1:02" in page
    board(events.PlanFailed(1, VAULT, Failure.ORACLE, "WETH: its feed is stale"))
    page = drawn(board)
    assert "fails (oracle)" in page
    assert "WETH: its feed is stale" in page
    assert "1:02" not in page


def test_board__what_stops_acting__is_shown_until_it_is_over(board):
    board(events.Decided(1, VAULT, "IDX", "rebalance", "it pays"))
    board(events.BreakerTripped(Breaker.LOSS_BUDGET, f"1/{VAULT}", "x"))
    board(events.PassEnded(1, VAULT, Outcome.REFUSED, 0.1))
    page = drawn(board)
    assert "loss_budget" in page
    assert "held back" in page
    board(events.BreakerReset(Breaker.LOSS_BUDGET, f"1/{VAULT}", "a person"))
    board(events.BreakerTripped(Breaker.BROKEN, "all", "x"))
    page = drawn(board)
    assert "loss_budget" not in page
    assert "the breakers cannot be kept" in page
    board(events.KillSwitch(True, "STOP is there"))
    assert "STOPPED  STOP is there" in drawn(board)
    board(events.BreakerReset(Breaker.BROKEN, "all", "time"))
    board(events.KillSwitch(False))
    assert "STOPPED" not in drawn(board)


def test_board__a_quorum_that_fails_and_an_endpoint_that_is_out__are_shown(board):
    board(events.RpcAsked(1, "a", "m", 0.1, True))
    board(events.EndpointExcluded(1, "b", "x"))
    board(events.QuorumFailed(1, "x"))
    assert "1 of 2, no quorum" in drawn(board)


def test_board__a_forged_symbol__stays_in_its_cell(board):
    evil = "[red]E\n\x1b[2J\u202eH" + "x" * 500
    board(events.VaultRead(1, VAULT, evil, 1, 1, 1, 1, 1, False, (events.AssetRead("0x", evil, 1, 1, 1, 1),)))
    board(events.Decided(1, VAULT, evil, "wait", evil))
    page = drawn(board)
    assert "\x1b" not in page
    assert "\u202e" not in page
    assert "[red]E\\u000a" in page


def test_lines__say_what_changes_and_nothing_twice():
    console = Console(file=io.StringIO(), width=80, color_system=None)
    lines = Lines(console)
    wait = events.Decided(1, VAULT, "I\nDX", "wait", "the bound falls")
    for event in (wait, wait, *SAMPLES, wait):
        lines(event)
    said = console.file.getvalue().splitlines()
    assert said[0] == "I\\u000aDX 0xaaaa…aaaa: wait, the bound falls"
    assert sum("the bound falls" in line for line in said) == 3
    assert f"{VAULT}: confirmed ({HASH[:10]}) on chain 1" in said
    assert "stopped: STOP is there" in said
    assert "ends: signal" in said


def test_view__on_a_terminal__is_live_and_elsewhere_lines():
    terminal = Console(file=io.StringIO(), force_terminal=True, width=200, _environ={"TERM": "xterm"})
    with View(terminal, lambda: NOW) as view:
        view.listener(SAMPLES[0])
        assert isinstance(view.listener, Board)
    assert "ARMED" in terminal.file.getvalue()
    pipe = Console(file=io.StringIO())
    dumb = Console(file=io.StringIO(), force_terminal=True, _environ={"TERM": "dumb"})
    for console in (pipe, dumb):
        with View(console) as view:
            assert isinstance(view.listener, Lines)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-5, "0:00"), (59, "0:59"), (62, "1:02"), (3_723, "1:02:03"), (86_400 + 62, "1 d 0:01:02")],
)
def test_left__for_people(seconds, text):
    assert _left(seconds) == text
