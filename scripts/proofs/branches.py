"""Which jumps of a contract's bytecode are branches of its source, and what each outcome means there.

What counts as a branch: `if`, `elif`, the conditional expression, `assert`, every operand of `and` and `or`, whether a loop
over something that can be empty is entered, and each call of a function that does nothing but check its argument
(`reasons._require`), because all calls share one jump. What the compiler adds by itself does not count: overflow, bounds,
decoding, selectors, returned data, locks.

The compiler's own source map names the node of a jump but neither which of its sides the jump takes, nor, where the optimiser
turned a jump around, the node. So the compiler is watched while it works, and what it puts out is held against what it puts out
unwatched.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

from vyper import ast as vy
from vyper.compiler.input_bundle import FilesystemInputBundle
from vyper.compiler.phases import CompilerData, generate_assembly, generate_bytecode
from vyper.compiler.settings import OptimizationLevel, anchor_settings
from vyper.ir import compile_ir

PRAGMA = re.compile(r"^# pragma optimize \w+", re.MULTILINE)


@dataclass(frozen=True, slots=True, order=True)
class Branch:
    """A decision in the source. `file` is relative to the project, `line` counts from 1 and `column` from 0."""

    file: str
    line: int
    column: int
    kind: str
    text: str
    function: str


@dataclass(frozen=True, slots=True)
class Tail:
    """The last operand of `and` or `or`, decided by the jump that consumes the whole, if every operand before went on to it.

    `path` names those operands with the outcome that goes on; `negated` says that the consumer tests `not` of it.
    """

    branch: Branch
    path: tuple[tuple[Branch, bool], ...]
    negated: bool


@dataclass(frozen=True, slots=True)
class Jump:
    """A conditional jump: where it goes, its branch is `when_jumping`, else the opposite.

    `checks` says that the jump is a shared check's, with the outcome under which the check holds.
    """

    branch: Branch
    when_jumping: bool
    tails: tuple[Tail, ...] = ()
    checks: bool | None = None


@dataclass(frozen=True, slots=True)
class Site:
    """A call of a shared check."""

    branch: Branch
    tails: tuple[Tail, ...] = ()


@dataclass(slots=True)
class Code:
    """One piece of bytecode, runtime or creation, with what is to be watched in it by program counter."""

    contract: str
    bytecode: bytes
    jumps: dict[int, Jump] = field(default_factory=dict)
    sites: dict[int, Site] = field(default_factory=dict)

    def branches(self) -> set[Branch]:
        """Every branch that this code can take."""
        points: list[Jump | Site] = [*self.jumps.values(), *self.sites.values()]
        return {p.branch for p in points} | {tail.branch for p in points for tail in p.tails}


def compile_source(root: Path, path: Path, optimize: str | None = None) -> CompilerData:
    """The compiler at work on one file; with `optimize` at that level, whatever the file's own pragma says.

    Raises:
        VyperException: it does not compile.
    """
    bundle = FilesystemInputBundle([*_site_packages(), root])
    source: Any = bundle.load_file(path)
    if optimize is not None:
        contents = PRAGMA.sub("", source.contents) + f"\n# pragma optimize {optimize}\n"
        source = replace(source, contents=contents)
    return CompilerData(source, bundle)


def _site_packages() -> list[Path]:
    import snekmate

    return [Path(next(iter(snekmate.__path__))).parent]


def analyse(root: Path, path: Path) -> tuple[Code, Code]:
    """Creation and runtime code of a contract with their branches in files under `root`.

    Raises:
        VyperException: it does not compile.
        ValueError: it is compiled without optimisation, which leaves calls unattributed.
        RuntimeError: watching the compiler changed what it puts out.
    """
    data = compile_source(root, path)
    if data.settings.optimize == OptimizationLevel.NONE:
        raise ValueError(f"{path}: set `pragma optimize` to gas or codesize to have its branches told apart")
    with anchor_settings(data.settings):
        # Creation code finds its arguments behind the metadata, so it differs without.
        made = {"creation": (data.ir_nodes, bytes.fromhex(data.integrity_sum)), "runtime": (data.ir_runtime, None)}
        codes = []
        for name, (ir, metadata) in made.items():
            with _watched() as notes:
                assembly = generate_assembly(ir, data.settings.optimize)
                bytecode, maps = compile_ir.assembly_to_evm(assembly, compiler_metadata=metadata)
            plain = generate_bytecode(generate_assembly(ir, data.settings.optimize), compiler_metadata=metadata)
            if bytecode != plain:
                raise RuntimeError(f"{path}: the {name} code changes when the compiler is watched")
            codes.append(_code(root, path.stem, bytecode, notes.of(maps)))
    return codes[0], codes[1]


def _code(root: Path, contract: str, bytecode: bytes, watched: dict[int, Any]) -> Code:
    code = Code(contract, bytecode)
    seen: set[Any] = set()
    for pc, instruction in sorted(watched.items()):
        node = _node(instruction.origin, seen)
        file = _file(root, node)
        if file is None:
            continue
        key = _key(node)
        if instruction == "JUMP":
            if instruction.origin.value == "goto" and isinstance(node, vy.Call) and _is_shared_check(node):
                branch = _branch(file, node, "require", node)
                code.sites[pc] = Site(branch, tuple(_tails(file, node.args[0])))
        elif isinstance(node, vy.BoolOp) and instruction.origin.value == "if":
            code.jumps[pc] = _operand_jump(file, node, instruction)
        elif key not in seen and (jump := _jump(file, node, instruction)):
            seen.add(key)
            code.jumps[pc] = jump
    return code


def _key(node: Any) -> tuple[str, int]:
    return node.module_node.resolved_path, node.node_id


def _node(ir: Any, seen: set[Any]) -> Any:
    """The node in the source that an IR node was made for; None when the compiler made it of its own accord."""
    node = ir.ast_source and ir.ast_source.get_original_node()
    if ir.value == "repeat" and not isinstance(node, vy.For):
        # Of a loop over a list only the body is attributed; an outer loop's jumps come before those of the loops in it.
        for source in _sources(ir.args[4]):
            loops = [source] if isinstance(source, vy.For) else []
            while loop := (loops[-1] if loops else source).get_ancestor(vy.For):
                loops.append(loop)
            for loop in reversed(loops):
                if _key(loop) not in seen:
                    return loop
            if loops:
                return loops[0]
    node = node.value if isinstance(node, vy.Expr) else node
    # A conversion that costs nothing leaves the code of its argument, under its own name.
    while ir.value == "if" and isinstance(node, vy.Call) and getattr(node.func, "id", None) == "convert":
        node = node.args[0]
    return node


def _jump(file: str, node: Any, instruction: Any) -> Jump | None:
    """The branch of a jump that is not an operand's; None for what the compiler added."""
    ir = instruction.origin
    if isinstance(node, vy.For):
        # Of a loop's jumps only the one that skips it has its own test: how often it runs. The others count and bound.
        return Jump(_branch(file, node, "for", node.iter), when_jumping=False) if instruction.skips_loop else None
    if isinstance(node, vy.Assert) and ir.value in ("if", "assert"):
        # `assert` jumps to the revert; with a reason it jumps over it.
        holds = (ir.value == "if") != instruction.inverted
        return Jump(
            _branch(file, node, "assert", node.test), holds, tuple(_tails(file, node.test)), _checks(node, holds=True)
        )
    if isinstance(node, (vy.If, vy.IfExp)) and ir.value == "if":
        kind = "if" if isinstance(node, vy.If) else "ternary"
        when_jumping = _is_swapped(ir, node) != instruction.inverted
        tails = tuple(_tails(file, node.test))
        return Jump(_branch(file, node, kind, node.test), when_jumping, tails, _checks(node, holds=False))
    return None


def _operand_jump(file: str, node: Any, instruction: Any) -> Jump:
    ir = instruction.origin
    operand = node.values[getattr(ir, "place", 0)]
    kind = "and" if isinstance(node.op, vy.And) else "or"
    _, is_swapped = _rest(ir, node)
    branch = _branch(file, operand, kind, operand)
    return Jump(branch, is_swapped != instruction.inverted, tuple(_tails(file, operand)))


def _rest(ir: Any, node: Any) -> tuple[Any, bool]:
    """Of an operand's `if`, the arm that goes on to the next operand, and whether the optimiser has exchanged the arms.

    `a and b` is compiled as `b if a else 0`, `a or b` as `1 if a else b`.
    """
    is_and = isinstance(node.op, vy.And)
    fixed, rest = (2, 1) if is_and else (1, 2)
    is_swapped = ir.args[fixed].value != (0 if is_and else 1)
    return ir.args[fixed if is_swapped else rest], is_swapped


def _is_swapped(ir: Any, node: Any) -> bool:
    """Whether the optimiser has exchanged the arms of an `if` with an `else`."""
    if len(ir.args) == 2:
        return False
    first = node.body if isinstance(node.body, list) else [node.body]
    other = node.orelse if isinstance(node.orelse, list) else [node.orelse]
    for source in _sources(ir.args[1]):
        if any(_holds(outer, source) for outer in first):
            return False
        if any(_holds(outer, source) for outer in other):
            return True
    return any(_holds(outer, source) for source in _sources(ir.args[2]) for outer in first)


def _sources(ir: Any) -> Iterator[Any]:
    if ir.ast_source is not None:
        yield ir.ast_source.get_original_node()
    for argument in ir.args:
        yield from _sources(argument)


def _holds(outer: Any, inner: Any) -> bool:
    return (
        outer.module_node.path == inner.module_node.path
        and (outer.lineno, outer.col_offset) <= (inner.lineno, inner.col_offset)
        and (inner.end_lineno, inner.end_col_offset) <= (outer.end_lineno, outer.end_col_offset)
    )


def _tails(file: str, test: Any, path: tuple[tuple[Branch, bool], ...] = (), negated: bool = False) -> Iterator[Tail]:
    """The last operand of the `and` or `or` that a test is, and that one's last operand where it is one itself."""
    while isinstance(test, vy.UnaryOp) and isinstance(test.op, vy.Not):
        test, negated = test.operand, not negated
    if isinstance(test, vy.BoolOp):
        is_and = isinstance(test.op, vy.And)
        kind = "and" if is_and else "or"
        before = tuple((_branch(file, operand, kind, operand), is_and) for operand in test.values[:-1])
        last = test.values[-1]
        yield Tail(_branch(file, last, kind, last), path + before, negated)
        yield from _tails(file, last, path + before, negated)


def _is_shared_check(call: Any) -> bool:
    """Whether what a call enters has no other purpose than to check its first argument."""
    function = getattr(call.func, "_metadata", {}).get("type")
    declared = getattr(function, "decl_node", None)
    return isinstance(declared, vy.FunctionDef) and _checks(declared.body[0], holds=True) is not None


def _checks(statement: Any, holds: bool) -> bool | None:
    """`holds`, if the statement is all that its function does and tests the function's first argument; else None."""
    function = statement.get_ancestor(vy.FunctionDef)
    if function is None or function.body != [statement] or not function.args.args:
        return None
    test = statement.test if isinstance(statement, (vy.If, vy.Assert)) else None
    if isinstance(statement, vy.If) and not statement.orelse and isinstance(test, vy.UnaryOp):
        test = test.operand
    elif isinstance(statement, vy.If):
        return None
    return holds if isinstance(test, vy.Name) and test.id == function.args.args[0].arg else None


def _branch(file: str, place: Any, kind: str, text: Any) -> Branch:
    function = place.get_ancestor(vy.FunctionDef).name
    return Branch(file, place.lineno, place.col_offset, kind, " ".join(text.node_source_code.split()), function)


def _file(root: Path, node: Any) -> str | None:
    """The file of a node relative to `root`; None for what lies elsewhere."""
    path = getattr(getattr(node, "module_node", None), "resolved_path", None)
    if path is None or not Path(path).is_relative_to(root / "contracts"):
        return None
    return Path(path).relative_to(root).as_posix()


class _Notes:
    """Instructions by program counter, apart for each piece of code: creation code assembles the runtime code within."""

    def __init__(self) -> None:
        self._pieces: list[tuple[Any, dict[int, Any]]] = []

    def of(self, maps: Any) -> dict[int, Any]:
        """The notes of the piece whose maps the compiler returned, or is filling."""
        for piece, notes in self._pieces:
            if piece is maps:
                return notes
        self._pieces.append((maps, {}))
        return self._pieces[-1][1]


@contextmanager
def _watched() -> Iterator[_Notes]:
    """Let every jump of the assembly carry its `origin`, the IR node that it was made for, and whether it was `inverted`."""
    compile_node, note = compile_ir._compile_to_assembly, compile_ir.note_line_num
    notes = _Notes()

    def compile_and_tag(code: Any, *args: Any, **kwargs: Any) -> Any:
        node = _node(code, set())
        place = getattr(code, "place", 0) + 1
        if code.value == "if" and isinstance(node, vy.BoolOp) and place < len(node.values) - 1:
            # Only the outer ones of a chain are attributed.
            rest, _ = _rest(code, node)
            rest.ast_source, rest.place = node, place
        operations = compile_node(code, *args, **kwargs)
        for i, operation in enumerate(operations):
            if operation in ("JUMPI", "JUMP") and not hasattr(operation, "origin"):
                operation.origin, operation.inverted = code, False
                operation.skips_loop = code.value == "repeat" and operations[i - 3 : i - 1] == ["DUP1", "ISZERO"]
        return operations

    def invert_and_keep(assembly: Any) -> bool:
        """As the compiler's `_optimize_inefficient_jumps`, which forgets where the jump that it turns around came from."""
        changed, i = False, 0
        while i < len(assembly) - 6:
            label, jumpi, other, jump, target, jumpdest = assembly[i : i + 6]
            if (
                (jumpi, jump, jumpdest, label) == ("JUMPI", "JUMP", "JUMPDEST", target)
                and compile_ir.is_symbol(label)
                and compile_ir.is_symbol(other)
            ):
                changed = True
                jumpi.inverted = not jumpi.inverted
                assembly[i : i + 4] = ["ISZERO", other, jumpi]
            else:
                i += 1
        return changed

    def note_and_keep(line_number_map: Any, pc: int, item: Any) -> None:
        if hasattr(item, "origin"):
            notes.of(line_number_map)[pc] = item
        note(line_number_map, pc, item)

    with (
        patch.object(compile_ir, "_compile_to_assembly", compile_and_tag),
        patch.object(compile_ir, "_optimize_inefficient_jumps", invert_and_keep),
        patch.object(compile_ir, "note_line_num", note_and_keep),
    ):
        yield notes
