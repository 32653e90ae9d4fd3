"""Who may act: one holder at a time, who knows when it is none any more, and who cannot write an intent then."""

import re
import threading

import pytest
from ledger_places import SENDER, VAULT, decided, intent, program, server
from sqlalchemy import event

from keeper.errors import ConfigurationError, LedgerError
from keeper.ledger import AlreadyIntended, Ledger, LockLost, LockTaken

HOLD = """
    ledger = Ledger(place)
    locks = ledger.locks.lane(1, SENDER), ledger.locks.vault(1, VAULT)
    print("held", flush=True)
    import sys, time
    time.sleep(600)
"""


@pytest.fixture
def other(ledger, place):
    """Another keeper on the same ledger."""
    found = Ledger(place)
    yield found
    found.close()


def take(ledger, kind: str, chain_id: int, address: str):
    return ledger.locks.lane(chain_id, address) if kind == "lane" else ledger.locks.vault(chain_id, address)


@pytest.mark.parametrize(
    ("kind", "says"), [("lane", "another keeper process signs for 0xs"), ("vault", "acts for vault 0xs")]
)
def test_lock__is_held_by_one(ledger, other, kind, says):
    with take(ledger, kind, 1, "0xS") as lock:
        assert lock.held()
        for keeper in (other, ledger):
            with pytest.raises(LockTaken, match=says) as caught:
                take(keeper, kind, 1, "0xs")  # an address however it is written
            assert isinstance(caught.value, ConfigurationError)
        for elsewhere in (take(other, kind, 5, "0xS"), take(other, "vault" if kind == "lane" else "lane", 1, "0xS")):
            assert elsewhere.held()
            elsewhere.release()
    assert not lock.held()
    with take(other, kind, 1, "0xS") as again:
        assert again.held()
        assert not lock.held()
        lock.release()
        assert again.held()


def test_lock__of_a_closed_ledger__is_free(ledger, other, place):
    keeper = Ledger(place)
    lock = keeper.locks.vault(1, VAULT)
    keeper.close()
    assert not lock.held()
    with other.locks.vault(1, VAULT):
        pass


def test_lock__of_a_process_that_is_killed__is_free(ledger, place):
    holder = program(place, HOLD)
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(LockTaken):
        ledger.locks.lane(1, SENDER)
    with pytest.raises(LockTaken):
        ledger.locks.vault(1, VAULT)
    holder.kill()
    holder.wait(60)
    eventually(lambda: ledger.locks.lane(1, SENDER))
    eventually(lambda: ledger.locks.vault(1, VAULT))


def eventually(attempt):
    """The server sees the end of a connection a moment later."""
    for _ in range(200):
        try:
            return attempt()
        except LockTaken:
            threading.Event().wait(0.05)
    return attempt()


@pytest.mark.parametrize("held", ["none", "lane", "vault", "lane of another", "vault of another"])
def test_intent__without_both_locks__is_not_written(ledger, held):
    decision = decided(ledger)
    names = {
        "none": [],
        "lane": [("lane", 1, SENDER)],
        "vault": [("vault", 1, VAULT)],
        "lane of another": [("lane", 1, "0xS2"), ("vault", 1, VAULT)],
        "vault of another": [("lane", 1, SENDER), ("vault", 5, VAULT)],
    }[held]
    taken = [take(ledger, *name) for name in names]
    with pytest.raises(LockLost, match="does not hold the lock of"):
        ledger.record_intent(1, decision, intent())
    assert ledger.transactions() == []
    for lock in taken:
        lock.release()


def test_intent__after_the_lock_was_given_back__is_not_written(armed):
    decision = decided(armed)
    armed.locks.close()
    with pytest.raises(LockLost):
        armed.record_intent(1, decision, intent())


def terminate(database) -> None:
    """End the session that holds the locks, as a failing network or server does."""
    with server(database) as connection:
        asked = (
            "SELECT pid FROM pg_locks JOIN pg_database ON oid = database WHERE locktype = 'advisory' AND datname = %s"
        )
        (pid,) = set(connection.execute(asked, [connection.info.dbname]))
        assert connection.execute("SELECT pg_terminate_backend(%s, 5000)", pid).fetchone() == (True,)


def test_advisory_lock__when_its_session_ends__is_lost_and_says_so(database):
    ledger = Ledger(database)
    lane, vault = ledger.locks.lane(1, SENDER), ledger.locks.vault(1, VAULT)
    decision = decided(ledger)
    terminate(database)
    with pytest.raises(LedgerError):  # the first to notice
        ledger.record_intent(1, decision, intent())
    with pytest.raises(LockLost):
        ledger.record_intent(1, decision, intent())
    assert (lane.held(), vault.held()) == (False, False)
    assert ledger.transactions() == []
    lane.release()
    vault.release()
    with ledger.locks.lane(1, SENDER), ledger.locks.vault(1, VAULT):
        ledger.record_intent(1, decision, intent())
    ledger.close()


def test_advisory_lock__when_its_session_ends__is_not_held(database):
    ledger = Ledger(database)
    lane, vault = ledger.locks.lane(1, SENDER), ledger.locks.vault(1, VAULT)
    terminate(database)
    assert not lane.held()
    assert not vault.held()
    ledger.close()


def test_advisory_lock__that_was_lost_and_is_another_keepers_now__writes_nothing(database):
    late, next_one = Ledger(database), Ledger(database)
    locks = late.locks.lane(1, SENDER), late.locks.vault(1, VAULT)
    decision = decided(late)
    terminate(database)
    with next_one.locks.lane(1, SENDER), next_one.locks.vault(1, VAULT):
        for _ in range(3):
            with pytest.raises(LedgerError):
                late.record_intent(1, decision, intent())
        assert not any(lock.held() for lock in locks)
        assert next_one.transactions() == []
        assert next_one.record_intent(1, decision, intent())
    late.close()
    next_one.close()


def test_advisory_lock__that_ends_while_an_intent_is_written__leaves_nothing(database):
    """The session that holds the locks is the one that writes: it cannot commit without them."""
    ledger = Ledger(database)
    ledger.locks.lane(1, SENDER)
    ledger.locks.vault(1, VAULT)
    decision = decided(ledger)

    @event.listens_for(ledger._store.engine, "commit", once=True)
    def _(_connection) -> None:
        terminate(database)

    with pytest.raises(LedgerError):
        ledger.record_intent(1, decision, intent())
    assert ledger.transactions() == []
    ledger.close()


def test_advisory_lock__of_a_session_that_was_opened_anew__does_not_count(database):
    """What a pooler between the keeper and the server may do, or the library when a connection is gone."""
    ledger = Ledger(database)
    locks = ledger.locks.lane(1, SENDER), ledger.locks.vault(1, VAULT)
    decision = decided(ledger)
    terminate(database)
    ledger.locks._connection.invalidate()  # type: ignore[attr-defined]
    ledger.locks._connection.rollback()  # type: ignore[attr-defined]
    with pytest.raises(LockLost):
        ledger.record_intent(1, decision, intent())
    assert not any(lock.held() for lock in locks)
    ledger.close()


def test_advisory_lock__taken_again_elsewhere_in_the_process__is_not_that_of_the_first(database):
    ledger = Ledger(database)
    lost = ledger.locks.vault(1, VAULT)
    terminate(database)
    assert not lost.held()
    with pytest.raises(LockTaken, match="another part of this process"):
        ledger.locks.vault(1, VAULT)
    lost.release()
    with ledger.locks.vault(1, VAULT) as found:
        assert (found.held(), lost.held()) == (True, False)
    ledger.close()


def test_file_lock__whose_file_is_gone__is_lost_and_writes_nothing(tmp_path):
    ledger = Ledger(tmp_path / "ledger.sqlite")
    lane, vault = ledger.locks.lane(1, SENDER), ledger.locks.vault(1, VAULT)
    decision = decided(ledger)
    (file,) = tmp_path.glob("*.vault.lock")
    file.unlink()
    assert (lane.held(), vault.held()) == (True, False)
    with pytest.raises(LockLost, match="vault 0xv on chain 1"):
        ledger.record_intent(1, decision, intent())
    file.touch()  # another keeper locks this one
    assert not vault.held()
    assert ledger.transactions() == []
    ledger.close()


def test_file_lock__of_an_account__is_the_file_that_it_always_was(tmp_path):
    ledger = Ledger(tmp_path / "ledger.sqlite")
    with ledger.locks.lane(1, "0xS"):
        assert (tmp_path / "1-0xs.lock").exists()
    ledger.close()


def test_taking_over_a_vault__waits_for_what_the_keeper_before_left(ledger, place):
    """Its intent was written while it held the lock, so that whoever holds it next sees it."""
    killed = program(
        place,
        """
        import os, signal
        ledger = Ledger(place)
        locks = ledger.locks.lane(1, SENDER), ledger.locks.vault(1, VAULT)
        planned(ledger)
        os.kill(os.getpid(), signal.SIGKILL)
        """,
    )
    killed.wait(60)
    with eventually(lambda: ledger.locks.vault(1, VAULT)), ledger.locks.lane(1, "0xS2"):
        decision = decided(ledger, "0x9")
        with pytest.raises(AlreadyIntended, match=re.escape(f"of {SENDER} to vault {VAULT} is on its way")):
            ledger.record_intent(1, decision, intent(0, sender="0xS2"))
        (left,) = ledger.in_flight(1, VAULT)
        with eventually(lambda: ledger.locks.lane(1, left.sender)):  # nobody signs for it: it can be settled by others
            ledger.mark_dropped(left.id, "nobody knows it")
        ledger.record_intent(1, decision, intent(0, sender="0xS2"))
