"""One anvil process: started from its native binary, answered for, and ended so that it has time to write its state."""

import shutil
import socket
import subprocess
import time
from pathlib import Path

import psutil

from devnet.box import Box
from keeper.errors import ChainError, ConfigurationError
from keeper.toolchain import ensure_anvil

START_SECONDS = 30
STOP_SECONDS = 30
# A box's own heights are small; folders of real, pinned forks lie far above and are kept.
BOX_HEIGHTS = 1_000_000
# Prague, because ape's plugins and the compilers know it; a block has room for the largest transactions of a test.
OPTIONS = ("--chain-id", "1", "--auto-impersonate", "--gas-limit", "100000000", "--hardfork", "prague", "--quiet")
# Left to itself anvil writes the state of every old block below ~/.foundry/anvil/tmp and never deletes it: gigabytes a run.
SHORT_MEMORY = ("--prune-history", "64")


def free_port() -> int:
    """A TCP port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(port: int, *options: str, log: Path | None = None, states: int | None = None) -> psutil.Popen:
    """Start anvil in a session of its own and wait until it answers; its output goes to `log` or nowhere.

    :param states: how many blocks' states it keeps; few where None

    Raises:
        ConfigurationError: the port is taken.
        ChainError: it ended or did not answer in time.
        ToolchainError: there is no anvil and none can be installed.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise ConfigurationError(f"port {port} is taken by another program: choose another with --port") from error
    memory = SHORT_MEMORY if states is None else ("--prune-history", str(states))
    command = [str(ensure_anvil()), "--port", str(port), *OPTIONS, *memory, *options]
    with (log or Path("/dev/null")).open("wb") as out:
        process = psutil.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, start_new_session=True
        )
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if _answers(port):
            return process
        time.sleep(0.02)
    stop(process)
    raise ChainError(f"anvil did not start on port {port}" + (f": see {log}" if log else ""))


def _answers(port: int) -> bool:
    try:
        Box(f"http://127.0.0.1:{port}").rpc("eth_chainId")
    except ChainError:
        return False
    return True


def stop(process: psutil.Process) -> None:
    """End the process and wait for it, politely first: it may be writing its state."""
    try:
        process.terminate()
        process.wait(STOP_SECONDS)
    except psutil.NoSuchProcess:
        return
    except psutil.TimeoutExpired:
        process.kill()
        process.wait(STOP_SECONDS)


def forget_fork_cache() -> None:
    """Delete what forking anvils have cached of boxes.

    They key it by chain and height alone: another box of the same height would shine through.
    """
    root = Path.home() / ".foundry" / "cache" / "rpc" / "mainnet"
    for folder in root.iterdir() if root.is_dir() else ():
        if folder.name.isdigit() and int(folder.name) < BOX_HEIGHTS:
            shutil.rmtree(folder, ignore_errors=True)
