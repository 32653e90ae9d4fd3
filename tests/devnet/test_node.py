"""A box starts from the cached state with fresh feeds, and ends when told to."""

import json
import socket
import time
from pathlib import Path

import psutil
import pytest
from typer.testing import CliRunner

from devnet import addresses as a
from devnet import anvil, node, state
from devnet.box import Box
from devnet.cli import app
from devnet.protocols.chainlink import ROUND
from keeper.errors import ConfigurationError


@pytest.fixture
def detached_port():
    port = anvil.free_port()
    yield port
    node.down(port)


def test_up__from_the_cached_state__is_chain_1_and_its_feeds_answered_after_the_start() -> None:
    state.ensure_state()
    time.sleep(1.1)  # block times are whole seconds: the state's own answers are older than the start, if only just
    start = int(time.time())
    with node.up() as running:
        box = Box(running.url)
        assert box.rpc("eth_chainId") == "0x1"
        assert all(box.call(feed.proxy, ROUND)[3] >= start for feed in a.FEEDS.values())
        assert box.balance(a.TOKENS["WBTC"].address, a.WHALE) > 0


def test_up__twice__gives_two_boxes_that_do_not_share_a_state(box: Box) -> None:
    usdc = a.TOKENS["USDC"].address
    box.give(usdc, a.TRADER, 1)
    with node.up() as other:
        assert Box(other.url).balance(usdc, a.TRADER) == 0


def test_ensure_state__cached__builds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    cached = state.ensure_state()
    monkeypatch.setattr(state, "build", lambda *_: pytest.fail("built again"))
    assert state.ensure_state() == cached


def test_state_path__other_anvil_or_extras__is_another_file(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = state.state_path()
    assert state.state_path(with_morpho=True) != plain
    monkeypatch.setattr(state, "ANVIL_VERSION", "0.0.0")
    assert state.state_path() != plain


def test_with_block__left__ends_the_process() -> None:
    with node.up() as running:
        assert psutil.pid_exists(running.pid)
    assert not running.running()


def test_up__on_a_taken_port__names_the_port() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"port {port} is taken"):
            node.up(port)


def test_forget_fork_cache__keeps_the_heights_of_real_forks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    heights = tmp_path / ".foundry" / "cache" / "rpc" / "mainnet"
    for height in ("475", "22000000"):
        (heights / height).mkdir(parents=True)
    anvil.forget_fork_cache()
    assert [folder.name for folder in heights.iterdir()] == ["22000000"]


def test_commands__up_status_down__tell_the_truth(detached_port: int) -> None:
    def run(command: str, exit_code: int = 0) -> dict[str, object]:
        result = CliRunner().invoke(app, [command, "--port", str(detached_port), "--json"])
        assert result.exit_code == exit_code, result.output
        return json.loads(result.stdout)

    assert run("status", exit_code=1) == {"running": False, "port": detached_port}
    started = run("up")
    assert started["url"] == f"http://127.0.0.1:{detached_port}"
    assert run("up")["pid"] == started["pid"], "a second `up` finds the first"
    assert run("status")["running"] is True
    with pytest.raises(ConfigurationError, match="without Morpho Blue"):
        node.up_detached(detached_port, with_morpho=True)
    assert run("down") == {"ended": True}
    assert not psutil.pid_exists(started["pid"]) or psutil.Process(started["pid"]).status() == psutil.STATUS_ZOMBIE
    assert run("down") == {"ended": False}
