"""A running box: for the length of a `with` block, or left running for other programs until `down`.

with up() as node:
    Box(node.url).call(...)
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil
from filelock import FileLock

from devnet import anvil
from devnet.box import Box
from devnet.market import refresh_feeds
from devnet.state import ensure_state
from keeper.errors import ConfigurationError
from keeper.toolchain import cache_dir

DEFAULT_PORT = 8545


@dataclass(frozen=True, slots=True)
class Node:
    """An anvil that serves a box at `url`. `created` is the process's start, which tells it from a later owner of its pid."""

    url: str
    port: int
    pid: int
    created: float
    with_morpho: bool

    def stop(self) -> None:
        """End it, if it still runs."""
        if process := self._process():
            anvil.stop(process)

    def running(self) -> bool:
        """Whether the process is there."""
        return self._process() is not None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _process(self) -> psutil.Process | None:
        try:
            process = psutil.Process(self.pid)
            alive = process.create_time() == self.created and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return None
        return process if alive else None


def up(port: int = 0, *, with_morpho: bool = False, log: Path | None = None, states: int | None = None) -> Node:
    """Start a box on `port` (0: any free one), built first when need be, its feeds fresh.

    :param states: how many blocks' states it keeps; few where None

    Raises:
        ConfigurationError: the port is taken.
        ToolchainError: a download is needed and failed.
        ChainError, TransactionError: the build or the start failed.
    """
    state = ensure_state(with_morpho)
    anvil.forget_fork_cache()
    port = port or anvil.free_port()
    process = anvil.start(port, "--load-state", str(state), log=log, states=states)
    node = Node(f"http://127.0.0.1:{port}", port, process.pid, process.create_time(), with_morpho)
    try:
        refresh_feeds(Box(node.url))
    except BaseException:
        node.stop()
        raise
    return node


def up_detached(port: int = DEFAULT_PORT, *, with_morpho: bool = False) -> Node:
    """Start a box that outlives this process, or find the one that was started so before.

    Raises:
        ConfigurationError: the port is taken, or the box that runs there lacks Morpho Blue.
        ToolchainError, ChainError, TransactionError: as for `up`.
    """
    record = _record(port)
    record.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{record}.lock"):
        node = status(port)
        if node is None:
            node = up(port, with_morpho=with_morpho, log=record.with_suffix(".log"))
            record.write_text(json.dumps(asdict(node)))
    if with_morpho and not node.with_morpho:
        raise ConfigurationError(
            f"the devnet at {node.url} runs without Morpho Blue: end it with `equipoise devnet down` first"
        )
    return node


def status(port: int = DEFAULT_PORT) -> Node | None:
    """The box that `up_detached` left running on `port`, if it still runs."""
    try:
        node = Node(**json.loads(_record(port).read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None
    return node if node.running() else None


def down(port: int = DEFAULT_PORT) -> bool:
    """End the box that `up_detached` left running on `port`; whether there was one."""
    node = status(port)
    if node:
        node.stop()
    _record(port).unlink(missing_ok=True)
    return node is not None


def _record(port: int) -> Path:
    return cache_dir() / "run" / f"devnet-{port}.json"
