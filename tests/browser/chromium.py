"""A headless Chromium for the tests: pinned, without root, installed once into the user's cache.

npm's `@sparticuz/chromium` packs the binary, the few libraries that a bare Linux lacks (NSS, NSPR, Expat), a font and a
software renderer, each with Brotli; node unpacks them. Nothing is installed into the system and nothing runs as a package's
script.

    EQUIPOISE_CHROMIUM   another Chromium or Chrome, for platforms that the package has no binary for
"""

import os
import platform
import subprocess
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.sax.saxutils import escape

from filelock import FileLock

from keeper.errors import ToolchainError
from keeper.toolchain import Package, cache_dir, ensure_node, fetch, progress

VERSION = "153.0.0"
PACKAGE = Package(
    "npm",
    "@sparticuz/chromium",
    VERSION,
    "sha512-jiGWqSvPMdu4+P9TilYqAR7yEGPEHINx+lCvE/NqNO/EHYzF/x1hUiI5T6ioVIt7dEy7n88byyT0vk+dnsgQwA==",
)
# No sandbox and no zygote: both need rights that a container does not give. Drawing is done by SwiftShader, without a GPU.
ARGUMENTS = ("--no-sandbox", "--no-zygote", "--use-gl=angle", "--use-angle=swiftshader")
_ARCHIVES = ("al2023.tar", "fonts.tar", "swiftshader.tar")
_UNPACK = """
const { createReadStream, createWriteStream } = require("node:fs");
const { pipeline } = require("node:stream/promises");
const { createBrotliDecompress } = require("node:zlib");
(async () => {
  for (const file of process.argv.slice(1))
    await pipeline(createReadStream(file), createBrotliDecompress(), createWriteStream(file.slice(0, -3)));
})();
"""
# The package's own names folders of the machine that it was made for.
_FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>{folder}/fonts</dir>
  <cachedir>{folder}/fonts-cache</cachedir>
</fontconfig>
"""


def ensure_chromium() -> Path:
    """The browser's binary, downloaded at first use (70 MB; 215 MB unpacked).

    Raises:
        ToolchainError: no binary for this platform, the registry cannot be reached, or the archive is not the pinned one.
    """
    if named := os.environ.get("EQUIPOISE_CHROMIUM"):
        return Path(named)
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        raise ToolchainError(
            f"no pinned Chromium for {platform.system()} on {platform.machine()}: name one in EQUIPOISE_CHROMIUM"
        )
    folder = cache_dir() / "tools" / f"chromium-{VERSION}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            with progress(f"Installing Chromium {VERSION}"), TemporaryDirectory(dir=folder.parent) as temporary:
                made = _unpack(fetch(PACKAGE), Path(temporary))
                (made / "fonts.conf").write_text(_FONTS.format(folder=escape(str(folder))), encoding="utf-8")
                made.rename(folder)
    return folder / "chromium"


def environment(binary: Path) -> dict[str, str]:
    """What the process needs beside the caller's: the package's libraries and font, so that a page looks alike everywhere."""
    folder = binary.parent
    if not (folder / "fonts.conf").exists():
        return dict(os.environ)
    return {**os.environ, "LD_LIBRARY_PATH": str(folder / "lib"), "FONTCONFIG_FILE": str(folder / "fonts.conf")}


def _unpack(archive: Path, folder: Path) -> Path:
    with tarfile.open(archive) as tar:
        tar.extractall(folder, members=[each for each in tar if each.name.startswith("package/bin/")], filter="data")
    made = folder / "package" / "bin"
    packed = sorted(made.glob("*.br"))
    subprocess.run([str(ensure_node()), "--eval", _UNPACK, *map(str, packed)], check=True)
    for path in packed:
        path.unlink()
    for name in _ARCHIVES:
        with tarfile.open(made / name) as tar:
            tar.extractall(made, filter="data")
        (made / name).unlink()
    (made / "chromium").chmod(0o755)
    return made
