"""Pictures and numbers for people."""

import pytest

from keeper.cli.render import amount, band_bar, percent, usd

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


def test_numbers__read_as_people_write_them():
    assert usd(1_234_567 * WAD + WAD // 2) == "1,234,567.50 USD"
    assert percent(WAD // 3) == "33.33%"
    assert amount(123_456_789, 6) == "123.4568"
    assert amount(314_099_781_832, 6) == "314,099.78"
