"""Mutants of a source file, made by cosmic-ray's operators, and samples of them."""

import ast
import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.exceptions import CosmicRayTestingException
from cosmic_ray.operators.provider import OperatorProvider

Position = tuple[int, int]  # a line, counted from 1, and a character in it, counted from 0
Span = tuple[Position, Position]

_ARITHMETIC = {"Add", "Sub", "Mul", "Div", "FloorDiv", "Mod", "Pow"}
_BITWISE = {"RShift", "LShift", "BitOr", "BitAnd", "BitXor"}
_ORDER = {"Eq", "NotEq", "Lt", "LtE", "Gt", "GtE"}
_IDENTITY = {"Is", "IsNot"}

_BUILT_IN_TYPES = ("int", "float", "str", "bytes", "bool", "list", "dict", "tuple", "set")


def _is_used(operator: str) -> bool:
    """Whether an operator of cosmic-ray makes faults worth testing.

    Binary operators and comparisons are replaced by their own kind only: others always fail at once (`0.5 >> 2`), or depend on the
    interpreter (`is` between numbers). `+x` repeats `x`, and `not x` is not a number. The operators on variables choose at random and need
    to be given names.
    """
    family, _, pair = operator.partition("Operator_")
    if family in ("ReplaceBinary", "ReplaceComparison"):
        return any(set(pair.split("_")) <= kind for kind in (_ARITHMETIC, _BITWISE, _ORDER, _IDENTITY))
    if family == "ReplaceUnary":
        return pair.startswith("Delete_") or not pair.endswith(("_UAdd", "_Not"))
    return operator not in ("VariableReplacer", "VariableInserter")


OPERATORS: dict[str, Any] = {name: OperatorProvider()[name]() for name in OperatorProvider() if _is_used(name)}


@dataclass(frozen=True)
class Mutant:
    """A file's code with one fault in it.

    `id` and `place` depend on the text of the line and its function, not on the line's number. All mutants of one number, operator or
    condition share a place.
    """

    id: str
    place: str
    subject: str
    file: str
    function: str
    line: int
    body: range = field(repr=False)  # the lines of the innermost function; empty outside functions
    operator: str
    before: str
    after: str
    first: int = field(repr=False)  # index of the first line that changes
    removed: int = field(repr=False)  # how many lines change
    inserted: tuple[str, ...] = field(repr=False)  # what they become

    def apply(self, source: str) -> str:
        """The file's code with the fault."""
        lines = source.splitlines(keepends=True)
        return "".join([*lines[: self.first], *self.inserted, *lines[self.first + self.removed :]])


def enumerate_mutants(source: str, file: str, subject: str) -> list[Mutant]:
    """All mutants of a file that compile, in source order.

    Types are left out (annotations, unions, `if TYPE_CHECKING`), and so are `__all__` and changes that repeat another mutant. No operator
    changes strings, so messages and docstrings stay as they are; expressions inside f-strings are mutated.
    """
    tree, syntax, lines = get_ast(source), ast.parse(source), source.splitlines()
    left_out = [_span(node, lines) for node in _never_run(syntax)]
    scopes = [
        (_span(node, lines), node)  # the outer ones first
        for node in ast.walk(syntax)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    ]
    line_numbers: defaultdict[tuple[str, str], list[int]] = defaultdict(list)  # of equal lines in one function
    mutants = []
    offset = 0  # lines before a statement
    for statement in tree.children:
        original = statement.get_code()
        seen = {_squeeze(original)}
        for node, operator, index, position in _changes(statement):
            if any(start <= position < end for start, end in left_out):
                continue
            code = _mutate(statement, node, operator, index)
            if _squeeze(code) in seen or not _compiles(code):
                continue
            seen.add(_squeeze(code))
            around = [scope for (start, end), scope in scopes if start <= position < end]
            function = ".".join(scope.name for scope in around) or "(module)"
            text = lines[position[0] - 1].strip()
            equal_lines = line_numbers[function, text]
            if position[0] not in equal_lines:
                equal_lines.append(position[0])
            occurrence = equal_lines.index(position[0])
            skipped, old, new = _difference(original, code)
            before, after = _one_line(old), _one_line(new)
            mutants.append(
                Mutant(
                    id=_digest(file, function, operator, before, after, occurrence),
                    place=_digest(file, function, text, position[1] - lines[position[0] - 1].index(text), occurrence),
                    subject=subject,
                    file=file,
                    function=function,
                    line=position[0],
                    body=_body(around[-1]) if around else range(0),
                    operator=operator,
                    before=before,
                    after=after,
                    first=offset + skipped,
                    removed=len(old),
                    inserted=tuple(new),
                )
            )
        offset += original.count("\n")
    return mutants


def draw_sample(mutants: Sequence[Mutant], size: int, seed: int) -> list[Mutant]:
    """A stratified random sample, in random order; the same for the same seed and source, and nearly the same after a small edit.

    Each subject gets its share by its number of mutants. Within a subject places are drawn first and then one mutant in each, so that an
    operator with six replacements counts no more than a condition with one.

    Args:
        size: how many to draw; 0 for all.
    """
    ordered = sorted(mutants, key=lambda mutant: _digest(seed, mutant.id))
    if not size or size >= len(mutants):
        return ordered
    counts = Counter(mutant.subject for mutant in mutants)
    shares = {subject: size * count / len(mutants) for subject, count in counts.items()}
    quotas = {subject: int(share) for subject, share in shares.items()}
    for subject in sorted(shares, key=lambda name: (int(shares[name]) - shares[name], name))[: size - sum(quotas.values())]:
        quotas[subject] += 1
    drawn: Counter[str] = Counter()  # mutants per place
    ranked: list[tuple[int, str, Mutant]] = []
    for mutant in ordered:
        ranked.append((drawn[mutant.place], _digest(seed, mutant.place), mutant))
        drawn[mutant.place] += 1
    sample: set[str] = set()
    for _rank, _place, mutant in sorted(ranked, key=lambda entry: entry[:2]):
        if quotas[mutant.subject]:
            quotas[mutant.subject] -= 1
            sample.add(mutant.id)
    return [mutant for mutant in ordered if mutant.id in sample]


def _changes(statement: Any) -> Iterator[tuple[Any, str, int, Position]]:
    """What can be done to a statement of parso's tree: a node in it, an operator, which of the operator's changes, and where."""
    for node in list(ast_nodes(statement)):
        for name, operator in OPERATORS.items():
            if name == "AddNot" and _is_negated_otherwise(node):
                continue
            if name == "ExceptionReplacer" and node.type == "except_clause" and "." in node.get_code():
                continue  # cosmic-ray 8.7.0 takes a dotted name apart wrongly
            for index, (start, _end) in enumerate(operator.mutation_positions(node)):
                yield node, name, index, start


def _is_negated_otherwise(node: Any) -> bool:
    """Whether another operator already turns this statement's condition into its opposite, as it does `not x`, `x < y` and `True`."""
    condition = node.children[2 if node.type == "test" else 1] if len(getattr(node, "children", ())) > 2 else node
    return condition.type in ("not_test", "keyword") or (condition.type == "comparison" and len(condition.children) == 3)


def _mutate(statement: Any, node: Any, operator: str, index: int) -> str:
    """The statement's code with one change; the tree is put back as it was."""
    touched = [(inner, "children" if hasattr(inner, "children") else "value") for inner in (node.parent, *ast_nodes(node))]
    saved = [(inner, name, _copied(getattr(inner, name))) for inner, name in touched]
    changed = OPERATORS[operator].mutate(node, index)
    if changed is not node:
        siblings = node.parent.children
        at = next(i for i, sibling in enumerate(siblings) if sibling is node)
        siblings[at : at + 1] = [] if changed is None else [changed]
    code: str = statement.get_code()
    for inner, name, value in saved:
        setattr(inner, name, value)
    return code.replace(CosmicRayTestingException.__name__, "ZeroDivisionError")  # a built-in one: the file does not import cosmic-ray's


def _copied(value: Any) -> Any:
    return list(value) if isinstance(value, list) else value


def _never_run(syntax: ast.Module) -> Iterator[ast.AST]:
    """The nodes that only type checkers and readers use."""
    for node in ast.walk(syntax):
        match node:
            case ast.arg(annotation=ast.expr() as annotation) | ast.AnnAssign(annotation=annotation):
                yield annotation
            case ast.FunctionDef(returns=ast.expr() as annotation) | ast.AsyncFunctionDef(returns=ast.expr() as annotation):
                yield annotation
            case ast.If(test=ast.Name("TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING")):
                yield from (node.test, *node.body)
            case ast.Assign(targets=[ast.Name("__all__")]) | ast.AugAssign(target=ast.Name("__all__")):
                yield node
            case ast.Call(func=ast.Name("cast"), args=[annotation, *_]):
                yield annotation
            case ast.BinOp(op=ast.BitOr()) if _is_type(node):
                yield node


def _is_type(node: ast.AST) -> bool:
    """Whether an expression reads as a type: `Started | Finished`, `int | None`, `list[int] | str`; flags are `UPPER | CASE`."""
    match node:
        case ast.BinOp(left, ast.BitOr(), right):
            return _is_type(left) and _is_type(right)
        case ast.Subscript(value):
            return _is_type(value)
        case ast.Attribute(attr=name) | ast.Name(name):
            return name in _BUILT_IN_TYPES or (name[0].isupper() and name != name.upper())
        case ast.Constant(None):
            return True
    return False


def _span(node: Any, lines: Sequence[str]) -> Span:
    """From where to where a node extends, its decorators included."""
    first = min([node, *getattr(node, "decorator_list", [])], key=lambda inner: inner.lineno)

    def characters(line: int, offset_bytes: int) -> int:
        return len(lines[line - 1].encode()[:offset_bytes].decode())

    at_sign = 1 if first is not node else 0
    return (
        (first.lineno, characters(first.lineno, first.col_offset) - at_sign),
        (node.end_lineno, characters(node.end_lineno, node.end_col_offset)),
    )


def _body(scope: Any) -> range:
    return range(0) if isinstance(scope, ast.ClassDef) else range(scope.body[0].lineno, scope.end_lineno + 1)


def _difference(original: str, code: str) -> tuple[int, list[str], list[str]]:
    """How many lines two texts begin with alike, and then the lines in which they differ."""
    old, new = original.splitlines(keepends=True), code.splitlines(keepends=True)
    while old and new and old[-1] == new[-1]:
        del old[-1], new[-1]
    start = next((i for i, (line, other) in enumerate(zip(old, new, strict=False)) if line != other), min(len(old), len(new)))
    return start, old[start:], new[start:]


def _one_line(lines: Iterable[str]) -> str:
    stripped = (line.strip() for line in lines)
    return " ".join(line for line in stripped if line and not line.startswith("#"))


def _compiles(code: str) -> bool:
    try:
        compile(code, "mutant", "exec")
    except SyntaxError:
        return False
    return True


def _squeeze(code: str) -> str:
    return "".join(code.split())


def _digest(*parts: object) -> str:
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()[:10]
