"""Prices on an axis of time: what is refused, and what is cut out of them."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keeper.errors import EquipoiseError, HistoryError
from keeper.history import PriceHistory, PricePaths

TIMES = np.array([0, 60, 120, 180], dtype=np.int64)
PRICES = np.array([[100.0, 1.0], [110.0, 1.0], [99.0, 1.01], [120.0, 0.99]])


def history(times=TIMES, prices=PRICES, assets=("WETH", "USDC")) -> PriceHistory:
    return PriceHistory(assets, times, prices)


def put(where, value) -> np.ndarray:
    prices = PRICES.copy()
    prices[where] = value
    return prices


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 0.0, -1.0])
def test_history__price_that_is_none__names_asset_time_and_bar(bad):
    with pytest.raises(HistoryError, match=re.escape(f"price {bad} of USDC at 120 (bar 2)")):
        history(prices=put((2, 1), bad))


def test_paths__price_that_is_none__names_the_path_too():
    with pytest.raises(HistoryError, match=r"price -1\.0 of WETH at 60 \(bar 1 of path 1\)"):
        PricePaths(("WETH", "USDC"), TIMES, np.stack([PRICES, put((1, 0), -1.0)]))


@pytest.mark.parametrize(
    ("times", "message"),
    [
        ([0, 60, 60, 180], r"60 \(bar 2\) stands twice"),
        ([0, 120, 60, 180], r"60 \(bar 2\) comes after 120"),
    ],
)
def test_history__times_that_do_not_grow__are_named(times, message):
    with pytest.raises(HistoryError, match=message):
        history(times=np.array(times))


@pytest.mark.parametrize(
    "changes",
    [
        {"times": TIMES[:3]},
        {"times": TIMES.astype(float)},
        {"times": TIMES[:0], "prices": PRICES[:0]},
        {"times": TIMES[:, np.newaxis]},
        {"prices": PRICES[:, 0]},
        {"prices": PRICES[np.newaxis]},
        {"prices": PRICES.astype(str)},
        {"assets": ("WETH",)},
        {"assets": ("WETH", "WETH")},
        {"assets": ("WETH", "")},
        {"assets": (), "prices": PRICES[:, :0]},
    ],
    ids=range(11),
)
def test_history__shapes_or_names_that_do_not_fit__are_refused(changes):
    with pytest.raises(HistoryError) as raised:
        history(**changes)
    assert isinstance(raised.value, EquipoiseError)
    assert isinstance(raised.value, ValueError)
    assert "\n" not in str(raised.value)


def test_history__integers__become_the_types_that_are_promised():
    found = history(times=[0, 1, 2, 4], prices=[[1, 2], [3, 4], [5, 6], [7, 8]], assets=["A", "B"])
    assert (found.assets, found.times.dtype, found.prices.dtype) == (("A", "B"), np.int64, np.float64)
    assert found.prices.flags.c_contiguous


def test_log_returns__are_of_one_bar():
    assert history().log_returns() == pytest.approx(np.log(PRICES[1:] / PRICES[:-1]))


def test_step_s__with_a_hole__is_the_median():
    found = history(times=np.array([0, 60, 120, 1_000]))
    assert found.step_s == 60
    assert found.bars_per_year == 365 * 24 * 60
    assert found.bars == 4


def test_step_s__of_a_single_bar__is_refused():
    with pytest.raises(HistoryError, match="two bars"):
        _ = history().slice(0, 1).step_s


def test_since_and_until__share_a_price_and_no_return():
    before, after = history().until(120), history().since(120)
    assert list(before.times) == [0, 60, 120]
    assert list(after.times) == [120, 180]
    assert np.concatenate([before.log_returns(), after.log_returns()]) == pytest.approx(history().log_returns())
    assert list(history().until(119).times) == [0, 60]
    assert list(history().since(121).times) == [180]


def test_since__when_nothing_is_left__is_refused():
    with pytest.raises(HistoryError):
        history().since(181)
    with pytest.raises(HistoryError):
        history().until(-1)


def test_subset__keeps_the_order_it_is_given():
    assert history().subset(["USDC", "WETH"]).prices == pytest.approx(PRICES[:, ::-1])
    with pytest.raises(HistoryError, match="'DAI' is not in the history: it has WETH, USDC"):
        history().subset(["DAI"])


def test_resample__takes_the_last_price_at_or_before_each_step():
    found = history(times=np.array([10, 40, 100, 350])).resample(60)
    assert list(found.times) == [60, 120, 180, 240, 300]
    assert list(found.prices[:, 0]) == [110.0, 99.0, 99.0, 99.0, 99.0]


@pytest.mark.parametrize("seconds", [0, -60, 59, 10_000])
def test_resample__to_what_the_bars_cannot_say__is_refused(seconds):
    with pytest.raises(HistoryError):
        history(times=TIMES + 1).resample(seconds)


@given(
    gaps=st.lists(st.integers(1, 500), min_size=2, max_size=60),
    start=st.integers(0, 2**31),
    seconds=st.integers(500, 5_000),
)
def test_resample__never_looks_ahead_and_never_takes_an_older_price(gaps, start, seconds):
    times = start + np.cumsum(gaps)
    whole = PriceHistory(("A",), times, np.arange(1.0, len(times) + 1)[:, np.newaxis])
    if times[-1] // seconds * seconds < times[0]:
        return
    found = whole.resample(seconds)
    for moment, price in zip(found.times, found.prices[:, 0], strict=True):
        assert moment % seconds == 0
        assert price == np.count_nonzero(times <= moment)


def test_paths__from_a_history__give_it_back():
    paths = PricePaths.from_history(history())
    assert (paths.paths, paths.bars, paths.step_s) == (1, 4, 60)
    assert paths.bars_per_year == history().bars_per_year
    assert paths.path(0).prices == pytest.approx(PRICES)
    for index in (1, -1):
        with pytest.raises(HistoryError, match="there are 1"):
            paths.path(index)
