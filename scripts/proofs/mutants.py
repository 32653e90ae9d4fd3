"""Small faults for a Vyper file, each of the kind that money maths and access checks die of.

Comparisons by one and turned round, + and −, × and ÷, rounding up and down, min and max, checks and writes to storage left
out, 0 and 1, conditions negated, `and` and `or`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vyper import ast as vy

COMPARISONS = {
    **{"<=": "<", ">=": ">", "<": "<=", ">": ">=", "==": "!=", "!=": "=="},
    **{"in": "not in", "not in": "in"},
}
ARITHMETIC = {"+": "-", "-": "+", "*": "//", "//": "*"}
LOGIC = {"and": "or", "or": "and"}
NAMES = {"min": "max", "max": "min"}
ROUNDING = {"_up": "_down", "_down": "_up"}
ORDERS = (vy.Lt, vy.LtE, vy.Gt, vy.GtE)
CHECK = re.compile(r"_?(require|check)")


@dataclass(frozen=True, slots=True)
class Mutant:
    """One fault: `source[start:end]` of `file` becomes `replacement`.

    `before` and `after` are the lines that it touches, spaces collapsed: what it is known by, wherever those lines stand.
    """

    file: str
    line: int
    operator: str
    start: int
    end: int
    replacement: str
    before: str
    after: str

    def applied(self, source: str) -> str:
        """The source with the fault."""
        return source[: self.start] + self.replacement + source[self.end :]

    @property
    def key(self) -> tuple[str, str, str]:
        """What an accepted survivor is listed by."""
        return self.file, self.before, self.after


def mutants(root: Path, file: str) -> list[Mutant]:
    """Every mutant of a file, in the order of the source.

    Raises:
        VyperException: the file does not parse.
    """
    source = (root / file).read_text()
    tree = vy.parse_to_ast(source)
    imported = {alias for node in tree.get_descendants((vy.Import, vy.ImportFrom)) for alias in _names(node)}
    found = []
    for function in tree.get_descendants(vy.FunctionDef):
        unpacked = _unpacked(function)
        for statement in function.body:
            for node in (statement, *statement.get_descendants()):
                if isinstance(node.get_ancestor(), vy.AnnAssign) and node.get_ancestor().target.get("id") in unpacked:
                    continue
                for operator, start, end, replacement in _faults(source, node, imported):
                    found.append(_mutant(source, file, operator, start, end, replacement))
    return sorted(set(found), key=lambda mutant: (mutant.start, mutant.end, mutant.replacement))


def _unpacked(function: Any) -> set[str]:
    """Locals that a tuple is unpacked into: what they are declared with means nothing, but Vyper asks for it."""
    targets = [node.target for node in function.get_descendants(vy.Assign) if isinstance(node.target, vy.Tuple)]
    return {name.id for target in targets for name in target.elements if isinstance(name, vy.Name)}


def _names(node: Any) -> Iterator[str]:
    yield getattr(node, "alias", None) or str(node.name).rpartition(".")[2]


def _mutant(source: str, file: str, operator: str, start: int, end: int, replacement: str) -> Mutant:
    first = source.rfind("\n", 0, start) + 1
    last = source.find("\n", end)
    last = len(source) if last < 0 else last
    before = " ".join(source[first:last].split())
    after = " ".join((source[first:start] + replacement + source[end:last]).split())
    return Mutant(file, source.count("\n", 0, start) + 1, operator, start, end, replacement, before, after)


Fault = tuple[str, int, int, str]


def _faults(source: str, node: Any, imported: set[str]) -> Iterator[Fault]:  # noqa: PLR0912  (a case for each kind)
    start, end = _span(node)
    match node:
        case vy.Compare():
            yield from _between(source, node.left, node.right, COMPARISONS, "comparison")
        case vy.BinOp():
            yield from _between(source, node.left, node.right, ARITHMETIC, "arithmetic")
        case vy.BoolOp():
            for left, right in zip(node.values, node.values[1:], strict=False):
                yield from _between(source, left, right, LOGIC, "logic")
        case vy.Call(func=vy.Name(id=name)) if name in NAMES:
            yield "min and max", *_span(node.func), NAMES[name]
        case vy.Call(func=vy.Attribute(attr=name)):
            for ending, other in ROUNDING.items():
                if name.endswith(ending):
                    yield "rounding", _span(node.func)[1] - len(ending), _span(node.func)[1], other
        case vy.Int() if node.value in (0, 1) and source[start:end] in ("0", "1"):
            yield "constant", start, end, str(1 - node.value)
        case vy.NameConstant() if source[start:end] in ("True", "False"):
            yield "constant", start, end, str(source[start:end] == "False")
        case vy.UnaryOp(op=vy.Not()):
            operand = _span(node.operand)[0]
            yield "negation", start, operand, ""
        case vy.If() | vy.IfExp() if not _is_flipped(node.test):
            yield "negation", *_span(node.test), f"not ({source[slice(*_span(node.test))]})"
        case vy.Assert():
            yield "check left out", start, end, "pass"
        case vy.Expr(value=vy.Call(func=vy.Attribute(attr=name))) if CHECK.match(name):
            yield "check left out", start, end, "pass"
        case vy.Assign() | vy.AugAssign() if _root(node.target) in {"self"} | imported:
            yield "write left out", start, end, "pass"
    if isinstance(node, vy.AugAssign):
        signs = {f"{sign}=": f"{other}=" for sign, other in ARITHMETIC.items()}
        yield from _between(source, node.target, node.value, signs, "arithmetic")


def _is_flipped(test: Any) -> bool:
    """Whether another fault negates a test already."""
    return isinstance(test, vy.UnaryOp) or (isinstance(test, vy.Compare) and not isinstance(test.op, ORDERS))


def _between(source: str, left: Any, right: Any, others: Mapping[str, str], operator: str) -> Iterator[Fault]:
    """The operator that stands between two nodes, replaced."""
    low, high = _span(left)[1], _span(right)[0]
    found = re.search(r"[^\s()\\]+(?: in\b)?", re.sub(r"#[^\n]*", lambda m: " " * len(m[0]), source[low:high]))
    if found and found[0] in others:
        yield operator, low + found.start(), low + found.end(), others[found[0]]


def _span(node: Any) -> tuple[int, int]:
    start, length, _ = node.src.split(":")
    return int(start), int(start) + int(length)


def _root(target: Any) -> str | None:
    """The name that a target hangs on: `self` or a module for storage, a local's own otherwise."""
    is_local = True
    while isinstance(target, (vy.Attribute, vy.Subscript)):
        is_local = False
        target = target.value
    return target.id if isinstance(target, vy.Name) and not is_local else None


def hosts(root: Path, file: str) -> list[Path]:
    """The deployable contracts, mocks included, that a file is part of; itself, if it is one."""
    modules = root / "contracts" / "modules"
    found = []
    for path in sorted((root / "contracts").rglob("*.vy")):
        if path.parent != modules and root / file in _imports(root, path, set()):
            found.append(path)
    return found


def _imports(root: Path, path: Path, seen: set[Path]) -> set[Path]:
    if path in seen or not path.exists():
        return seen
    seen.add(path)
    for package, name in re.findall(r"^from (contracts(?:\.\w+)*) import (\w+)", path.read_text(), re.MULTILINE):
        _imports(root, root / package.replace(".", "/") / f"{name}.vy", seen)
    return seen
