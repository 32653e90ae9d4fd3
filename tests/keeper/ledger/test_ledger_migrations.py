"""A ledger is brought up to date in place, by one process, without losing a row; a newer one is left alone."""

import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from filelock import FileLock
from ledger_places import BIG, SENDER, VAULT, decided, mined, planned, program, server
from pydantic import SecretStr
from sqlalchemy import text

from keeper.errors import ConfigurationError
from keeper.ledger import Ledger, State, migrations, opening
from keeper.ledger import engine as engines
from keeper.ledger.models import Base

# What `sqlite3 ledger.sqlite .schema` said of a ledger before there was a version table.
UNMARKED = (Path(__file__).parent / "unmarked_ledger.sql").read_text()
ROWS = f"""
INSERT INTO decisions VALUES
    (1, 10, 1, '{VAULT}', 7, '0x7', 1, 'rebalance', 'due', NULL, '{BIG}', '5', '9', '8', NULL),
    (2, 11, 1, '{VAULT}', 7, '0x7', 1, 'rebalance', 'due again', NULL, '{BIG}', '5', '9', '8', '7'),
    (3, 12, 1, '{VAULT}', 8, '0x8', 0, 'wait', 'early', 99, NULL, NULL, NULL, NULL, NULL);
INSERT INTO transactions VALUES
    (1, 1, 10, 1, '{SENDER}', 3, '0xT', 'rebalance', 'FAILED', '0xH', '{BIG}', '2', 21000, NULL, NULL, NULL, NULL, NULL,
     NULL, 'dropped'),
    (2, 2, 11, 1, '{SENDER}', 3, '0xT', 'rebalance', 'MINED', '0xH', '{BIG}', '2', 21000, 8, '0x8', 5, '6', '9', '8', NULL),
    (3, 2, 12, 1, '{SENDER}', 4, '0xT', 'rebalance', 'SENT', '0xI', '{BIG}', '2', 21000, NULL, NULL, NULL, NULL, NULL,
     NULL, NULL);
INSERT INTO legs VALUES
    (1, 2, 0, '0xP', 'uniswap_v3', '0xA', '0xB', '{BIG}', '2'),
    (2, 3, 0, '0xP', 'uniswap_v3', '0xA', '0xB', '4', '3');
PRAGMA user_version=1;
"""


@pytest.fixture
def unmarked(tmp_path: Path) -> Path:
    """A ledger of before there was a version table, with rows."""
    file = tmp_path / "ledger.sqlite"
    connection = sqlite3.connect(file)
    connection.executescript("PRAGMA journal_mode=WAL;" + UNMARKED + ROWS)
    connection.close()
    return file


def differences(engine) -> list:
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "version_table": migrations.VERSION_TABLE}
        )
        return compare_metadata(context, Base.metadata)


def test_migrations__make_the_tables_of_the_models(ledger):
    assert differences(ledger._store.engine) == []


def test_migrations__of_an_unmarked_file__make_the_tables_of_the_models(unmarked):
    ledger = Ledger(unmarked)
    assert differences(ledger._store.engine) == []
    ledger.close()


def test_migrations__are_one_line_and_all_known():
    script = ScriptDirectory(str(Path(migrations.__file__).parent))
    assert tuple(step.revision for step in reversed(list(script.walk_revisions()))) == migrations.KNOWN
    assert script.get_heads() == [migrations.HEAD]


def test_unmarked_file__keeps_every_row_and_what_it_says(unmarked):
    ledger = Ledger(unmarked)
    assert [(row.id, row.at, row.kind, row.reason, row.nav) for row in ledger.decisions()] == [
        (1, 10, "rebalance", "due", str(BIG)),
        (2, 11, "rebalance", "due again", str(BIG)),
        (3, 12, "wait", "early", None),
    ]
    key = f"1:{VAULT.lower()}:0x7:rebalance"
    assert [
        (row.id, row.decision_id, row.state, row.hash, row.max_fee, row.channel) for row in ledger.transactions()
    ] == [
        (1, 1, State.FAILED, "0xH", str(BIG), "public"),
        (2, 2, State.CONFIRMED, "0xH", str(BIG), "public"),
        (3, 2, State.SENT, "0xI", str(BIG), "public"),
    ]
    assert [
        (part.position, part.decision_id, part.decision_key, part.attempt, part.value_out, part.value_in)
        for row in ledger.transactions()
        for part in row.parts
    ] == [(0, 1, key, 0, None, None), (0, 2, key, 1, "9", "8"), (0, 2, key, 2, None, None)]
    mined_row = ledger.transactions()[1]
    assert (mined_row.block_number, mined_row.block_hash, mined_row.gas_used, mined_row.gas_price) == (8, "0x8", 5, "6")
    (leg,) = ledger.legs(2)
    assert (leg.planned_in, leg.realised_in, leg.realised_out) == (None, str(BIG), "2")
    (leg,) = ledger.legs(3)
    assert (leg.planned_in, leg.planned_out, leg.realised_in) == ("4", "3", None)
    (event,) = ledger.events(2)
    assert (event.from_state, event.to_state, event.at, event.block_hash) == (None, State.CONFIRMED, 11, "0x8")
    ledger.close()


def test_unmarked_file__goes_on_from_where_it_was(unmarked):
    ledger = Ledger(unmarked)
    with ledger.locks.lane(1, SENDER), ledger.locks.vault(1, VAULT):
        mined(ledger, 3, 9)
        assert planned(ledger, 5, "0xJ") == 4
    ledger.close()


def test_unmarked_file__afterwards__is_refused_by_what_made_it(unmarked):
    Ledger(unmarked).close()
    with sqlite3.connect(unmarked) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (2,)  # it takes 1 and nothing else


def test_opening__a_ledger_of_before_it_told_two_clocks_apart__what_is_in_flight_left_when_it_began_to_wait(
    armed, place
):
    row_id = planned(armed, since_block=7)
    with armed._store.writing() as session:
        session.execute(text("ALTER TABLE transactions DROP COLUMN left_block"))
        session.execute(text(f"UPDATE {migrations.VERSION_TABLE} SET version_num = '0004'"))
    again = Ledger(place)
    assert (again.transaction(row_id).since_block, again.transaction(row_id).left_block) == (7, 7)
    again.close()


def test_opening__a_second_time__changes_nothing(ledger, place):
    decided(ledger)
    again = Ledger(place)
    assert len(again.decisions()) == 1
    again.close()


def test_opening__a_newer_ledger__is_refused_and_left_alone(ledger, place):
    mark_as_newer(ledger)
    with pytest.raises(ConfigurationError, match=r"newer equipoise \(version 9999, this one knows 0005\): upgrade"):
        Ledger(place)


def mark_as_newer(ledger: Ledger) -> None:
    with ledger._store.writing() as session:
        session.execute(text(f"UPDATE {migrations.VERSION_TABLE} SET version_num = '9999'"))


def test_opening__a_file_with_an_unknown_mark__is_refused(tmp_path):
    file = tmp_path / "ledger.sqlite"
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA user_version=7")
    with pytest.raises(ConfigurationError, match="another version of equipoise"):
        Ledger(file)


def test_opening__what_is_something_else__names_it_and_the_setting(tmp_path):
    file = tmp_path / "ledger.sqlite"
    file.write_text("not a database, " * 100)
    with pytest.raises(ConfigurationError, match=r"ledger\.sqlite cannot be opened .*: set ledger_file"):
        Ledger(file)


def test_opening__a_database_of_something_else__is_refused_and_left_alone(tmp_path, database):
    file = tmp_path / "other.sqlite"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE books (id INTEGER)")
    with pytest.raises(ConfigurationError, match=r"is no ledger, it has a table books .*: set ledger_file"):
        Ledger(file)
    with server(database) as connection:
        connection.execute("CREATE TABLE legs (id INTEGER)")
    with pytest.raises(ConfigurationError, match=r"is no ledger, it has a table legs .*: set ledger_url"):
        Ledger(database)
    with server(database) as connection:
        assert connection.execute(
            "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'"
        ).fetchone() == (1,)


def test_upgrade__that_fails_half_way__leaves_the_file_as_it_was(unmarked, monkeypatch):
    """The database's own transaction holds all steps: a killed process leaves the same."""
    found = dump(unmarked)
    run = migrations.run

    def failing(connection, version):
        run(connection, version)
        raise RuntimeError("killed")

    monkeypatch.setattr(migrations, "run", failing)
    with pytest.raises(RuntimeError, match="killed"):
        Ledger(unmarked)
    assert dump(unmarked) == found
    monkeypatch.undo()
    ledger = Ledger(unmarked)
    assert len(ledger.transactions()) == 3
    ledger.close()


def dump(file: Path) -> list[str]:
    connection = sqlite3.connect(file)
    lines = list(connection.iterdump())
    connection.close()
    return lines


def test_upgrade__when_processes_start_at_once__is_made_by_one_and_seen_by_all(place):
    started = [program(place, "ledger = Ledger(place); print(decided(ledger)); ledger.close()") for _ in range(4)]
    ids = {int(process.communicate(timeout=120)[0]) for process in started}
    assert [process.returncode for process in started] == [0] * 4
    assert ids == {1, 2, 3, 4}


def test_upgrade__of_an_unmarked_file__when_processes_start_at_once__happens_once(unmarked):
    started = [program(unmarked, "Ledger(place).close()") for _ in range(3)]
    assert [process.wait(120) for process in started] == [0] * 3
    ledger = Ledger(unmarked)
    assert len(ledger.transactions()) == 3
    assert len(ledger.events(1)) == 1
    ledger.close()


def test_opening__while_another_process_does__waits_and_says_so(tmp_path, database, monkeypatch):
    monkeypatch.setattr(engines, "BUSY_TIMEOUT_S", 1)
    monkeypatch.setattr(opening, "BUSY_TIMEOUT_S", 1)
    with (
        FileLock(tmp_path / "ledger.sqlite.open.lock"),
        pytest.raises(ConfigurationError, match="is being opened by another process that does not end"),
    ):
        Ledger(tmp_path / "ledger.sqlite")
    with server(database) as other, other.transaction():
        other.execute("SELECT pg_advisory_xact_lock(%s)", [opening._UPGRADE_LOCK])
        with pytest.raises(ConfigurationError, match=r"cannot be opened \(.*lock timeout\): set ledger_url"):
            Ledger(database)
    Ledger(database).close()


def test_opening__of_a_file__is_durable_and_lets_readers_read(tmp_path):
    ledger = Ledger(tmp_path / "ledger.sqlite")
    with ledger._store.engine.connect() as connection:
        asked = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        found = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in asked]
    assert found == ["wal", 2, 1, engines.BUSY_TIMEOUT_S * 1000]
    ledger.close()


def test_opening__of_a_server__is_durable_whatever_its_default_is(database):
    with server(database) as connection:
        name = connection.execute("SELECT current_database()").fetchone()[0]
        connection.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
        connection.execute(f"ALTER DATABASE {name} SET idle_session_timeout = '5min'")
    ledger = Ledger(database)
    with ledger._store.engine.connect() as connection:
        assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"
        assert connection.exec_driver_sql("SHOW idle_session_timeout").scalar() == "0"
        assert connection.exec_driver_sql("SHOW lock_timeout").scalar() == "10s"
    ledger.close()


def test_url__that_is_none__is_refused_without_repeating_it():
    with pytest.raises(ConfigurationError, match="not a postgresql") as caught:
        Ledger(SecretStr("hunter2://" * 3))
    assert "hunter2" not in str(caught.value)
