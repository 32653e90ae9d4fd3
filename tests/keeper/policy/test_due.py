"""What the vault takes in its pull form."""

from dataclasses import replace

import pytest
from fake_chain import bare_snapshot

from keeper.chain.abi import Trigger
from keeper.chain.snapshot import Asset, Valuation
from keeper.policy import due

WAD = 10**18
ONE = 10**6


def vault(*balances: int) -> object:
    """Assets of 6 decimals at 1, 2 and 4 dollars, a third each of 3,000 dollars."""
    prices = (WAD, 2 * WAD, 4 * WAD)
    assets = tuple(
        Asset(name, name, 6, balance, WAD // 3 + (1 if name == "A" else 0), WAD // 50)
        for name, balance in zip("ABC", balances, strict=True)
    )
    return replace(
        bare_snapshot("0xV"),
        assets=assets,
        valuation=Valuation(prices, (0, 0, 0), 3_000 * WAD, WAD // 10, Trigger.BAND),
    )


BALANCES = 1_900 * ONE, 350 * ONE, 100 * ONE  # 1,900, 700 and 400 dollars: B lacks 150, C 150 of their own


def test_due__takes_no_more_than_the_bound_asks_in_the_callers_order() -> None:
    found = due(vault(*BALANCES), [("C", 10**12), ("B", 10**12)], 700 * WAD, WAD)
    assert found["C"] == pytest.approx(150 * ONE, abs=1)
    assert found["B"] == pytest.approx(50 * ONE, abs=1)
    found = due(vault(*BALANCES), [("B", 10**12), ("C", 10**12)], 700 * WAD, WAD)
    assert found["B"] == pytest.approx(150 * ONE, abs=1)
    assert found["C"] == pytest.approx(100 * ONE, abs=1)


def test_due__takes_no_more_than_is_offered() -> None:
    assert due(vault(*BALANCES), [("C", 7), ("B", 11)], 700 * WAD, WAD) == {"C": 7, "B": 11}


def test_due__rounds_up_what_the_caller_pays() -> None:
    # A dollar and a bit less than the next base unit.
    assert due(vault(*BALANCES), [("B", 10**12)], WAD + 1, WAD) == {"B": ONE // 2 + 1}


def test_due__bound_over_one__asks_for_more_of_what_is_lacking() -> None:
    (amount,) = due(vault(*BALANCES), [("C", 10**12)], 10_000 * WAD, WAD * 101 // 100).values()
    assert amount == pytest.approx(150 * ONE * 101 // 100, abs=2)
    (amount,) = due(vault(*BALANCES), [("C", 10**12)], 10_000 * WAD, WAD * 99 // 100).values()
    assert amount == pytest.approx(150 * ONE, abs=1)
