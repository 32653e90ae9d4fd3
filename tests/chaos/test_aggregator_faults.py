"""Aggregators that fail, dawdle or lie while the loop asks them: the rebalance goes over own pools, in the same pass."""

import os
import re
import socket
from pathlib import Path

import pytest
from aggregator_server import FakeAggregator, Reply

from chaos import evidence
from keeper.aggregators import cow, kyberswap, openocean, velora

VENUES = {"cow": cow, "kyberswap": kyberswap, "openocean": openocean, "velora": velora}
PATIENCE = {"enabled": tuple(VENUES), "timeout_s": 1.0, "quotes_per_s": 100.0}
ATTACKER = "0x6666666666666666666666666666666666666666"
ROUTE = {"tokenIn": ATTACKER, "tokenOut": ATTACKER, "amountIn": "1", "amountOut": str(2**255)}

# What each answers, and what the ledger must say of it afterwards.
FAULTS = {
    "is down": (Reply({"message": "internal"}, status=500), "try again later"),
    "limits the rate": (
        Reply({"message": "slow"}, status=429, headers={"Retry-After": "3600"}),
        "refuses more requests",
    ),
    "wants a key": (Reply({"message": "unauthorized"}, status=401), "check its key"),
    "redirects to the inside": (
        Reply(status=302, headers={"Location": "http://169.254.169.254/latest/meta-data"}),
        "redirect .* not followed",
    ),
    "answers with a page": (Reply(b"<html><body>Attention required</body></html>"), "not JSON"),
    "answers with nothing": (Reply(b""), "not JSON"),
    "answers with noise": (Reply(os.urandom(4096)), "not JSON"),
    "answers with a deep answer": (Reply(b"[" * 500_000), "not JSON"),
    "answers with a huge answer": (Reply(b" " * 40_000_000), "more than 2097152 bytes"),
    "answers in drips": (Reply({"data": "x" * 4_096}, drip_s=0.2), "no (answer in|quote within) 1 s"),
    "answers in another shape": (
        Reply({"code": 0, "data": None, "priceRoute": [], "quote": "cheap"}),
        "not as documented|mend the request",
    ),
    "answers with a route of its own": (
        Reply({"code": 0, "data": {"routeSummary": ROUTE, "routerAddress": ATTACKER}}),
        "not as documented|mend the request",
    ),
}


@pytest.fixture
def aggregator(monkeypatch):
    """One server in the place of all of them."""
    with FakeAggregator().running() as found:
        for module in VENUES.values():
            monkeypatch.setattr(module, "URL", found.url)
        yield found


def fills_by_itself(stage) -> None:
    with stage.keeper(aggregators=PATIENCE) as keeper:
        late = [stage.tick(keeper) for _ in range(2)]
    assert stage.fills == 1, late
    assert stage.faults() == []


def assert_told(stage, why: str) -> None:
    """The ledger has a reason of this kind for each venue."""
    told = evidence.left_out(stage.site.ledger)
    for venue in VENUES:
        reasons = {reason for way, reason in told.items() if way.startswith(f"{venue} for ")}
        assert any(re.search(why, reason) for reason in reasons), (venue, reasons)


@pytest.mark.parametrize("fault", FAULTS)
def test_aggregator__that_fails__keeps_no_rebalance_waiting(stage, aggregator: FakeAggregator, fault):
    reply, why = FAULTS[fault]
    aggregator.answer(reply)
    fills_by_itself(stage)
    assert aggregator.asked
    assert_told(stage, why)


def test_aggregator__that_is_not_there__keeps_no_rebalance_waiting(stage, monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    for module in VENUES.values():
        monkeypatch.setattr(module, "URL", url)
    fills_by_itself(stage)
    assert_told(stage, "cannot be reached")


def test_aggregator__that_is_asked__is_told_nothing_of_the_key(stage, aggregator: FakeAggregator):
    aggregator.answer(FAULTS["is down"][0])
    fills_by_itself(stage)
    key = stage.site.key.removeprefix("0x")
    assert not any(key in str(asked) for asked in aggregator.asked)
    assert key not in Path(stage.site.settings().operations.log_file).read_text()
