"""What ape has built of the contracts, and whether it still holds."""

import hashlib
from pathlib import Path


def forget_stale(root: Path) -> None:
    """Have ape compile everything anew if any source has changed since this was last called for the project at `root`.

    Ape compiles a contract again when its own file changed, but not when a module or an interface that it imports did.
    """
    digest = hashlib.sha256()
    for path in sorted((root / "contracts").rglob("*.vy*")):
        digest.update(path.read_bytes())
    stamp = root / ".build" / "sources.sha256"
    if not stamp.exists() or stamp.read_text() != digest.hexdigest():
        (root / ".build" / "__local__.json").unlink(missing_ok=True)
        stamp.parent.mkdir(exist_ok=True)
        stamp.write_text(digest.hexdigest())
