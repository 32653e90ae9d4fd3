"""The cache of built boxes: one state file for each version of this package, of anvil, and of the choice of extras."""

from hashlib import sha256
from pathlib import Path

from filelock import FileLock

from devnet.artifacts import load_bundle
from devnet.builder import build
from keeper.toolchain import ANVIL_VERSION, cache_dir, ensure_anvil, progress


def state_path(with_morpho: bool = False) -> Path:
    """Where the state of these sources is, or will be."""
    here = Path(__file__).parent
    digest = sha256(ANVIL_VERSION.encode())
    for source in sorted((*here.rglob("*.py"), *here.rglob("*.sol"))):
        digest.update(source.read_bytes())
    extra = "-morpho" if with_morpho else ""
    return cache_dir() / f"state-{digest.hexdigest()[:16]}{extra}.json"


def ensure_state(with_morpho: bool = False) -> Path:
    """The state file, downloaded, compiled and built when the cache does not have it.

    Raises:
        ToolchainError: anvil or a package cannot be had.
        ChainError, TransactionError: the build failed.
    """
    path = state_path(with_morpho)
    if path.exists():
        return path
    with FileLock(f"{path}.lock"):
        if not path.exists():
            ensure_anvil()
            bundle = load_bundle(with_morpho)
            with progress("Deploying and seeding the devnet"):
                build(bundle, path)
    return path
