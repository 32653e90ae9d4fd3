"""The page's build: kept, made anew when a source changes, and never left half made. Nothing is downloaded here."""

import json
import re
from pathlib import Path

import pytest
import snekmate.tokens

from keeper import contracts
from keeper import page as module
from keeper.errors import ToolchainError


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """Sources of a page, a cache, and a build that only copies."""
    home = tmp_path / "web"
    for name in module._SOURCES:
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        if name in ("src", "public"):
            (home / name).mkdir()
            (home / name / "file").write_text(name)
        else:
            (home / name).write_text(name)
    monkeypatch.setattr(module, "_HOMES", (home,))
    monkeypatch.setenv("EQUIPOISE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(module, "_ensure_packages", lambda *_: tmp_path)
    return home


@pytest.fixture
def builds(monkeypatch) -> list[str]:
    """What every build found in src/file."""
    found: list[str] = []

    def build(_, folder: Path) -> None:
        found.append((folder / "src" / "file").read_text())
        (folder / "dist").mkdir()
        (folder / "dist" / "index.html").write_text(found[-1])

    monkeypatch.setattr(module, "_run", build)
    return found


def test_ensure_page__twice__builds_once(home, builds):
    assert module.ensure_page() == module.ensure_page()
    assert builds == ["src"]


def test_ensure_page__after_a_source_changed__builds_anew_and_keeps_the_old(home, builds):
    before = module.ensure_page()
    (home / "src" / "file").write_text("changed")
    after = module.ensure_page()
    assert builds == ["src", "changed"]
    assert (before / "index.html").read_text() == "src"
    assert (after / "index.html").read_text() == "changed"


def test_ensure_page__build_that_fails__leaves_nothing_behind(home, builds, monkeypatch):
    def fail(*_) -> None:
        raise ToolchainError("the page does not build")

    with monkeypatch.context() as patched:
        patched.setattr(module, "_run", fail)
        with pytest.raises(ToolchainError, match="does not build"):
            module.ensure_page()
    assert (module.ensure_page() / "index.html").is_file()
    assert builds == ["src"]


def test_sources__installation_without_them__says_to_install_again(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_HOMES", (tmp_path,))
    with pytest.raises(ToolchainError, match="install equipoise again"):
        module.sources()


def test_lock_file__names_no_host_and_pins_every_package():
    home = module.sources()
    lock = json.loads((home / "package-lock.json").read_text())
    packages = {name: each for name, each in lock["packages"].items() if name}
    assert all("resolved" not in each for each in packages.values())
    assert all(each["integrity"].startswith("sha512-") for each in packages.values())
    wanted = json.loads((home / "package.json").read_text())
    pins = wanted["dependencies"] | wanted["devDependencies"]
    assert {name: packages[f"node_modules/{name}"]["version"] for name in pins} == pins


def test_words__of_reverts__are_of_reasons_that_the_contracts_give():
    words = (module.sources() / "src" / "words.ts").read_text()
    told = set(re.findall(r'(?m)^  "((?:vault|basket|erc20|zap|executor|uniswap): [^"]+)":', words))
    shares = Path(next(iter(snekmate.tokens.__path__))) / "erc20.vy"
    texts = [path.read_text() for path in [*contracts.sources().rglob("*.vy"), shares]]
    given = {
        reason
        for text in texts
        for reason in re.findall(r'"((?:vault|basket|erc20|zap|executor|uniswap): [^"]+)"', text)
    }
    assert told
    assert told <= given
