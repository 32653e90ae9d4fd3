"""Archives are checked and whole, tools come from them, and what cannot be had is said in one line."""

import base64
import hashlib
import io
import platform
import tarfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from devnet import packages
from devnet.artifacts import parse_artifact
from keeper import toolchain
from keeper.errors import ToolchainError
from keeper.toolchain import Package

BYTES = b"an archive"
DIGEST = "sha512-" + base64.b64encode(hashlib.sha512(BYTES).digest()).decode()
PACKAGE = Package("npm", "@some/package", "1.2.3", DIGEST)
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EQUIPOISE_CACHE", str(tmp_path))
    return tmp_path


def serve(monkeypatch: pytest.MonkeyPatch, data: bytes) -> list[Package]:
    """Stand in for the registry; the list grows with each download."""
    downloads: list[Package] = []

    def download(package: Package, folder: Path) -> Path:
        downloads.append(package)
        archive = folder / "package.tgz"
        archive.write_bytes(data)
        return archive

    monkeypatch.setattr(toolchain, "_download", download)
    return downloads


def test_fetch__right_bytes__are_downloaded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    downloads = serve(monkeypatch, BYTES)
    assert toolchain.fetch(PACKAGE).read_bytes() == BYTES
    assert toolchain.fetch(PACKAGE).read_bytes() == BYTES
    assert downloads == [PACKAGE]


def test_fetch__other_bytes_than_pinned__is_refused_and_nothing_is_kept(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(monkeypatch, BYTES + b"!")
    with pytest.raises(ToolchainError, match=r"@some/package@1\.2\.3 .* does not match its pinned digest"):
        toolchain.fetch(PACKAGE)
    assert [path.name for path in (cache / "packages").iterdir() if path.suffix != ".lock"] == []


def test_fetch__damaged_in_the_cache__is_downloaded_again(monkeypatch: pytest.MonkeyPatch) -> None:
    downloads = serve(monkeypatch, BYTES)
    toolchain.fetch(PACKAGE).write_bytes(b"damaged")
    assert toolchain.fetch(PACKAGE).read_bytes() == BYTES
    assert len(downloads) == 2


def test_fetch__by_two_at_once__downloads_once(monkeypatch: pytest.MonkeyPatch) -> None:
    downloads = serve(monkeypatch, BYTES)
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(lambda _: toolchain.fetch(PACKAGE), range(8)))) == 1
    assert len(downloads) == 1


@pytest.mark.parametrize("package", [packages.WETH, packages.APE], ids=str)
def test_fetch__registry_unreachable__names_package_and_fix_and_no_host(
    package: Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("npm_config_registry", NOWHERE)
    monkeypatch.setenv("PIP_INDEX_URL", NOWHERE)
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    with pytest.raises(ToolchainError) as error:
        toolchain.fetch(package)
    text = str(error.value)
    assert f"cannot download {package} from {package.registry}" in text
    assert "check the network, the proxy" in text
    assert "127.0.0.1" not in text
    assert "\n" not in text


def test_fetch_all__one_package_unreachable__raises(monkeypatch: pytest.MonkeyPatch) -> None:
    serve(monkeypatch, BYTES)
    with pytest.raises(ToolchainError, match="other@1"):
        toolchain.fetch_all([PACKAGE, Package("npm", "other", "1", "sha512-AAAA")], "Downloading")


def test_pins__each_package__has_a_digest() -> None:
    pinned = [value for value in vars(packages).values() if isinstance(value, Package)] + list(packages.SOLC.values())
    assert len(pinned) >= 22
    assert all(package.digest for package in pinned)


def npm_archive(path: str, data: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        member = tarfile.TarInfo(path)
        member.size = len(data)
        tar.addfile(member, io.BytesIO(data))
    return out.getvalue()


def serve_anvil(monkeypatch: pytest.MonkeyPatch, archive: bytes) -> list[Package]:
    digest = "sha512-" + base64.b64encode(hashlib.sha512(archive).digest()).decode()
    monkeypatch.setattr(toolchain, "ANVIL", {kind: replace(p, digest=digest) for kind, p in toolchain.ANVIL.items()})
    return serve(monkeypatch, archive)


def test_ensure_anvil__fresh_cache__is_an_executable_alone_in_its_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    downloads = serve_anvil(monkeypatch, npm_archive("package/bin/anvil", b"native"))
    anvil = toolchain.ensure_anvil()
    assert anvil.read_bytes() == b"native"
    assert anvil.stat().st_mode & 0o111 == 0o111
    assert [path.name for path in toolchain.tool_path().iterdir()] == ["anvil"]
    assert len(downloads) == 1


def test_ensure_anvil__archive_without_the_binary__leaves_no_half_install(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve_anvil(monkeypatch, npm_archive("package/readme", b"nothing"))
    with pytest.raises(ToolchainError, match="holds no anvil"):
        toolchain.ensure_anvil()
    assert [path for path in (cache / "tools").iterdir() if path.suffix != ".lock"] == []


@pytest.mark.parametrize(
    ("system", "machine", "kind"),
    [("Linux", "x86_64", "linux-amd64"), ("Linux", "aarch64", "linux-arm64"), ("Darwin", "arm64", "darwin-arm64")],
)
def test_ensure_anvil__each_platform__takes_its_own_package(
    system: str, machine: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    downloads = serve_anvil(monkeypatch, npm_archive("package/bin/anvil", b"native"))
    monkeypatch.setattr(platform, "system", lambda: system)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    toolchain.ensure_anvil()
    assert [package.name for package in downloads] == [f"@foundry-rs/anvil-{kind}"]


def test_ensure_anvil__unknown_platform__names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    with pytest.raises(ToolchainError, match="riscv64"):
        toolchain.ensure_anvil()


def test_read__file_that_the_package_lacks__is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    archive = npm_archive("package/build/A.json", b"{}")
    serve(monkeypatch, archive)
    package = replace(PACKAGE, digest=None)
    assert packages.read(package, ["build/A.json"]) == {"build/A.json": b"{}"}
    with pytest.raises(ToolchainError, match=r"holds no build/B\.json"):
        packages.read(package, ["build/A.json", "build/B.json"])


def test_parse_artifact__truffle_foundry_and_0x_layouts__give_the_same_code() -> None:
    links = {"a.sol": {"Lib": [{"start": 3, "length": 20}]}}
    foundry = {"bytecode": {"object": "0x60ff", "linkReferences": links}}
    assert parse_artifact({"bytecode": "0x60ff"}).code == "60ff"
    assert parse_artifact({"bytecode": "60ff", "linkReferences": links}) == parse_artifact(foundry)
    assert parse_artifact({"compilerOutput": {"evm": {"bytecode": {"object": "0x60ff"}}}}).code == "60ff"
    assert parse_artifact(foundry).links == (("Lib", 3),)
    with pytest.raises(ToolchainError, match="no bytecode"):
        parse_artifact({"bytecode": "0x"})
