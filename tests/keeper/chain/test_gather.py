"""How long several endpoints are waited for."""

from threading import Event
from types import SimpleNamespace
from typing import Any

import pytest

from keeper.chain import gather
from keeper.chain.member import Said


@pytest.fixture
def stuck(monkeypatch: pytest.MonkeyPatch) -> Any:
    """An endpoint that answers once the test is over, and nobody loses patience meanwhile."""
    monkeypatch.setattr(gather, "HEDGE_S", 60.0)
    over = Event()
    yield over
    over.set()


def asked(over: Event, missing: int, names: str) -> list[str]:
    """Who is heard of so many endpoints; `missing` answers are needed, and two are enough. C answers last."""

    def ask(member: Any) -> Said:
        if member.name == "C":
            over.wait(60)
        return Said(member, 1)

    said = gather.gather(
        ask,
        [SimpleNamespace(name=name) for name in names],
        missing=lambda said: missing - len(said),
        at_first=len(names),
        enough=lambda said: len(said) >= 2,
    )
    assert not over.is_set()
    return sorted(each.member.name for each in said)


@pytest.mark.parametrize("names", ["ABC", "CAB"])
def test_gather__when_enough_is_there__leaves_who_is_slow_behind_long_before_it_would_ask_another(stuck, names):
    assert asked(stuck, 3, names) == ["A", "B"]


def test_gather__when_nothing_is_missing__waits_for_nobody(stuck):
    assert asked(stuck, 2, "ABC") == ["A", "B"]
