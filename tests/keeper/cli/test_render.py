"""Pictures and numbers for people."""

import re
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from fake_chain import bare_snapshot
from rich.console import Console

from keeper.aggregators import pins
from keeper.aggregators.ask import LeftOut
from keeper.chain.abi import Trigger
from keeper.chain.snapshot import Asset, Schedule, Valuation
from keeper.cli import render
from keeper.cli.payload import of_alternatives, of_plan
from keeper.cli.render import alternatives_table, amount, band_bar, exact_amount, percent, plan_view, usd, weights_table
from keeper.execution import plan as execution_plan
from keeper.execution.plan import Call
from keeper.execution.simulate import Simulation
from keeper.policy import Decision, Kind
from keeper.routing import Leg, Route
from keeper.services.alternatives import Alternatives, Candidate
from keeper.services.plan import Plan

WAD = 10**18
TARGET, BAND = 3 * WAD // 10, WAD // 40


@pytest.mark.parametrize(
    ("off", "bar"),
    [
        (0, "·······[──────●──────]·······"),
        (BAND, "·······[──────|──────●·······"),
        (-BAND // 2, "·······[──●───|──────]·······"),
        (2 * BAND, "·······[──────|──────]······●"),
        (3 * BAND, "·······[──────|──────]······►"),
        (-3 * BAND, "◄······[──────|──────]·······"),
    ],
)
def test_band_bar__marks_the_weight(off, bar):
    assert band_bar(TARGET + off, TARGET, BAND).plain == bar


@pytest.mark.parametrize(("off", "style"), [(BAND, "bold green"), (BAND + 1, "bold red"), (-BAND - 1, "bold red")])
def test_band_bar__is_red_outside_the_band(off, style):
    assert style in {str(span.style) for span in band_bar(TARGET + off, TARGET, BAND).spans}


@pytest.mark.parametrize(
    ("end", "cells"), [(1, ["50.00% ± 2.00%", "50.00% ± 2.00%"]), (2, ["50.00% → 25.00% ± 2.00%", "50.00% ± 2.00%"])]
)
def test_weights_table__while_targets_move__shows_where_they_lead(end, cells):
    assets = tuple(Asset(f"0x{name}", name, 18, WAD, WAD // 2, WAD // 50) for name in "AB")
    valuation = Valuation((WAD, WAD), (WAD // 2, WAD // 2), 2 * WAD, 0, Trigger.NONE)
    schedule = Schedule((WAD // 4, WAD // 2), 0, end)  # the snapshot's block is of second 1
    table = weights_table(bare_snapshot("0xV", assets=assets, valuation=valuation, schedule=schedule), "Now")
    (column,) = (column for column in table.columns if column.header == "target ± band")
    assert list(column.cells) == cells
    assert ("Targets move" in str(table.caption)) == (end == 2)


def test_venues__where_routes_swap__have_the_same_names_here_and_on_the_page():
    words = (Path(__file__).parents[3] / "web/src/words.ts").read_text()
    table = words[words.index("const VENUES") :].split("};")[0]
    assert dict(re.findall(r'^  (\w+): "(.+)",$', table, re.MULTILINE)) == render._VENUES
    # Two aggregators are called what people call them.
    assert render._VENUES.keys() == execution_plan._VENUES.keys() | pins.PINS.keys() - {pins.ZEROX, pins.ONEINCH}


def test_numbers__read_as_people_write_them():
    assert usd(1_234_567 * WAD + WAD // 2) == "1,234,567.50 USD"
    assert percent(WAD // 3) == "33.33%"
    assert amount(123_456_789, 6) == "123.4568"
    assert amount(314_099_781_832, 6) == "314,099.78"


@pytest.mark.parametrize(
    ("base_units", "decimals", "text"),
    [
        (1_234_567_000_000_000_000_000_001, 18, "1,234,567.000000000000000001"),
        (100 * 10**6, 6, "100"),
        (1, 6, "0.000001"),
        (1_500_000, 6, "1.5"),
        (7, 0, "7"),
    ],
)
def test_exact_amount__keeps_every_digit(base_units, decimals, text):
    assert exact_amount(base_units, decimals) == text


CALL = Call("rebalance", "0xV", "0xE", b"")
WAYS = Alternatives(
    (
        Candidate("1inch for WETH→USDC", CALL, Simulation(800_000, 1_000 * WAD, 1_012 * WAD), 10 * WAD),
        Candidate("own pools", CALL, Simulation(700_000, 1_000 * WAD, 1_009 * WAD), 8 * WAD),
        Candidate("velora for WETH→[b]ODD[/b]", left_out="reverts: [red]no[/red]"),
    ),
    "vault",
    (LeftOut("0x", "0xA", "0xB", "0x has [red]no[/red] route"),),
    ("WETH for USDC: the best that can be done is 40 bps below cow's price",),
)


def shown(plan: Plan) -> str:
    console = Console(width=200, record=True, file=StringIO())
    console.print(plan_view(plan))
    return console.export_text()


def test_plan_view__shows_the_ways_and_what_was_not_taken_with_no_markup_of_strangers():
    plan = Plan(bare_snapshot("0xV"), 1, Decision(Kind.REBALANCE, "so"), alternatives=WAYS)
    text = shown(plan)
    for part in (
        "Ways to do it, by what the vault ends with",
        "10.00 USD",
        "1,012.00 USD",
        "velora for WETH→[b]ODD[/b]",
        "reverts: [red]no[/red]",
        "Not taken: 0x has [red]no[/red] route",
        "Worse than the reference: WETH for USDC",
    ):
        assert part in text


def test_plan_view__shows_the_swaps_of_another_way_than_the_route():
    own, other = (Leg(f"0x{n}", venue, "0xA", "0xB", 1, 1, WAD, 0) for n, venue in ((1, "curve"), (2, "1inch")))
    route = Route((own,), {}, {}, 0, 0, 0)
    for legs, title in (((own,), False), ((other,), True)):
        call = replace(CALL, legs=legs)
        decision = Decision(Kind.REBALANCE, "so")
        plan = Plan(bare_snapshot("0xV"), 1, decision, route, call=call, alternatives=WAYS)
        assert ("Swaps of the first" in shown(plan)) is title
        assert [leg["venue"] for leg in of_plan(plan)["call_legs"]] == [leg.venue for leg in legs]


def test_plan_view__without_a_choice__shows_no_table():
    alone = Alternatives(WAYS.candidates[1:2], "vault")
    assert "Ways" not in shown(Plan(bare_snapshot("0xV"), 1, Decision(Kind.REBALANCE, "so"), alternatives=alone))
    assert alternatives_table(alone).row_count == 1
    assert (alone.reason, alone.had_choice) == (None, False)


def test_alternatives__say_by_how_much_the_best_is_better():
    assert WAYS.reason == "1inch for WETH→USDC leaves the vault 2.00 USD more than own pools"


def test_of_alternatives__has_every_way_and_reason():
    found = of_alternatives(WAYS)
    assert found["beneficiary"] == "vault"
    assert [each["worth_usd"] for each in found["candidates"]] == [10.0, 8.0, None]
    assert found["candidates"][0] == {
        "name": "1inch for WETH→USDC",
        "worth_usd": 10.0,
        "value_out": 1000.0,
        "value_in": 1012.0,
        "gas": 800_000,
        "left_out": None,
    }
    assert found["candidates"][2]["left_out"] == "reverts: [red]no[/red]"
    assert found["quotes_left_out"] == [
        {"venue": "0x", "sell_token": "0xA", "buy_token": "0xB", "reason": "0x has [red]no[/red] route"}
    ]
    assert found["warnings"] == list(WAYS.warnings)
