"""Breakers trip at their limit and not before, outlive a restart, close for a person, and refuse whatever they cannot know."""

import json
import threading
from dataclasses import replace

import pytest

from keeper.errors import ActingRefused, ConfigurationError
from keeper.operations import events
from keeper.operations.breaker_file import BreakerFile
from keeper.operations.breakers import BreakerOpen, Breakers, Limits
from keeper.operations.bus import Bus
from keeper.operations.events import Breaker, Failure, Outcome
from keeper.settings import OperationsSettings

WAD = 10**18
VAULT, OTHER, ACCOUNT = ("0x" + digit * 40 for digit in "aBc")
LIMITS = Limits(
    loss_max=WAD // 200,  # 50 bps
    loss_window_s=1_000,
    price_move_max=WAD // 10,
    price_window_blocks=10,
    vault_failures=3,
    vault_pause_s=60,
    account_failures=4,
)


class Bench:
    """Breakers on a bus, with a clock that is set."""

    def __init__(self, file):
        self.file, self.now, self.heard = BreakerFile(file), 10_000, []
        self.restart()

    def restart(self):
        self.bus = Bus()
        self.breakers = Breakers(self.file, LIMITS, self.bus, lambda: self.now)
        self.bus.add(self.breakers)
        self.bus.add(self.heard.append)

    def emit(self, *told):
        for event in told:
            self.bus.emit(event)

    def refused(self, *addresses, chain_id=1) -> str | None:
        try:
            self.breakers.refuse(chain_id, *addresses)
        except BreakerOpen as error:
            return str(error)
        return None

    def tripped(self):
        return [(event.name, event.scope) for event in self.heard if isinstance(event, events.BreakerTripped)]

    def resets(self):
        return [(event.name, event.by) for event in self.heard if isinstance(event, events.BreakerReset)]


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path / "folder" / "breakers.json")


def confirmed(lost, nav=10_000 * WAD, tx="0x1", vault=VAULT):
    fill = events.Fill(vault, 1_000 * WAD, 1_000 * WAD - lost, nav)
    return events.Confirmed(1, ACCOUNT, (vault,), tx, 1, 1, fills=(fill,))


def reading(block, price, vault=VAULT):
    asset = events.AssetRead("0xasset", "WETH", price, 0, 0, 0)
    return events.VaultRead(1, vault, "IDX", block, 0, 0, 0, 0, False, (asset,))


def failed(kind=Failure.TRANSACTION, vault=VAULT):
    return events.PlanFailed(1, vault, kind, "it reverts")


def reverted(vault=VAULT, tx="0x9"):
    return events.Reverted(1, ACCOUNT, (vault,), tx, 1, 1)


# --- loss budget


def test_loss_budget__at_the_limit__holds_and_a_wei_beyond__trips(bench):
    bench.emit(confirmed(25 * WAD, tx="0x1"), confirmed(25 * WAD, tx="0x2"))
    assert bench.refused(VAULT) is None
    bench.emit(confirmed(1, tx="0x3"))  # rounded up to a whole WAD share
    assert bench.tripped() == [(Breaker.LOSS_BUDGET, f"1/{VAULT}")]
    line = bench.refused(VAULT)
    assert "50 bps of NAV lost" in line
    assert f"equipoise keeper resume {VAULT}" in line


def test_loss_budget__gains__pay_for_no_loss(bench):
    bench.emit(confirmed(-500 * WAD, tx="0x1"), confirmed(51 * WAD, tx="0x2"))
    assert bench.refused(VAULT) is not None


def test_loss_budget__is_each_vaults_own_and_of_its_chain(bench):
    bench.emit(confirmed(30 * WAD, tx="0x1"), confirmed(30 * WAD, tx="0x1", vault=OTHER))
    assert bench.tripped() == []
    bench.emit(confirmed(30 * WAD, tx="0x2"))
    assert bench.refused(VAULT) is not None
    assert bench.refused(VAULT.upper().replace("X", "x")) is not None
    assert bench.refused(OTHER, ACCOUNT) is None
    assert bench.refused(VAULT, chain_id=10) is None


def test_loss_budget__a_loss__leaves_the_window_after_its_time(bench):
    bench.emit(confirmed(50 * WAD, tx="0x1"))
    bench.now += LIMITS.loss_window_s - 1
    bench.emit(confirmed(50 * WAD, tx="0x1"))  # a restart tells of it again: counted once
    assert bench.tripped() == []
    bench.now += 1
    bench.emit(confirmed(50 * WAD, tx="0x2"))
    assert bench.tripped() == []
    bench.emit(confirmed(1 * WAD, tx="0x3"))
    assert len(bench.tripped()) == 1


def test_loss_budget__survives_a_restart(bench):
    bench.emit(confirmed(40 * WAD, tx="0x1"))
    bench.restart()
    bench.emit(confirmed(11 * WAD, tx="0x2"))
    bench.restart()
    assert bench.refused(VAULT) is not None
    bench.now += 10**7
    assert bench.refused(VAULT) is not None


# --- price deviation


@pytest.mark.parametrize(("price", "trips"), [(1_100, False), (1_101, True), (900, False), (899, True), (0, True)])
def test_price_deviation__between_two_blocks__trips_beyond_the_limit(bench, price, trips):
    bench.emit(reading(1, 1_000), reading(2, price))
    assert (bench.refused(VAULT) is not None) is trips
    assert bench.tripped() == ([(Breaker.PRICE_DEVIATION, f"1/{VAULT}")] if trips else [])


def test_price_deviation__in_small_steps__trips_against_the_median(bench):
    prices = [1_000, 1_000, 1_000, 1_050, 1_100]
    bench.emit(*(reading(block, price) for block, price in enumerate(prices)))
    assert bench.refused(VAULT) is None
    bench.emit(reading(5, 1_101))
    assert "its last median's" in bench.refused(VAULT)


def test_price_deviation__after_a_gap_as_long_as_the_window__compares_with_nothing(bench):
    bench.emit(reading(1, 1_000), reading(11, 2_000))
    assert bench.refused(VAULT) is None
    bench.emit(reading(20, 1_000))
    assert bench.refused(VAULT) is not None


def test_price_deviation__of_blocks_that_a_reorg_took_away__forgets_them(bench):
    bench.emit(reading(1, 1_000), reading(2, 1_100), reading(2, 980))  # 980 is far from 1,100
    assert bench.refused(VAULT) is None


def test_price_deviation__once_a_person_let_it_pass__starts_anew(bench):
    bench.emit(reading(1, 1_000), reading(2, 2_000))
    bench.file.reset(VAULT)
    assert bench.refused(VAULT) is None
    bench.emit(reading(3, 2_000))
    assert bench.refused(VAULT) is None
    assert bench.resets() == [(Breaker.PRICE_DEVIATION, "a person")]


# --- failures in a row


@pytest.mark.parametrize("kind", [Failure.TRANSACTION, Failure.SIGNER, Failure.UNEXPECTED])
def test_vault_failures__in_a_row__trip_for_the_pause_and_then_at_one_more(bench, kind):
    bench.emit(failed(kind), failed(kind))
    assert bench.refused(VAULT) is None
    bench.emit(failed(kind))
    assert "3 failures in a row, the last: it reverts" in bench.refused(VAULT)
    assert bench.refused(OTHER) is None
    bench.now += LIMITS.vault_pause_s - 1
    assert bench.refused(VAULT) is not None
    bench.now += 1
    assert bench.refused(VAULT) is None
    assert bench.resets() == [(Breaker.VAULT_FAILURES, "time")]
    bench.emit(failed(kind))
    assert bench.refused(VAULT) is not None
    assert len(bench.tripped()) == 2


@pytest.mark.parametrize(
    "kind", [Failure.CHAIN, Failure.ORACLE, Failure.NO_ROUTE, Failure.AGGREGATOR, Failure.CONFIGURATION]
)
def test_vault_failures__that_are_not_the_vaults__do_not_count(bench, kind):
    bench.emit(*[failed(kind)] * 10)
    assert bench.tripped() == []


@pytest.mark.parametrize("outcome", list(Outcome))
def test_vault_failures__a_pass_in_order__starts_the_row_anew(bench, outcome):
    ended = events.PassEnded(1, VAULT, outcome, 0.1)
    bench.emit(failed(), failed(), ended, failed())
    assert (bench.refused(VAULT) is None) is (outcome in (Outcome.WAITED, Outcome.PLANNED))


def test_vault_failures__of_a_broken_error_text__keep_their_line(bench):
    bench.emit(*[events.PlanFailed(1, VAULT, Failure.TRANSACTION, "x\n\x1b[31m" + "y" * 5_000)] * 3)
    line = bench.refused(VAULT)
    assert "\n" not in line
    assert "\x1b" not in line
    assert len(line) < 500


def test_account_failures__of_many_vaults__trip_until_a_person_resets(bench):
    for vault in (VAULT, OTHER, "0x" + "d" * 40):
        bench.emit(reverted(vault))
    bench.emit(events.SendFailed(1, ACCOUNT, (VAULT,), Failure.SIGNER, "no"))
    assert bench.tripped() == [(Breaker.ACCOUNT_FAILURES, f"1/{ACCOUNT}")]
    assert bench.refused(OTHER) is None
    assert bench.refused(OTHER, ACCOUNT) is not None
    bench.now += 10**6
    bench.restart()
    assert bench.refused(OTHER, ACCOUNT) is not None
    (closed,) = bench.file.reset(ACCOUNT.upper().replace("X", "x"))
    assert closed.name is Breaker.ACCOUNT_FAILURES
    assert bench.refused(OTHER, ACCOUNT) is None
    bench.emit(reverted())
    assert bench.refused(ACCOUNT) is None


def test_account_failures__waiting__does_not_pay_for_reverts_but_a_confirmation_does(bench):
    waited = events.PassEnded(1, VAULT, Outcome.WAITED, 0.1)
    bench.emit(reverted(), waited, reverted(), waited, reverted(), confirmed(0), reverted(), waited)
    assert bench.refused(VAULT, ACCOUNT) is None
    bench.emit(reverted(), waited, reverted(), waited, reverted())
    assert bench.tripped() == [(Breaker.ACCOUNT_FAILURES, f"1/{ACCOUNT}")]


def test_vault_failures__a_pause_that_ends_with_a_failure__tells_of_the_end_before_the_new_start(bench):
    bench.emit(*[failed()] * 3)
    bench.now += LIMITS.vault_pause_s
    bench.emit(failed())
    kinds = [type(e).__name__ for e in bench.heard if isinstance(e, events.BreakerTripped | events.BreakerReset)]
    assert kinds == ["BreakerTripped", "BreakerReset", "BreakerTripped"]


# --- failing closed


def test_breakers__when_the_file_is_no_state__do_not_start(bench):
    for text in ("", "{", '{"tripped": 1}', '{"unknown": []}', "[]", '{"tripped": [{"name": "x"}]}'):
        bench.file.file.parent.mkdir(exist_ok=True)
        bench.file.file.write_text(text)
        with pytest.raises(ConfigurationError, match="cannot be read"):
            bench.restart()


def test_breakers__when_the_file_goes_bad_while_they_run__refuse_everything(bench):
    bench.emit(failed())
    good = bench.file.file.read_text()
    bench.file.file.write_text("{")
    assert "cannot be read" in bench.refused(OTHER)
    bench.file.file.write_text(good)
    assert bench.refused(OTHER) is None


def test_breakers__what_cannot_be_written__refuses_everything_until_it_can(bench, monkeypatch):
    def full(_self, _text):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(BreakerFile, "_replace", full)
        bench.emit(failed(), failed(), reading(1, 1), confirmed(51 * WAD))
        assert "No space left" in bench.refused(OTHER)
        assert bench.tripped() == [(Breaker.BROKEN, "all")]
        assert not bench.file.file.exists()
    assert bench.refused(OTHER) is None
    assert bench.resets() == [(Breaker.BROKEN, "time")]
    assert bench.refused(VAULT) is not None  # the loss was not forgotten


def test_breakers__a_fault_of_their_own__refuses_everything(bench):
    bench.emit(replace(confirmed(1), fills=(events.Fill(VAULT, 1, 0, 0),)))  # a NAV of nothing
    assert "ZeroDivisionError" in bench.refused(OTHER)
    assert bench.bus.failures == {}


def test_breakers__a_change_that_fails_halfway__leaves_the_old_file(bench, monkeypatch):
    bench.emit(failed())
    before = bench.file.file.read_text()
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError(5, "Input/output error")))
    bench.emit(failed())
    assert bench.file.file.read_text() == before
    assert sorted(path.name for path in bench.file.file.parent.iterdir()) == ["breakers.json", "breakers.lock"]


def test_breakers__held_by_somebody_else__refuse(bench, monkeypatch):
    monkeypatch.setattr("keeper.operations.breaker_file._LOCK_WAIT_S", 0.01)
    with bench.file.changing():
        bench.emit(failed())
        assert "somebody holds" in bench.refused(OTHER)
    assert bench.refused(OTHER) is None


def test_breakers__from_threads_that_emit_and_ask__do_not_wait_for_each_other(bench):
    def ask():
        for _ in range(100):
            bench.refused(VAULT, ACCOUNT)

    def tell():
        for _ in range(30):
            bench.now += 61
            bench.emit(failed(), failed(), failed())

    threads = [threading.Thread(target=work, daemon=True) for work in (ask, tell, ask, tell)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not any(thread.is_alive() for thread in threads)


def test_breakers__untouched__write_nothing(bench):
    bench.emit(reading(1, 1), events.PassEnded(1, VAULT, Outcome.WAITED, 0.1), events.Ticked())
    assert bench.refused(VAULT) is None
    assert not bench.file.file.exists()
    bench.emit(failed())
    assert json.loads(bench.file.file.read_text())["failures"] == {f"1/{VAULT}": 1}


def test_open_breaker__is_a_refusal_to_act():
    assert issubclass(BreakerOpen, ActingRefused)


def test_limits__of_the_settings__are_exact():
    limits = Limits.of(OperationsSettings(loss_max_bps=12.3, price_move_max_bps=0.7))
    assert (limits.loss_max, limits.price_move_max) == (1_230_000_000_000_000, 70_000_000_000_000)
    assert (limits.vault_pause_s, limits.price_window_blocks) == (900, 25)
