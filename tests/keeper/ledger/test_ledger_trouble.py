"""Many writers, locked databases, full disks, dead servers: no row is lost, none is half there, each error names the mend."""

import sqlite3
import threading
from pathlib import Path

import pytest
from ledger_places import (
    DECISION,
    LEG,
    SENDER,
    SNAPSHOT,
    VAULT,
    decided,
    intent,
    planned,
    program,
    row_of,
    server,
)
from pydantic import SecretStr
from sqlalchemy import event, make_url, text

from keeper.errors import ConfigurationError, LedgerError
from keeper.ledger import IllegalStep, Inclusion, Ledger, LedgerBusy, LedgerFull, LedgerLost
from keeper.ledger import engine as engines

PASSWORD = "hunter2"


def test_writers__in_many_threads_and_processes__lose_no_row(ledger, place):
    processes = [
        program(place, "ledger = Ledger(place)\nfor _ in range(25): decided(ledger)\nledger.close()") for _ in range(2)
    ]
    failures: list[Exception] = []

    def write(count: int) -> None:
        try:
            for _ in range(count):
                decided(ledger)
        except LedgerError as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(25,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [process.wait(120) for process in processes] == [0, 0]
    assert failures == []
    assert len(ledger.decisions()) == 8 * 25 + 2 * 25
    assert {len(ledger.prices(row.id)) for row in ledger.decisions()} == {2}


def test_writers__that_read_before_they_write__wait_for_each_other(armed):
    """A transaction that has read and then waits to write would fail at once, were it not a writing one from its start."""
    rows = [planned(armed)]
    for nonce in range(4, 12):
        armed.mark_sent(rows[-1], "0xH")
        armed.mark_mined(rows[-1], Inclusion(nonce, hex(nonce), 5, 6))
        rows.append(planned(armed, nonce))
    failures: list[Exception] = []

    def confirm(row_id: int) -> None:
        try:
            armed.mark_confirmed(row_id)
        except LedgerError as error:
            failures.append(error)

    threads = [threading.Thread(target=confirm, args=(row_id,)) for row_id in rows[:-1]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert {row_of(armed, row_id).state.value for row_id in rows[:-1]} == {"confirmed"}


def test_step__that_another_writer_takes_first__is_refused(database):
    """The row is kept from others from the moment that its state was looked at."""
    ledger = Ledger(database)
    with ledger.locks.lane(1, SENDER), ledger.locks.vault(1, VAULT):
        row_id = planned(ledger)
    refused: list[Exception] = []

    def drop() -> None:
        try:
            ledger.mark_dropped(row_id, "nobody knows it")
        except IllegalStep as error:
            refused.append(error)

    late = threading.Thread(target=drop)
    with ledger._store.writing() as session, server(database) as other:
        session.execute(text("UPDATE transactions SET state = 'confirmed'"))
        late.start()
        while not other.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone()[0]:
            assert late.is_alive()
    late.join()
    assert [str(error) for error in refused] == [
        f"transaction {row_id} is confirmed and cannot be marked dropped: look at its events"
    ]
    assert len(ledger.events(row_id)) == 1
    ledger.close()


def test_readers__do_not_block_the_writer_nor_it_them(ledger):
    decided(ledger)
    with ledger._store.reading() as reader:
        before = reader.execute(text("SELECT count(*) FROM decisions")).scalar()
        decided(ledger)  # goes through while the reader is in its transaction
        with ledger._store.writing() as writer:
            writer.execute(text("DELETE FROM prices"))
            assert len(ledger.decisions()) == 2  # so does a reader while a writer is in its
            writer.rollback()
    assert before == 1


def test_file__that_another_process_has_locked__is_an_error_that_says_so_and_nothing_is_half_written(
    tmp_path, monkeypatch
):
    file = tmp_path / "ledger.sqlite"
    Ledger(file).close()
    monkeypatch.setattr(engines, "BUSY_TIMEOUT_S", 1)
    ledger = Ledger(file)
    with ledger.locks.lane(1, SENDER), ledger.locks.vault(1, VAULT):
        decision = decided(ledger)
        other = sqlite3.connect(file, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        for write in (lambda: decided(ledger), lambda: ledger.record_intent(1, decision, intent(), [LEG])):
            with pytest.raises(
                LedgerBusy, match=r"ledger\.sqlite is locked by another process .*: nothing was written"
            ):
                write()
        with pytest.raises(LedgerBusy):
            ledger.check_writable()
        assert len(ledger.decisions()) == 1  # readers go on
        other.execute("ROLLBACK")
        other.close()
        assert (ledger.transactions(), ledger.legs(1)) == ([], [])
        ledger.record_intent(1, decision, intent(), [LEG])
    ledger.close()


def test_database__that_another_session_has_locked__is_an_error_that_says_so(database, monkeypatch):
    monkeypatch.setattr(engines, "BUSY_TIMEOUT_S", 1)
    ledger = Ledger(database)
    with ledger.locks.lane(1, SENDER) as lane, ledger.locks.vault(1, VAULT) as vault:
        decision = decided(ledger)
        with server(database) as other, other.transaction():
            other.execute("LOCK TABLE transactions, decisions IN EXCLUSIVE MODE")
            for write in (lambda: decided(ledger), lambda: ledger.record_intent(1, decision, intent(), [LEG])):
                with pytest.raises(LedgerBusy, match="is locked by another process"):
                    write()
            with pytest.raises(LedgerBusy):
                ledger.check_writable()
        assert (lane.held(), vault.held()) == (True, True)  # waiting in vain costs no lock
        assert ledger.transactions() == []
        ledger.record_intent(1, decision, intent(), [LEG])
    ledger.close()


def fill(ledger: Ledger) -> None:
    """No page more than the file has now, on each of its connections."""
    ledger._store.engine.pool.dispose()

    def capped(connection, *_) -> None:
        cursor = connection.cursor()
        pages = cursor.execute("PRAGMA page_count").fetchone()[0]
        cursor.execute(f"PRAGMA max_page_count={pages}")

    event.listen(ledger._store.engine, "connect", capped)


def test_file__on_a_full_disk__is_an_error_and_nothing_is_half_written(tmp_path):
    ledger = Ledger(tmp_path / "ledger.sqlite")
    with ledger.locks.lane(1, SENDER), ledger.locks.vault(1, VAULT):
        decision = decided(ledger)
        fill(ledger)
        legs = [LEG] * 200
        with pytest.raises(
            LedgerFull, match=r"ledger\.sqlite has no room left .*: nothing was written; free some space"
        ):
            ledger.record_intent(1, decision, intent(), legs)
        assert (ledger.transactions(), ledger.legs(1), ledger.events(1)) == ([], [], [])
        with pytest.raises(LedgerFull):
            for _ in range(1_000):
                decided(ledger)
    ledger.close()


def test_database__on_a_full_disk__is_an_error(database):
    ledger = Ledger(database)
    with server(database) as other:
        other.execute(
            "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION "
            "'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$;"
            "CREATE TRIGGER full_disk BEFORE INSERT ON prices FOR EACH ROW EXECUTE FUNCTION full_disk()"
        )
    with pytest.raises(LedgerFull, match=r"has no room left .*No space left on device"):
        ledger.record_decision(1, SNAPSHOT, DECISION, armed=True)
    assert ledger.decisions() == []
    ledger.close()


def test_database__whose_connections_end__goes_on_with_new_ones(database):
    ledger = Ledger(database)
    decided(ledger)
    with server(database) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE pid <> pg_backend_pid() AND datname = current_database()"
        )
    decided(ledger)
    assert len(ledger.decisions()) == 2
    ledger.close()


def test_database__that_is_gone__is_an_error_without_the_password(database, postgres):
    ledger = Ledger(database)
    with server(postgres) as other:
        name = ledger.name.rpartition("/")[2]
        ledger._store.engine.dispose()  # it is renamed only while nobody is in it
        other.execute(f"ALTER DATABASE {name} RENAME TO {name}_gone")
        with pytest.raises(LedgerLost, match=f"{name} does not answer as it should"):
            decided(ledger)
        other.execute(f"ALTER DATABASE {name}_gone RENAME TO {name}")
    ledger.close()


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql+psycopg://keeper:{PASSWORD}@127.0.0.1:1/ledger",
        f"postgresql+psycopg://keeper@127.0.0.1:1/ledger?password={PASSWORD}",
        f"postgresql+psycopg://keeper:{PASSWORD}@no-such-host.invalid/ledger?connect_timeout=2",
        f"postgresql+psycopg://keeper:{PASSWORD}@127.0.0.1:1/ledger?sslmode=nonsense",
    ],
)
def test_database__that_cannot_be_reached__is_named_without_the_password(url):
    with pytest.raises(ConfigurationError, match=r"^ledger .*/ledger cannot be opened .*: set ledger_url$") as caught:
        Ledger(SecretStr(url))
    shown: BaseException | None = caught.value
    while shown is not None:
        assert PASSWORD not in str(shown)
        assert PASSWORD not in repr(shown)
        shown = shown.__context__


def test_database__with_a_password__does_not_show_it(database):
    parsed = make_url(database.get_secret_value()).set(password=PASSWORD)  # this server takes any
    url = SecretStr(parsed.render_as_string(hide_password=False))
    ledger = Ledger(url)
    with pytest.raises(LedgerError) as caught, ledger._store.writing() as session:
        session.execute(text("SELECT * FROM nothing"))
    assert PASSWORD not in str(caught.value) + ledger.name + repr(ledger._store.engine)
    ledger.close()


def test_file__that_may_not_be_written__is_an_error(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match=r"cannot be opened .*: set ledger_file"):
        Ledger(tmp_path / "file" / "ledger.sqlite")


def test_file__that_was_damaged_while_open__is_an_error(tmp_path: Path):
    file = tmp_path / "ledger.sqlite"
    ledger = Ledger(file)
    decided(ledger)
    ledger.close()
    content = bytearray(file.read_bytes())
    content[4_096:] = b"\x55" * (len(content) - 4_096)
    file.write_bytes(content)
    with pytest.raises((ConfigurationError, LedgerLost)):
        Ledger(file).decisions()
