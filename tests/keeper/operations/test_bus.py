"""Every listener hears every event in order; one that fails hurts only itself."""

import threading

import structlog
from structlog.testing import capture_logs

from keeper.chain.rpc import Reverted, TransientError
from keeper.errors import AggregatorError, ConfigurationError, EquipoiseError, NoRoute, OracleError, SignerError
from keeper.operations.bus import Bus
from keeper.operations.events import EndpointRestored, Event, Failure, QuorumRestored, Ticked


def test_emit__a_listener_that_fails__is_counted_logged_and_passed_over():
    class Broken:
        def __call__(self, event: Event) -> None:
            raise RuntimeError("boom")

    heard = []
    bus = Bus(Broken(), heard.append)
    with capture_logs() as lines:
        bus.emit(Ticked())
        bus.emit(Ticked())
    assert heard == [Ticked(), Ticked()]
    assert bus.failures == {"Broken": 2}
    assert lines[0]["listener"] == "Broken"
    assert (lines[0]["on"], lines[0]["error"]) == ("Ticked", "RuntimeError('boom')")


def test_emit__when_the_log_fails_too__goes_on(monkeypatch):
    def fail(*_args):
        raise OSError("full")

    monkeypatch.setattr(structlog, "get_logger", fail)
    heard = []
    bus = Bus(fail, heard.append)
    bus.emit(Ticked())
    assert heard == [Ticked()]
    assert sum(bus.failures.values()) == 1


def test_emit__what_a_listener_emits__comes_after_for_everybody():
    bus = Bus()

    def answer(event: Event) -> None:
        if event == Ticked():
            bus.emit(QuorumRestored(1))
            bus.emit(QuorumRestored(2))

    heard = []
    bus.add(answer)
    bus.add(heard.append)
    bus.emit(Ticked())
    assert heard == [Ticked(), QuorumRestored(1), QuorumRestored(2)]


def test_emit__from_many_threads__never_two_at_once_and_none_lost():
    inside, most, heard = [0], [0], []

    def listener(event: Event) -> None:
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        heard.append(event)
        inside[0] -= 1

    bus = Bus(listener)
    threads = [
        threading.Thread(target=lambda n=n: [bus.emit(EndpointRestored(n, str(i))) for i in range(200)])
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1]
    assert len(heard) == 1600
    for n in range(8):
        assert [event.name for event in heard if event.chain_id == n] == [str(i) for i in range(200)]


def test_failure__of_an_error__is_its_kind():
    assert Failure.of(AggregatorError("x")) is Failure.AGGREGATOR
    assert Failure.of(TransientError("x")) is Failure.CHAIN
    assert Failure.of(ConfigurationError("x")) is Failure.CONFIGURATION
    assert Failure.of(NoRoute("x")) is Failure.NO_ROUTE
    assert Failure.of(OracleError("x")) is Failure.ORACLE
    assert Failure.of(SignerError("x")) is Failure.SIGNER
    assert Failure.of(Reverted(b"")) is Failure.TRANSACTION
    assert Failure.of(EquipoiseError("x")) is Failure.of(KeyError("x")) is Failure.UNEXPECTED
