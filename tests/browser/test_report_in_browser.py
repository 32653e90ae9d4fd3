"""The report's page as a reader has it: opened from a file, light and dark, on a desk and on a phone."""

from pathlib import Path
from typing import Any

import pytest
from report_samples import SYMBOLS, A, quarter

from keeper.report import page as module

LINES = {"light": "rgb(217, 223, 231)", "dark": "rgb(45, 55, 68)"}
PAPER = {"light": "rgb(255, 255, 255)", "dark": "rgb(18, 23, 30)"}
HOSTILE = "</script><img src=x onerror=alert(1)><b>x</b>{{ 7*7 }}"
# What is drawn of each chart: lines and their marks, or bars.
MARKS = ".scatterlayer .js-line, .point path"
DRAWN = """(marks) => [...document.querySelectorAll(".chart")].map((chart) => {
  const sizes = [...chart.querySelectorAll(marks)].map((mark) => mark.getBoundingClientRect());
  const box = chart.getBoundingClientRect();
  return { left: box.left, right: box.right, marks: sizes.filter((size) => size.width > 4).length };
})"""
GRID = "[...new Set([...document.querySelectorAll('.gridlayer path')].map((line) => getComputedStyle(line).stroke))]"
# Figures beside bars that lie on the bars' names.
COVERED = """[...document.querySelectorAll(".chart")].flatMap((chart) => {
  const names = [...chart.querySelectorAll(".ytick text")].map((name) => name.getBoundingClientRect());
  return [...chart.querySelectorAll(".bartext")].filter((text) => {
    const box = text.getBoundingClientRect();
    const beside = (name) => box.left >= name.right || name.left >= box.right;
    return names.some((name) => !beside(name) && box.top < name.bottom && name.top < box.bottom);
  }).map((text) => text.textContent);
})"""
# Texts whose contrast with what is behind them is below 4.5, WCAG 2.2's 1.4.3.
FAINT = """() => {
  const rgb = (text) => (text.match(/[\\d.]+/g) ?? []).map(Number);
  const luminance = (colour) => {
    const [r, g, b] = colour.map((each) => each / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const found = rgb(getComputedStyle(at).backgroundColor);
      if (found.length === 3 || found[3] === 1) return found;
    }
    return [255, 255, 255];
  };
  const faint = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE && node.textContent.trim());
    if (!own.length || !element.getClientRects().length) continue;
    const style = getComputedStyle(element);
    const colours = [rgb(element.closest("svg") ? style.fill : style.color), behind(element)];
    const [light, deep] = colours.map(luminance).sort((a, b) => b - a);
    const contrast = (light + 0.05) / (deep + 0.05);
    if (!(contrast >= 4.5)) faint.push(`${element.textContent.trim().slice(0, 40)}: ${contrast.toFixed(2)}`);
  }
  return faint;
}"""


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> Path:
    found, books, _ = quarter(SYMBOLS | {A: HOSTILE})
    file = tmp_path_factory.mktemp("page") / "page.html"
    file.write_text(module.render(found, HOSTILE, books), encoding="utf-8")
    return file


def settled(page, script: str, wanted: Any) -> Any:
    """What the script answers once that is `wanted`, or after ten seconds. The page's policy forbids `wait_for_function`."""
    for _ in range(200):
        if (found := page.evaluate(script)) == wanted:
            break
        page.wait_for_timeout(50)
    return found


def show(page, file: Path) -> None:
    """Open the file and wait until all charts are there."""
    page.goto(file.as_uri())
    drawn = "[...document.querySelectorAll('.chart')].filter((each) => each.querySelector('.main-svg')).length"
    assert settled(page, drawn, 4) == 4


@pytest.fixture(scope="module")
def shown(visit, file):
    with visit() as (page, heard):
        show(page, file)
        yield page, heard


def test_page__opened_from_a_file__asks_for_nothing_else_and_complains_of_nothing(shown, file):
    _, heard = shown
    assert heard.requests == [file.as_uri()]
    assert heard.complaints == []


@pytest.mark.parametrize(("width", "schemes"), [(1_280, ("light", "dark")), (390, ("dark", "light"))])
def test_page__reader_who_turns_the_lights_off_or_on__sees_all_charts_and_can_read_all_text(page, file, width, schemes):
    page.set_viewport_size({"width": width, "height": 844})
    page.emulate_media(color_scheme=schemes[0])
    show(page, file)
    for scheme in schemes:
        page.emulate_media(color_scheme=scheme)
        assert settled(page, "getComputedStyle(document.body).backgroundColor", PAPER[scheme]) == PAPER[scheme]
        # Charts are painted a moment after the page.
        assert settled(page, FAINT, []) == []
        assert page.evaluate(GRID) == [LINES[scheme]]
        assert page.evaluate(COVERED) == []
        drawn = page.evaluate(DRAWN, MARKS)
        assert len(drawn) == 4
        assert all(each["marks"] for each in drawn)
        assert all(0 <= each["left"] < each["right"] <= width for each in drawn)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_page__charts__have_the_data_and_the_figures_say_the_same(shown):
    page, _ = shown
    found = quarter().performance
    lines = page.evaluate("document.querySelector('.chart').data.map((each) => [each.name, each.y.length])")
    assert lines == [
        ["hold", len(found.points)],
        ["targets, no cost", len(found.points)],
        ["NAV per share", len(found.points)],
        ["rebalance", len(found.fills)],
    ]
    texts = page.locator(".chart").nth(2).locator(".bartext").all_text_contents()
    assert texts[3] == f"{found.costs.oracle_difference / 10**18:,.2f}"
    assert texts[-1] == f"{found.costs.total / 10**18:,.2f}"
    headline = page.locator(".headline .value").all_text_contents()
    assert headline[0] == f"{found.path.per_share_end / 10**18:,.2f} USD"
    assert headline[1] == f"{(1 + found.gain) / (1 + found.gain_of_hold) - 1:+.2%}"


def test_page__tables__have_a_header_for_every_column(shown):
    page, _ = shown
    tables = page.evaluate(
        """[...document.querySelectorAll("table")].map((table) => [
             table.tHead.querySelectorAll("th[scope=col]").length,
             ...new Set([...table.tBodies[0].rows].map((row) => row.cells.length)),
           ])"""
    )
    assert len(tables) == 4
    assert all(len(table) == 2 and table[0] == table[1] for table in tables)


def test_page__hostile_names__stay_text(shown):
    page, heard = shown
    assert page.locator("img, main b").count() == 0
    assert page.locator("h1").inner_text() == HOSTILE
    assert HOSTILE in page.locator(".chart").nth(1).locator(".annotation-text").all_text_contents()
    assert heard.dialogs == []
