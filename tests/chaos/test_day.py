"""The first blocks of a keeper's day; the whole of it is `-m long`, or `python -m chaos.day`."""

import pytest

from chaos.day import day, live
from chaos.stage import ENDPOINTS


@pytest.mark.parametrize("blocks", [30, pytest.param(7_200, marks=pytest.mark.long)])
def test_day__of_ten_vaults__leaves_none_late_and_books_what_the_chain_saw(tmp_path, blocks):
    with day(tmp_path, seed=5, endpoints=ENDPOINTS) as found:
        report = live(found, blocks)
    assert report.wrong == []
    assert report.fills > 0
    assert report.rows >= report.deeds > 0
    if blocks > 1_000:
        assert report.faults > 0
        assert report.rss_slope < 1.0
