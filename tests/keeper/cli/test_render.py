"""Pictures and numbers for people."""

import pytest
from fake_chain import bare_snapshot

from keeper.chain.abi import Trigger
from keeper.chain.snapshot import Asset, Schedule, Valuation
from keeper.cli.render import amount, band_bar, exact_amount, percent, usd, weights_table

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
