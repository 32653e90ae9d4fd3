"""What the health endpoint says, over HTTP, and that nobody can hold it up."""

import socket

import pytest
import requests
from prometheus_client import CollectorRegistry, Counter

from keeper.errors import ConfigurationError
from keeper.operations import events
from keeper.operations.health import Health
from keeper.operations.server import Server, split

VAULT = "0xv"


class Clock:
    def __init__(self):
        self.now = 1_000_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def health(clock):
    return Health(60, 120, clock, clock)


@pytest.fixture
def server(health):
    registry = CollectorRegistry()
    Counter("tests", "A test.", registry=registry).inc()
    made = Server("127.0.0.1:0", registry, health)
    yield made
    made.close()


def get(server, path, method="GET"):
    return requests.request(method, f"http://127.0.0.1:{server.port}{path}", timeout=5)


def test_healthz__while_the_loop_goes_round__is_ok(server, health, clock):
    assert get(server, "/healthz").status_code == 200
    clock.now += 60
    assert get(server, "/healthz").status_code == 200
    clock.now += 1
    answer = get(server, "/healthz")
    assert (answer.status_code, answer.text) == (503, "FAIL loop: last went round 61 s ago\n")
    health(events.Ticked())
    assert get(server, "/healthz").status_code == 200
    health(events.Stopped("signal", is_clean=True))
    assert get(server, "/healthz").status_code == 503


def test_readyz__wants_a_fresh_head_of_every_chain(server, health, clock):
    assert get(server, "/readyz").status_code == 503
    health(events.Started(True, ((1, VAULT), (10, VAULT))))
    health(events.HeadSeen(1, 1, "0x", int(clock.now)))
    answer = get(server, "/readyz")
    assert answer.status_code == 503
    assert "FAIL head of chain 10: no block was seen yet" in answer.text
    health(events.HeadSeen(10, 1, "0x", int(clock.now) - 120))
    assert get(server, "/readyz").status_code == 200
    health(events.HeadSeen(10, 2, "0x", int(clock.now) - 121))
    assert get(server, "/readyz").status_code == 503
    health(events.HeadSeen(10, 2, "0x", int(clock.now) + 121))
    assert get(server, "/readyz").status_code == 503


@pytest.mark.parametrize(
    ("failed", "restored"),
    [
        (events.LedgerFailed("secret"), events.LedgerRestored()),
        (events.SignerFailed("0xa", "secret"), events.SignerRestored("0xa")),
        (events.QuorumFailed(1, "secret"), events.QuorumRestored(1)),
    ],
)
def test_readyz__without_what_acting_needs__fails_and_tells_no_details(server, health, clock, failed, restored):
    health(events.HeadSeen(1, 1, "0x", int(clock.now)))
    assert get(server, "/readyz").status_code == 200
    health(failed)
    answer = get(server, "/readyz")
    assert answer.status_code == 503
    assert "secret" not in answer.text
    health(restored)
    assert get(server, "/readyz").status_code == 200


def test_readyz__the_kill_switch__is_no_fault(server, health, clock):
    health(events.HeadSeen(1, 1, "0x", int(clock.now)))
    health(events.KillSwitch(True))
    assert get(server, "/readyz").status_code == 200


def test_server__serves_metrics_and_nothing_else(server):
    assert "tests_total 1.0" in get(server, "/metrics").text
    assert get(server, "/healthz", "HEAD").status_code == 200
    for path, method in (("/", "GET"), ("/healthz/x", "GET"), ("/metrics", "POST"), ("/healthz", "DELETE")):
        assert get(server, path, method).status_code == 404


def test_server__a_client_that_says_nothing__holds_nobody_up(server):
    with socket.create_connection(("127.0.0.1", server.port)), socket.create_connection(("127.0.0.1", server.port)):
        assert get(server, "/healthz").status_code == 200


def test_server__where_somebody_listens_already__says_which_setting(server, health):
    with pytest.raises(ConfigurationError, match=r"nothing can listen on .*set operations\.http_address"):
        Server(f"127.0.0.1:{server.port}", CollectorRegistry(), health)


def test_server__on_ipv6__too(health):
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    try:
        made = Server("[::1]:0", CollectorRegistry(), health)
    except ConfigurationError:
        pytest.skip("no IPv6 here")
    try:
        assert requests.get(f"http://[::1]:{made.port}/healthz", timeout=5).status_code == 200
    finally:
        made.close()


def test_split__an_address__into_host_and_port():
    assert split("[::1]:9464") == ("::1", 9464)
    assert split("localhost:1") == ("localhost", 1)
