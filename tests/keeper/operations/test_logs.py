"""Lines for machines and for people, from the real chain of processors, of the keeper and of libraries."""

import io
import json
import logging
import sys

import pytest
import structlog

from keeper.errors import ConfigurationError
from keeper.operations import events, logs
from keeper.operations.bus import Bus
from keeper.operations.redaction import REDACTED

KEY = "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318"


@pytest.fixture(autouse=True)
def _restored():
    root = logging.getLogger()
    before = root.handlers[:], root.level, logging.raiseExceptions
    yield
    root.handlers[:], root.level, logging.raiseExceptions = before
    logging.getLogger("apprise").disabled = False
    structlog.reset_defaults()


@pytest.fixture
def written(tmp_path):
    """Configure JSON into a file; its lines so far."""
    file = tmp_path / "logs" / "keeper.log"
    logs.configure("json", file, ["hush-hush"], logging.DEBUG)
    return lambda: [json.loads(line) for line in file.read_text().splitlines()]


def test_event_log__an_event__is_one_object_with_its_hash_and_level(written):
    logs.EventLog()(events.HeadSeen(1, 7, "0x" + KEY, 1_800_000_000))
    logs.EventLog()(events.PlanFailed(1, "0xv", events.Failure.CHAIN, f"key {KEY} at https://h/secret-path"))
    head, failed = written()
    assert (head["event"], head["hash"], head["level"], head["number"]) == ("head_seen", "0x" + KEY, "info", 7)
    assert head["timestamp"]
    assert (failed["event"], failed["level"], failed["kind"]) == ("plan_failed", "warning", "chain")
    assert failed["error"] == f"key {REDACTED} at https://h/{REDACTED}"


def test_event_log__stopped_by_a_fault__is_critical(written):
    logs.EventLog()(events.Stopped("signal", is_clean=True))
    logs.EventLog()(events.Stopped("boom", is_clean=False))
    assert [line["level"] for line in written()] == ["info", "critical"]


def test_logs__a_forged_symbol__stays_in_its_line(written):
    logs.EventLog()(events.Decided(1, "0xv", 'E\n{"event": "kill_switch"}\x1b[2J\u202e', "wait", "r"))
    (line,) = written()
    assert line["symbol"] == 'E\\u000a{"event": "kill_switch"}\\u001b[2J\\u202e'


def test_logs__an_exception__is_redacted_with_its_causes_and_keeps_its_lines(written):
    log = structlog.get_logger("keeper.test")
    try:
        try:
            raise ValueError(f"inner {KEY}\nforged line")
        except ValueError as inner:
            raise RuntimeError("outer hush-hush") from inner
    except RuntimeError:
        log.exception("failed", account="0xabc")
    (line,) = written()
    text = line["exception"]
    assert "RuntimeError: outer [redacted]" in text
    assert "inner [redacted]" in text
    assert KEY not in text
    assert "hush" not in text
    assert all(part.startswith("    ") for part in text.split("\n")[1:])


def test_logs__a_library__is_redacted_too_and_quiet_below_warnings(written):
    library = logging.getLogger("urllib3.connectionpool")
    library.debug("GET /v3/%s", KEY)
    library.warning("Retrying %s after https://h/abc", KEY)
    logging.getLogger("apprise").error("tgram://token")
    (line,) = written()
    assert line["event"] == f"Retrying {REDACTED} after https://h/{REDACTED}"
    assert line["level"] == "warning"
    assert line["timestamp"]


def test_logs__the_name_of_a_field__is_redacted_too(written):
    structlog.get_logger("keeper.test").info("x", **{KEY: 1})
    assert written()[0][REDACTED] == 1


def test_logs__for_people__one_line_each_without_colours_off_a_terminal(monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    logs.configure("console")
    logs.EventLog()(events.KillSwitch(True, "the kill switch is on\nforged"))
    line = stream.getvalue()
    assert line.count("\n") == 1
    assert "kill_switch" in line
    assert "\x1b" not in line


@pytest.mark.parametrize(("is_terminal", "is_json"), [(True, False), (False, True)])
def test_configure__auto__asks_whether_a_person_looks(monkeypatch, is_terminal, is_json):
    stream = io.StringIO()
    stream.isatty = lambda: is_terminal
    monkeypatch.setattr(sys, "stderr", stream)
    logs.configure()
    logs.EventLog()(events.QuorumRestored(1))
    assert stream.getvalue().startswith("{") is is_json


def test_logs__when_they_cannot_be_written__the_keeper_goes_on(monkeypatch):
    class Full(io.StringIO):
        def write(self, text):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(sys, "stderr", Full())
    logs.configure("json")
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    heard = []
    Bus(logs.EventLog(), heard.append).emit(events.QuorumRestored(1))
    assert heard == [events.QuorumRestored(1)]
    assert sys.stderr.getvalue() == ""  # nor is there a traceback a line


def test_configure__when_the_file_cannot_be_opened__says_which(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match=r"log file .*set operations\.log_file"):
        logs.configure("json", tmp_path / "file" / "log")
