"""Messages reach a webhook through apprise; one that hangs, fails or floods stops nobody."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from prometheus_client import CollectorRegistry, Counter
from pydantic import SecretStr

from keeper.errors import ConfigurationError
from keeper.operations import events, notify
from keeper.operations.alerts import Desk
from keeper.operations.conditions import Rules
from keeper.operations.notify import Heartbeat, Notifier, addresses, heartbeat_url, plugin
from keeper.operations.redaction import REDACTED, Redactor
from keeper.settings import OperationsSettings

KEY = "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318"


class Webhook:
    """A server on this machine; `behaviour` is a status, `hang`, or a list of statuses, one for each request."""

    def __init__(self):
        self.got, self.behaviour, self.release = [], 200, threading.Event()
        webhook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                webhook.got.append((self.path, body.decode()))
                status = webhook.behaviour
                if isinstance(status, list):
                    status = status.pop(0)
                if status == "hang":
                    webhook.release.wait(30)
                    return
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_POST

            def log_message(self, *_args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        self.host = f"127.0.0.1:{self.server.server_port}"
        self.url = SecretStr(f"json://{self.host}/secret-path")

    def close(self):
        self.release.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def webhook():
    made = Webhook()
    yield made
    made.close()


@pytest.fixture
def counted():
    return Counter("alerts", "Alerts.", ("outcome",), registry=CollectorRegistry())


@pytest.fixture
def notifier(counted):
    made = []

    def make(*urls, timeout_s=5.0, **settings):
        plugins = [plugin(url, number, timeout_s) for number, url in enumerate(urls, 1)]
        desk = Desk(Rules.of(OperationsSettings(**settings)))
        made.append(Notifier(plugins, desk, Redactor(["hush-hush"]), "test", counted, pause_s=0.001))
        return made[-1]

    yield make
    for each in made:
        each.close(0)


def count(counted, outcome):
    return counted.labels(outcome)._value.get()


def soon(check):
    deadline = time.monotonic() + 10
    while not check():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_notifier__an_alert__arrives_without_secrets(notifier, webhook, counted):
    speaker = notifier(webhook.url)
    speaker(events.LedgerFailed(f"{KEY} hush-hush https://h/path \x1b[31m\nforged"))
    speaker.close()
    ((path, body),) = webhook.got
    message = json.loads(body)
    assert path == "/secret-path"
    assert message["title"] == "[test] CRITICAL: ledger_failed of ledger"
    assert message["message"].startswith(f"{REDACTED} {REDACTED} https://h/{REDACTED} ")
    assert "\n" not in message["message"].strip()
    assert "\x1b" not in message["message"]
    assert message["type"] == "failure"
    assert count(counted, "sent") == 1


def test_notifier__answered_with_500__tries_again_and_then_counts(notifier, webhook, counted):
    webhook.behaviour = [500, 500, 200]
    speaker = notifier(webhook.url)
    speaker(events.LedgerFailed("x"))
    soon(lambda: count(counted, "sent") == 1)
    assert len(webhook.got) == 3
    webhook.behaviour = 500
    speaker(events.QuorumFailed(1, "x"))
    soon(lambda: count(counted, "failed") == 1)
    assert len(webhook.got) == 6


def test_notifier__a_webhook_that_hangs__delays_neither_the_keeper_nor_the_others(notifier, webhook, counted):
    slow = Webhook()
    slow.behaviour = "hang"
    try:
        speaker = notifier(slow.url, webhook.url, timeout_s=60.0)
        for number in range(notify.QUEUE_MAX + 10):
            speaker(events.QuorumFailed(number, "x"))
            soon(lambda number=number: len(webhook.got) == number + 1)
        assert len(slow.got) == 1
        assert count(counted, "dropped") == 9  # one is on its way
        speaker.close(0.1)
    finally:
        slow.close()


def test_notifier__a_webhook_that_hangs__is_given_up_after_the_timeout(notifier, webhook, counted):
    webhook.behaviour = "hang"
    notifier(webhook.url, timeout_s=0.05)(events.LedgerFailed("x"))
    soon(lambda: count(counted, "failed") == 1)
    assert len(webhook.got) == 3


def test_notifier__a_plugin_that_raises__is_a_failure_like_any_other(counted):
    class Broken:
        def notify(self, body, title, notify_type):
            raise RuntimeError(title)

    speaker = Notifier([Broken()], Desk(Rules.of(OperationsSettings())), Redactor(), counted=counted, pause_s=0.001)
    speaker(events.LedgerFailed("x"))
    speaker.close()
    assert count(counted, "failed") == 1


def test_notifier__what_the_desk_holds_back__is_counted(notifier, counted):
    speaker = notifier()
    for _ in range(2):
        speaker(events.LedgerFailed("x"))
        speaker(events.LedgerRestored())
    assert count(counted, "held_back") == 1


@pytest.mark.parametrize(
    "url",
    [
        "tgram://123456789:abcdefghijklmnop/12315544/",
        "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#alerts",
        "discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js",
        "jsons://host/path",
    ],
)
def test_plugin__the_services_of_the_manual__are_known(url):
    made = plugin(SecretStr(url), 1, 7.0)
    assert made.request_timeout == (7.0, 7.0)


@pytest.mark.parametrize("url", ["nonsense", "hush://x", "tgram://hush", ""])
def test_plugin__a_url_that_is_none__is_named_by_its_number(url):
    with pytest.raises(ConfigurationError, match=r"^alert URL 3 is none that apprise understands") as caught:
        plugin(SecretStr(url), 3, 1.0)
    assert "hush" not in str(caught.value)


def test_addresses__of_a_file__are_one_a_line(tmp_path):
    file = tmp_path / "urls"
    file.write_text("# mine\n\n json://a/b \njson://c\n")
    found = addresses(OperationsSettings(alert_urls_file=file))
    assert [url.get_secret_value() for url in found] == ["json://a/b", "json://c"]
    assert "json" not in repr(found)
    found = addresses(OperationsSettings(alert_urls=SecretStr("json://a\njson://b json://c")))
    assert len(found) == 3
    assert addresses(OperationsSettings()) == ()
    with pytest.raises(ConfigurationError, match=r"cannot be read .*mend operations\.alert_urls_file"):
        addresses(OperationsSettings(alert_urls_file=tmp_path / "none"))


def test_heartbeat_url__of_a_file__has_to_be_one(tmp_path):
    file = tmp_path / "url"
    file.write_text("https://hc.example/id\n")
    assert heartbeat_url(OperationsSettings(heartbeat_url_file=file)).get_secret_value() == "https://hc.example/id"
    file.write_text("hush")
    with pytest.raises(ConfigurationError, match="holds no http") as caught:
        heartbeat_url(OperationsSettings(heartbeat_url_file=file))
    assert "hush" not in str(caught.value)
    assert heartbeat_url(OperationsSettings()) is None


def test_heartbeat__beats_while_all_is_well_and_is_silent_otherwise(webhook):
    well = [True]
    heart = Heartbeat(SecretStr(f"http://{webhook.host}/ping"), 0.01, lambda: well[0], 5.0)
    soon(lambda: len(webhook.got) > 3)
    well[0] = False
    assert not heart.beat()
    heart.close()
    count = len(webhook.got)
    assert webhook.got[0][0] == "/ping"
    assert not heart._thread.is_alive()
    assert len(webhook.got) == count


@pytest.mark.parametrize("behaviour", [500, "hang", 302])
def test_heartbeat__a_service_that_fails__stops_nothing(webhook, behaviour):
    webhook.behaviour = behaviour
    heart = Heartbeat(SecretStr(f"http://{webhook.host}/ping"), 3_600, lambda: True, 0.2)
    assert not heart.beat()
    webhook.behaviour = 200
    assert heart.beat()
    heart.close()
