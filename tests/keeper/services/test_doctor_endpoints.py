"""The doctor over several endpoints: a row each, and whether they are a quorum."""

import pytest
from fake_pool import FakePool, three

from keeper.chain import gather
from keeper.services.doctor import Row, Status, examine
from keeper.settings import load

__all__ = ["three"]


@pytest.fixture
def rows(three: FakePool, tmp_path, monkeypatch):
    monkeypatch.setattr(gather, "HEDGE_S", 0.1)

    def look() -> dict[str, Row]:
        given = {"rpc_urls": three.urls, "ledger_file": tmp_path / "ledger.sqlite", "read_attempts": 1}
        return {row.check: row for row in examine(load(arguments=given, environment={}))}

    return look


def test_examine__names_each_endpoints_chain_head_lag_and_make(three, rows):
    three[1].lag = 2
    found = rows()
    assert found["endpoint 2"] == Row(
        "endpoint 2", Status.OK, f"{three[1].url}: chain 1, block 98, 2 behind, anvil/v1.7.1"
    )
    assert {found[f"endpoint {place}"].status for place in (1, 3)} == {Status.OK}
    assert found["chain id"].status is Status.OK


def test_examine__one_that_is_wrong__is_a_warning_while_a_quorum_is_right(three, rows):
    three[0].lag = 100
    three[2].trouble = ("dead", None)
    found = rows()
    assert found["endpoint 1"].status is Status.WARN
    assert "100 behind" in found["endpoint 1"].detail
    assert found["endpoint 3"].status is Status.WARN
    assert "no RPC endpoint answers" in found["endpoint 3"].detail


def test_examine__one_on_another_chain__is_an_error_of_the_chain_id(three, rows):
    three[0].chain_id = 5
    found = rows()
    assert found["endpoint 1"].status is Status.WARN
    assert "chain 5" in found["endpoint 1"].detail
    assert found["chain id"].status is Status.ERROR


def test_examine__below_the_quorum__is_an_error(three, rows):
    three[0].trouble = three[1].trouble = ("dead", None)
    assert rows()["rpc"].status is Status.ERROR
