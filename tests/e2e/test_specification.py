"""Every numbered rule of SPECIFICATION.md names tests, and those exist."""

import ast
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "tests"
SPECIFICATION = (ROOT / "SPECIFICATION.md").read_text()
TITLE = "Tests of the rules"


def rules_of(text: str) -> list[str]:
    """Numbers of the rules, in their order, repeats included."""
    return re.findall(r"^- \*\*([A-Z]+\d+)\*\* ", text, re.MULTILINE)


def entries_of(text: str) -> list[tuple[str, list[str]]]:
    """Each entry of the list of tests: the number of a rule, and `path::name` of its tests."""
    entries = re.findall(r"^- ([A-Z]+\d+)\n((?:  - .*\n?)*)", text.partition(f" {TITLE}\n")[2], re.MULTILINE)
    return [(rule, re.findall(r"^  - `(.+)`$", lines, re.MULTILINE)) for rule, lines in entries]


def defined(test: str) -> bool:
    """Whether `path::name` is a test function of a file under tests/."""
    path, _, name = test.partition("::")
    file = TESTS / path
    if not (file.is_file() and file.name.startswith("test_") and name.startswith("test_")):
        return False
    return any(isinstance(node, ast.FunctionDef) and node.name == name for node in ast.parse(file.read_text()).body)


def faults(rules: Sequence[str], entries: Sequence[tuple[str, Sequence[str]]]) -> list[str]:
    """What is wrong between the rules and their tests, one line each."""
    named: Mapping[str, Sequence[str]] = dict(entries)
    numbers = [rule for rule, _ in entries]
    return [
        *(f"{rule} is used twice" for rule in sorted(set(rules)) if rules.count(rule) > 1),
        *(f"{rule} is listed twice" for rule in sorted(set(numbers)) if numbers.count(rule) > 1),
        *(f"{rule} has no test" for rule in rules if not named.get(rule)),
        *(f"{rule} is no rule" for rule in numbers if rule not in rules),
        *(f"{rule}: there is no test {test}" for rule, tests in entries for test in tests if not defined(test)),
    ]


def test_rules__of_the_specification__each_has_tests_that_exist() -> None:
    rules = rules_of(SPECIFICATION)
    assert len(rules) > 35
    assert faults(rules, entries_of(SPECIFICATION)) == []


def test_rules__of_every_section__are_found() -> None:
    """No bullet with a bold start that the search above overlooks."""
    bullets = re.findall(r"^\s*[-*] \*\*", SPECIFICATION, re.MULTILINE)
    assert len(bullets) == len(rules_of(SPECIFICATION))


GOOD = "e2e/test_specification.py::test_rules__of_every_section__are_found"
RULE = "- **Z1** Something holds.\n"
ENTRY = f"\n## 9. {TITLE}\n\n- Z1\n  - `{GOOD}`\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (RULE + ENTRY, []),
        (RULE, ["Z1 has no test"]),
        (RULE + f"\n## 9. {TITLE}\n\n- Z1\n", ["Z1 has no test"]),
        (RULE + RULE + ENTRY, ["Z1 is used twice"]),
        (RULE + ENTRY + f"- Z1\n  - `{GOOD}`\n", ["Z1 is listed twice"]),
        (ENTRY, ["Z1 is no rule"]),
        (RULE + ENTRY + f"  - `{GOOD}_not`\n", [f"Z1: there is no test {GOOD}_not"]),
        (RULE + ENTRY + "  - `e2e/test_nowhere.py::test_a`\n", ["Z1: there is no test e2e/test_nowhere.py::test_a"]),
        (
            RULE + ENTRY + "  - `e2e/test_specification.py::faults`\n",
            ["Z1: there is no test e2e/test_specification.py::faults"],
        ),
    ],
)
def test_faults__of_a_broken_specification__are_named(text: str, expected: list[str]) -> None:
    assert faults(rules_of(text), entries_of(text)) == expected
