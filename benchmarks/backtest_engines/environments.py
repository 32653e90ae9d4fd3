"""Environments of the other engines, made by uv in the user's cache on first use: vectorbt wants numpy 2, the keeper has 1."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import platformdirs

from keeper.errors import ToolchainError

PINS = {"bt": "bt==1.4.1", "vectorbt": "vectorbt==1.2.0"}
HERE = Path(__file__).parent


def python_of(engine: str) -> Path:
    """The interpreter of an engine's environment, which is made where it is missing.

    :raises ToolchainError: uv is missing, or the package cannot be installed
    """
    pin = PINS[engine]
    folder = Path(platformdirs.user_cache_dir("equipoise")) / "backtest-engines" / pin.replace("==", "-")
    python, ready = folder / "bin" / "python", folder / "ready"
    if ready.exists():
        return python
    uv = shutil.which("uv")
    if uv is None:
        raise ToolchainError(f"{engine} needs an environment of its own: install uv, and put it on PATH")
    folder.parent.mkdir(parents=True, exist_ok=True)
    for words in (
        [uv, "venv", "-q", "--clear", "--python", sys.executable, str(folder)],
        [uv, "pip", "install", "-q", "--python", str(python), pin],
    ):
        # Away from the project, whose constraints uv would hold this environment to as well.
        done = subprocess.run(words, check=False, capture_output=True, text=True, cwd=folder.parent)
        if done.returncode:
            lines = done.stderr.strip().splitlines() or ["no reason given"]
            raise ToolchainError(f"{pin} could not be installed: {lines[0]}; see that uv reaches a package index")
    ready.touch()
    return python


def run(engine: str, folder: Path, *arrays: npt.NDArray[np.generic]) -> tuple[list[float], npt.NDArray[np.float64]]:
    """What an engine prints, and the (configurations, bars) values that it writes.

    :raises ToolchainError: it fails
    """
    paths = [folder / f"{engine}-{place}.npy" for place in range(len(arrays) + 1)]
    for path, array in zip(paths[:-1], arrays, strict=True):
        np.save(path, array)
    words = [str(python_of(engine)), str(HERE / f"{engine}_engine.py"), *map(str, paths)]
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    if done.returncode:
        raise ToolchainError(f"{PINS[engine]} failed: {done.stderr.strip().splitlines()[-1]}")
    return [float(word) for word in done.stdout.split()], np.load(paths[-1])
