"""Compiled functions that are kept on disk, in a folder for each state of the code that they are made of.

Numba looks at the file of the function alone to see whether its machine code is stale, and not at those of the functions that
it calls: after an update the rules of yesterday would decide.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import platformdirs
from numba import config, njit

_KEEPER = Path(__file__).parents[2]
_PARTS = ("policy/rules/*.py", "policy/cube_root.py", "backtest/*.py")

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(**options: Any) -> Callable[[Function], Function]:
    """`numba.njit` with a cache that is as fresh as the code. For entry points; what they call is in their machine code."""

    def decorate(function: Function) -> Function:
        before = vars(config)["CACHE_DIR"]
        folder = Path(before) if before else Path(platformdirs.user_cache_dir("equipoise")) / "compiled"
        vars(config)["CACHE_DIR"] = str(folder / _digest())
        try:
            made: Function = njit(cache=True, error_model="numpy", **options)(function)
        finally:
            vars(config)["CACHE_DIR"] = before
        return made

    return decorate


def _digest() -> str:
    found = hashlib.sha256()
    for part in _PARTS:
        for path in sorted(_KEEPER.glob(part)):
            found.update(path.read_bytes())
    return found.hexdigest()[:16]
