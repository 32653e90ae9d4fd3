"""The page stands alone, and a hostile name is only a name."""

import re
from html.parser import HTMLParser

import pytest
from report_samples import SYMBOLS, A, quarter

from keeper.report import page

HOSTILE = "</script><img src=x onerror=alert(1)><a href='https://evil.example'>x</a>{{ 7*7 }}"
VOID = {"meta", "br", "img", "link", "input", "hr"}


class Reader(HTMLParser):
    """Which elements there are, with what attributes, and whether each is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("script", "style"):
            self.words.append(data)


@pytest.fixture(scope="module")
def rendered() -> str:
    found, books, _ = quarter(SYMBOLS | {A: HOSTILE})
    return page.render(found, HOSTILE, books)


def read(text: str) -> Reader:
    found = Reader()
    found.feed(text)
    found.close()
    return found


def test_render__any_vault__is_well_formed_and_asks_no_network(rendered):
    found = read(rendered)
    assert found.open == []
    assert not [
        tag for tag, _ in found.seen if tag in ("link", "img", "iframe", "object", "embed", "base", "form", "a")
    ]
    assert not [
        pair for _, attrs in found.seen for pair in attrs.items() if pair[0] in ("src", "href", "srcset", "action")
    ]
    (policy,) = (attrs["content"] for _, attrs in found.seen if attrs.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert "http" not in policy
    assert not re.search(r"https?://(?!evil\.example)", rendered)


def test_render__hostile_names__are_text(rendered):
    found = read(rendered)
    assert "<img" not in rendered
    assert "onerror=alert(1)>" not in rendered
    assert "49" not in "".join(word for word in found.words if "alert" in word)
    assert any(HOSTILE in word for word in found.words)
    # Plotly reads names as markup of its own: there they are escaped once more.
    assert "\\u003cimg" not in rendered
    assert "&lt;img" in rendered


def test_render__any_vault__has_its_charts_and_tables(rendered):
    words = "".join(read(rendered).words)
    for title in ("NAV per share", "Weights", "Costs", "Rebalances", "Lots", "Disposals", "Where it came from"):
        assert title in words
    assert rendered.count('class="chart"') == 4
    assert "prefers-color-scheme: dark" in rendered
    assert 'name="viewport"' in rendered
