"""The page stands alone, and a hostile name is only a name."""

import re
from html.parser import HTMLParser

import pytest
from report_samples import DECIMALS, REBALANCER, SYMBOLS, VAULT, A, B, Logs, state_of, story_of

from keeper.report import page
from keeper.report.books import of_vault
from keeper.report.costs import cost
from keeper.report.decode import decode
from keeper.report.lots import Method
from keeper.report.path import walk
from keeper.report.performance import measure
from keeper.report.pricing import count
from keeper.report.records import Filled
from keeper.report.states import Receipt

WAD = 10**18
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
    logs = Logs().tx(1, "seed").seed({A: 50 * WAD, B: 50 * 10**6}, 100 * WAD)
    logs.tx(2, "fill").fill((A, 10 * WAD), (B, 19 * 10**6), 20 * WAD, 19 * WAD)
    told = decode(logs.found, VAULT, REBALANCER, (A, B), logs.times)
    story = story_of(told.deeds, 3, told.transfers)
    supply = 100 * WAD + 10**16
    states = [
        state_of(1, {A: WAD, B: WAD}, {A: 50 * WAD, B: 50 * 10**6}, supply),
        state_of(2, {A: 2 * WAD, B: WAD}, {A: 40 * WAD, B: 69 * 10**6}, supply),
        state_of(3, {A: 3 * WAD, B: WAD}, {A: 40 * WAD, B: 69 * 10**6}, supply),
    ]
    (filled,) = (deed for deed in story.deeds if isinstance(deed, Filled))
    counted = {(2, filled.place.index): count(filled, VAULT, DECIMALS, {A: (2 * WAD,), B: (WAD,)})}
    path = walk(story, states, counted, DECIMALS)
    receipt = Receipt("0x1", 2, "0x2", True, A, 10**15, 1, 0, {REBALANCER: (20 * WAD, 19 * WAD)}, ())
    prices = {A: 2 * WAD, B: WAD}
    fill = cost(filled, counted[2, filled.place.index], -WAD, [20 * WAD], 0, receipt, {}, prices, DECIMALS, WAD)
    found = measure(story, states, path, [fill], [], SYMBOLS | {A: HOSTILE}, DECIMALS)
    books = of_vault(story, {state.block: state for state in states}, counted, DECIMALS, Method.FIFO)
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
    own = rendered.replace(page.get_plotlyjs(), "")
    assert not re.search(r"https?://(?!evil\.example)", own)


def test_render__hostile_names__are_text(rendered):
    found = read(rendered)
    own = rendered.replace(page.get_plotlyjs(), "")
    assert "<img" not in own
    assert "onerror=alert(1)>" not in own
    assert "49" not in "".join(word for word in found.words if "alert" in word)
    assert any(HOSTILE in word for word in found.words)
    # Plotly reads names as markup of its own: there they are escaped once more.
    assert "\\u003cimg" not in own
    assert "&lt;img" in own or "\\u0026lt;img" in own


def test_render__any_vault__has_its_charts_and_tables(rendered):
    words = "".join(read(rendered).words)
    for title in ("NAV per share", "Weights", "Costs", "Rebalances", "Lots", "Disposals", "Where it came from"):
        assert title in words
    assert rendered.count('class="plotly-graph-div"') == 4
    assert "prefers-color-scheme: dark" in rendered
    assert 'name="viewport"' in rendered
