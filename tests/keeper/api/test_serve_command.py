"""`equipoise serve` as a process: says where it listens, answers, and ends on SIGTERM."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request

import pytest
from fake_chain import FakeVault

from keeper.cli.app import main


@pytest.fixture
def alone(fake, tmp_path, monkeypatch):
    """Nothing of this machine's settings; the fake chain's endpoint."""
    for name in [name for name in os.environ if name.startswith("EQUIPOISE_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EQUIPOISE_RPC_URL", fake.url)


def refused(capsys, *arguments: str) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["equipoise", "serve", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
    assert end.value.code == 1
    return str(capsys.readouterr().err)


def test_serve__until_sigterm__answers_and_ends_well(fake, alone):
    vault = FakeVault(fake).install()
    command = [sys.executable, "-c", "from keeper.cli.app import main; main()", "serve", vault.address, "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        try:
            line = running.stdout.readline()
            assert line.startswith("Serving http://127.0.0.1:"), running.stderr.read()
            with urllib.request.urlopen(line.split()[1] + "/api/v1/vaults") as answer:
                assert json.load(answer)["vaults"][0]["symbol"] == "TWO"
                assert answer.headers["server"] is None
            running.send_signal(signal.SIGTERM)
            assert running.wait(30) == 0, running.stderr.read()
        finally:
            running.kill()


def test_serve__without_a_vault__says_so(alone, capsys):
    assert "no vault to serve: set vaults" in refused(capsys)


def test_serve__on_a_port_in_use__says_so(fake, alone, capsys):
    vault = FakeVault(fake).install()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert f"nothing can listen on 127.0.0.1 port {port}" in refused(capsys, vault.address, "--port", port)
