"""Every reason that the contracts can revert with is expected, word for word, by some test."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted([*(ROOT / "contracts").glob("*.vy"), *(ROOT / "contracts/modules").glob("*.vy")])
TESTS = sorted(
    path
    for folder in ("unit", "e2e")
    for path in (ROOT / "tests" / folder).rglob("test_*.py")
    if path != Path(__file__)
)
LONGEST = 32  # bytes
REASON = r'(?:^\s*assert\b[^"]*?,|^\s*raise|^\s*reasons\._require\([^"]*?,)\s*"([^"]+)"'


def reasons_of(source: str) -> set[str]:
    """Text after the comma of an assert or of `_require`, and of a raise."""
    code = re.sub(r'"""[\s\S]*?"""', "", source)
    return set(re.findall(REASON, code, re.MULTILINE))


def expected_in(test: str) -> set[str]:
    """Texts that a test file carries, its docstrings aside."""
    tree = ast.parse(test)
    docstrings = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings
    }


REASONS = sorted({reason for path in SOURCES for reason in reasons_of(path.read_text())})
EXPECTED = {text for path in TESTS for text in expected_in(path.read_text())}


def test_reasons__found_in_the_sources__are_all_of_them() -> None:
    """No assert or raise without a reason, and none that the search above overlooks."""
    code = "\n".join(re.sub(r'"""[\s\S]*?"""', "", path.read_text()) for path in SOURCES)
    statements = re.findall(r"^\s*(?:assert|raise|reasons\._require)\b", code, re.MULTILINE)
    found = re.findall(REASON, code, re.MULTILINE)
    assert len(found) == len(statements) > 40


@pytest.mark.parametrize("reason", REASONS)
def test_reason__is_short_and_expected_by_a_test(reason: str) -> None:
    assert re.fullmatch(r"[a-z]+: [^.]+", reason)
    assert len(reason.encode()) <= LONGEST
    assert reason in EXPECTED
