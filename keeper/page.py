"""The depositor's page: its sources, and the files that a server hands out, built at first use into the user's cache.

A build is kept under a hash of all that it is made of, the packages under a hash of their lock file, so that a change of the
sources costs a second and nothing downloaded. node and npm are those of `keeper.toolchain`; no package runs a script.
"""

import hashlib
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from filelock import FileLock

from keeper.errors import ToolchainError
from keeper.toolchain import DOWNLOAD_SECONDS, cache_dir, ensure_node, npm_command, npm_environment, progress

BUILD_SECONDS = 300
_PACKAGE = Path(__file__).resolve().parent
# In a checkout the sources stand beside the package; a wheel carries them inside it.
_HOMES = (_PACKAGE.parent / "web", _PACKAGE / "_sources" / "web")
_PINS = ("package.json", "package-lock.json", ".npmrc")
_SOURCES = (*_PINS, "index.html", "vite.config.ts", "src", "public")


def sources() -> Path:
    """The folder of the page's sources.

    :raises ToolchainError: the installation carries none
    """
    for home in _HOMES:
        if (home / "index.html").is_file():
            return home
    raise ToolchainError("the page's sources are missing from this installation: install equipoise again")


def ensure_page() -> Path:
    """The folder of the built page, with its `index.html`.

    :raises ToolchainError: the packages cannot be downloaded, or do not build
    """
    home = sources()
    folder = cache_dir() / "page" / _digest(home, _SOURCES)
    if folder.exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            with TemporaryDirectory(dir=folder.parent) as temporary:
                desk = workbench(Path(temporary), _SOURCES, with_tools=False)
                with progress("Building the page"):
                    _run([str(ensure_node()), "node_modules/vite/bin/vite.js", "build", "--logLevel=error"], desk)
                (desk / "dist").rename(folder)
    return folder


def workbench(folder: Path, names: Sequence[str], *, with_tools: bool) -> Path:
    """A copy of some of the sources in `folder`, with the packages beside them.

    :param with_tools: whether the packages are there that check and test, beside those that build
    :raises ToolchainError: the packages cannot be downloaded
    """
    home = sources()
    desk = folder / "web"
    desk.mkdir()
    for name in names:
        copy = shutil.copytree if (home / name).is_dir() else shutil.copy2
        copy(home / name, desk / name)
    (desk / "node_modules").symlink_to(_ensure_packages(home, with_tools))
    return desk


def _ensure_packages(home: Path, with_tools: bool) -> Path:
    """The folder `node_modules` of the pinned packages, in the cache."""
    kind = "all" if with_tools else "build"
    folder = cache_dir() / "tools" / f"page-{kind}-{_digest(home, _PINS)}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            with TemporaryDirectory(dir=folder.parent) as temporary, progress("Downloading what builds the page"):
                staged = Path(temporary) / "packages"
                staged.mkdir()
                for name in _PINS:
                    shutil.copy2(home / name, staged / name)
                options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
                _run([*npm_command(), "ci", *options, *(() if with_tools else ("--omit=dev",))], staged)
                staged.rename(folder)
    return folder / "node_modules"


def _run(command: Sequence[str], folder: Path) -> None:
    is_npm = "ci" in command
    seconds = DOWNLOAD_SECONDS if is_npm else BUILD_SECONDS
    try:
        done = subprocess.run(
            command,
            check=False,
            cwd=folder,
            env=npm_environment(),
            capture_output=True,
            text=True,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired as error:
        raise ToolchainError(f"the page was not ready in {seconds} s: run the same command again") from error
    if done.returncode and is_npm:
        # npm's own text names hosts and paths; its error code is all that helps a person.
        code = re.search(r"(?m)^npm error code (\w+)", done.stderr)
        reason = f" ({code[1]})" if code else ""
        raise ToolchainError(
            f"cannot download what builds the page{reason}: check the network, the proxy and npm's settings, then run the same"
            " command again"
        )
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip() or "no reason given").splitlines()[-1]
        raise ToolchainError(f"the page does not build: {last}")


def _digest(home: Path, names: Sequence[str]) -> str:
    """A hash of files, and of all files in folders, by name and content."""
    digest = hashlib.sha256()
    for name in names:
        for path in sorted((home / name).rglob("*")) if (home / name).is_dir() else [home / name]:
            if path.is_file():
                content = path.read_bytes()
                digest.update(f"{path.relative_to(home).as_posix()} {len(content)}\n".encode() + content)
    return digest.hexdigest()[:16]
