"""Everything together, from settings alone."""

import logging
import threading
import time

import pytest
import requests
import structlog

from keeper.errors import ActingRefused, ConfigurationError
from keeper.operations import events
from keeper.operations.assembly import Gate, Operations
from keeper.operations.breaker_file import BreakerFile
from keeper.operations.events import Failure
from keeper.settings import load

VAULT = "0x" + "a" * 40


@pytest.fixture(autouse=True)
def _logs():
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = before
    logging.getLogger("apprise").disabled = False
    structlog.reset_defaults()


@pytest.fixture
def settings(tmp_path):
    def made(**operations):
        files = {"kill_switch_file": tmp_path / "d" / "STOP", "breakers_file": tmp_path / "d" / "breakers.json"}
        given = files | {"log_file": tmp_path / "log", "log_format": "json"} | operations
        return load(arguments={"operations": given}, environment={})

    return made


def test_operations__from_settings__listen_serve_and_refuse(settings, tmp_path):
    heard = []
    urls = tmp_path / "urls"
    urls.write_text("json://127.0.0.1:1/hush-hush-path\n")
    wanted = settings(http_address="127.0.0.1:0", alert_urls_file=urls, vault_failures_max=1)
    with Operations(wanted, secrets=("p4ssw0rd",), listeners=(heard.append,)) as operations:
        operations.emit(events.Started(True, ((1, VAULT),)))
        operations.refuse(1, VAULT)
        page = requests.get(f"http://127.0.0.1:{operations.server.port}/metrics", timeout=5).text
        assert "equipoise_armed 1.0" in page
        operations.emit(events.PlanFailed(1, VAULT, Failure.TRANSACTION, "p4ssw0rd json://127.0.0.1:1/hush-hush-path"))
        with pytest.raises(ActingRefused, match="vault_failures"):
            operations.refuse(1, VAULT)
        operations.refuse(1, "0x" + "b" * 40)
        wanted.operations.kill_switch_file.touch()
        with pytest.raises(ActingRefused, match="kill switch"):
            operations.refuse(1, "0x" + "b" * 40)
        operations._opened.pop_all()  # nobody answers the alerts: not waited for
    assert [type(event).__name__ for event in heard] == ["Started", "PlanFailed", "BreakerTripped", "KillSwitch"]
    log = (tmp_path / "log").read_text()
    assert log.count("\n") >= 4
    assert "p4ssw0rd" not in log
    assert "hush-hush" not in log
    operations.server.close()


def test_operations__with_the_defaults__listen_nowhere(settings):
    with Operations(settings()) as operations:
        assert operations.server is None
        operations.emit(events.Ticked())
    assert operations.bus.failures == {}


def test_operations__when_a_part_is_wrong__close_the_others_again(settings, tmp_path):
    busy = Operations(settings(http_address="127.0.0.1:0"))
    with busy:
        with pytest.raises(ConfigurationError, match="nothing can listen"):
            Operations(settings(http_address=f"127.0.0.1:{busy.server.port}"))
        with pytest.raises(ConfigurationError, match="alert URL 1"):
            Operations(
                load(
                    arguments={"operations": settings().operations.model_dump() | {"alert_urls": "nonsense"}},
                    environment={},
                )
            )


def test_operations__the_heart__beats_once_the_keeper_could_act(settings):
    with Operations(settings(heartbeat_url="http://127.0.0.1:1/hush", heartbeat_interval_s=3_600)) as operations:
        assert not operations._is_well()
        operations.emit(events.HeadSeen(1, 1, "0x", int(time.time())))
        assert operations._is_well()
        beating = [thread for thread in threading.enumerate() if thread.name == "heartbeat"]
        assert len(beating) == 1
    assert not beating[0].is_alive()


def test_gate__without_a_bus__refuses_by_the_files(settings):
    wanted = settings()
    gate = Gate.of(wanted)
    gate.refuse(1, VAULT)
    with BreakerFile(wanted.operations.breakers_file).changing() as state:
        state.tripped = ()
        state.failures = {"x": 1}
    gate.refuse(1, VAULT)
    wanted.operations.kill_switch_file.touch()
    with pytest.raises(ActingRefused):
        gate.refuse(1, VAULT)
