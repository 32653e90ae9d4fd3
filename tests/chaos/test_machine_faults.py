"""What the keeper's own machine may do to it: full disks, a ledger that is locked or spoilt, wrong clocks, a second process."""

import json
import os
import resource
import sqlite3
import time
from contextlib import closing

import pytest

from chaos.desk import Keeper
from keeper.errors import ConfigurationError
from keeper.ledger import LockTaken, engine

HOUR_S = 3_600


def recovers(stage, keeper) -> None:
    """What is due is done within two passes, once, and is written down."""
    late = [stage.tick(keeper) for _ in range(2)]
    assert stage.fills == 1, late
    assert stage.faults() == []
    assert not stage.desk.is_due()


def test_second_process__with_the_same_key__does_not_start_while_the_first_lives(stage):
    with stage.keeper() as keeper:
        with pytest.raises(LockTaken, match="another keeper process signs for"):
            Keeper(stage.site)
        recovers(stage, keeper)
    with stage.keeper() as successor:
        assert stage.tick(successor) == []


def test_second_process__on_another_ledger__sees_what_the_first_sent_and_sends_nothing(stage, tmp_path):
    """The lock is beside the ledger. Who copies the settings and forgets that is stopped by the chain."""
    (tmp_path / "other").mkdir()
    other = stage.on(tmp_path / "other" / "ledger.sqlite")
    with stage.keeper() as keeper, Keeper(other) as second:
        assert keeper.tick() == []
        second.tick()
        stage.desk.block()
        second.tick()
        recovers(stage, keeper)
        assert stage.handed == 1


def test_ledger__that_another_program_has_locked__stops_the_keeper_until_it_is_free(stage, monkeypatch):
    monkeypatch.setattr(engine, "BUSY_TIMEOUT_S", 0.2)
    with stage.keeper() as keeper:
        with closing(sqlite3.connect(stage.site.ledger, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            said = [line for _ in range(2) for line in stage.tick(keeper)]
            assert any("ledger" in line and "locked" in line for line in said), said
            assert (stage.fills, stage.handed) == (0, 0)
            other.execute("ROLLBACK")
        recovers(stage, keeper)


def test_disk__that_is_full__stops_the_keeper_until_there_is_room(stage):
    """Files may not grow: what SQLite is told then is what a full disk tells it."""
    with stage.keeper() as keeper:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (512, before[1]))
        try:
            said = [line for _ in range(2) for line in stage.tick(keeper)]
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert any("ledger" in line for line in said), said
        assert (stage.fills, stage.handed) == (0, 0)
        recovers(stage, keeper)


@pytest.mark.parametrize("spoilt", ["head", "pages", "emptied"])
def test_ledger__that_is_spoilt__is_refused_at_the_start_and_a_backup_goes_on(stage, spoilt):
    file = stage.site.ledger
    with stage.keeper():
        pass
    backup = file.read_bytes()
    size = len(backup)
    damaged = {
        "head": b"not a database" + backup[14:],
        "pages": backup[:4096] + os.urandom(size - 4096),
        "emptied": backup[: size // 2],
    }[spoilt]
    file.write_bytes(damaged)
    with pytest.raises(ConfigurationError, match=r"ledger .* cannot be opened"):
        Keeper(stage.site)
    assert stage.handed == 0
    file.write_bytes(backup)
    for each in file.parent.glob(f"{file.name}-*"):
        each.unlink()
    with stage.keeper() as keeper:
        recovers(stage, keeper)


def test_ledger__that_is_deleted_under_way__does_not_send_what_is_on_its_way_again(stage):
    """The worst that can happen to a ledger: with a new one the account's own transaction is a stranger's."""
    with stage.keeper() as keeper:
        keeper.tick()
    for each in stage.site.ledger.parent.glob(f"{stage.site.ledger.name}*"):
        each.unlink()
    with stage.keeper() as keeper:
        for _ in range(3):
            stage.tick(keeper)
    assert (stage.fills, stage.handed) == (1, 1)


@pytest.mark.parametrize("skew_s", [-HOUR_S, HOUR_S])
def test_clock__that_is_an_hour_wrong__changes_nothing(stage, monkeypatch, skew_s):
    """Times that money depends on are the chain's."""
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + skew_s)
    with stage.keeper() as keeper:
        recovers(stage, keeper)


@pytest.mark.parametrize("skew_s", [-HOUR_S, HOUR_S])
def test_clock__that_jumps_under_way__changes_nothing(stage, monkeypatch, skew_s):
    real = time.time
    with stage.keeper() as keeper:
        keeper.tick()
        monkeypatch.setattr(time, "time", lambda: real() + skew_s)
        stage.desk.block()
        recovers(stage, keeper)


def test_kill_switch__while_its_file_exists__sends_nothing(stage):
    switch = stage.site.settings().operations.kill_switch_file
    with stage.keeper() as keeper:
        switch.touch()
        for _ in range(2):
            assert stage.tick(keeper) == []  # it is no failure
            assert any("kill switch" in reason for reason in keeper.reasons), keeper.reasons
        assert (stage.fills, stage.handed) == (0, 0)
        switch.unlink()
        recovers(stage, keeper)


def test_log__has_a_line_of_json_for_each_event_whatever_strangers_call_themselves(stage):
    with stage.keeper() as keeper:
        recovers(stage, keeper)
    lines = stage.site.settings().operations.log_file.read_text().splitlines()
    assert lines
    assert all(isinstance(json.loads(line), dict) for line in lines)
    assert not any(stage.site.key.removeprefix("0x") in line for line in lines)
