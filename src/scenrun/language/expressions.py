"""Parses an expression with Python's parser and refuses everything outside the subset that a scenario may use."""

from __future__ import annotations

import ast
import keyword
import re
from typing import Any

from msgspec import Struct

from scenrun.errors import Place
from scenrun.language.other_words import declared
from scenrun.language.placed import place_of
from scenrun.language.suggestions import did_you_mean

MAX_TEXT = 2_000
MAX_NESTING = 40
MAX_BITS = 4_096

FUNCTIONS = ("len", "min", "max", "abs", "sum", "sorted", "range", "int", "float", "str", "bool", "round", "any", "all")
CONVERSIONS = ("list", "tuple", "set")
"""The functions that make a value of another's items. Only calls of them have this meaning, so that a file may have the names."""
NOW = "now"
"""The function that reads the clock. Only a call of it has this meaning, so that a file may have the name."""
DRAWS = {"randint": 2, "random": 0, "uniform": 2, "choice": 1, "hex": 1}
"""The functions of `random` and the number of arguments of each."""
VALUE_METHODS = {
    "split": (0, 2), "join": (1, 1), "strip": (0, 1), "lower": (0, 0), "upper": (0, 0), "startswith": (1, 1),
    "endswith": (1, 1), "replace": (2, 2), "find": (1, 1), "isdigit": (0, 0), "index": (1, 1), "count": (1, 1),
    "get": (1, 2), "keys": (0, 0), "values": (0, 0), "items": (0, 0), "union": (1, 1), "intersection": (1, 1),
    "difference": (1, 1), "issubset": (1, 1), "issuperset": (1, 1), "isdisjoint": (1, 1),
}  # fmt: skip
"""The methods of texts, lists, tuples, mappings and sets, each with the least and the most of its arguments."""
_STEPS = {
    "append": "append: {to: items, item: x}", "pop": "pop: {from: items, into: x}", "remove": "pop: {from: items, at: 0}",
    "add": "set: {seen: 'seen | {x}'}", "discard": "set: {seen: 'seen - {x}'}", "update": "set: {seen: seen | others}",
}  # fmt: skip
"""The methods that change a value, by the step that does it."""
TAKE_GENERATORS = ("sum", "min", "max", "any", "all", "sorted")
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
"""The functions that take a generator in place of a list."""
METHOD_QUESTIONS = ("is_set", "qsize", "empty", "full", "locked", "is_alive", "done", "running", "cancelled")
ATTRIBUTE_QUESTIONS = ("n_waiting", "broken", "parties", "count")
COUNT = "count"
"""Of a group or an array: how many there are, which the file says."""
RESERVED = frozenset(
    ("main", "index", "name", "error", "random", "inside", "none", "null", "true", "false", *FUNCTIONS)
) | frozenset(__import__("keyword").kwlist)
"""Names that have a meaning in the language and cannot be declared."""

_BINARY = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow,
           ast.BitAnd, ast.BitOr, ast.BitXor, ast.LShift, ast.RShift)  # fmt: skip
_COMPARISONS = (ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.In, ast.NotIn, ast.Is, ast.IsNot)
_GLUED = re.compile(
    r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[A-Za-z_]\w*|"""
    r"""(?P<glued>(?:0[xX][0-9a-fA-F_]+|[0-9][0-9_]*\.?[0-9_]*(?:[eE][-+]?[0-9]+)?)(?:and|else|for|if|in|is|not|or)\b)|[0-9.]+"""
)
"""Matches names and quoted texts as wholes, so that `glued` matches only at the start of a number."""
_ESCAPE = re.compile(r"\\.", re.DOTALL)
_KNOWN_ESCAPES = "\\'\"abfnrtv01234567xuUN\n"
_SENTENCES = (
    ("was never closed", "this bracket is never closed"),
    ("does not match", "this bracket closes another kind of bracket"),
    ("unmatched", "this bracket was never opened"),
    ("unterminated", "this quote is never closed"),
    ("too many nested", "too many brackets inside one another"),
    ("forgot a comma", "an operator or a comma is missing"),
    ("leading zeros", "a number does not begin with 0"),
    ("decimal literal", "a name or number is badly written here"),
    ("'else'", "`x if c else y` needs its `else`"),
    ("unexpected EOF", "something is missing at its end"),
)
"""Messages by a part of Python's own, whose words differ between its versions."""
_REFUSED = {
    ast.Lambda: "a lambda",
    ast.NamedExpr: "an assignment",
    ast.JoinedStr: "an f-string",
    ast.Starred: "a `*`",
    ast.Await: "an await",
    ast.Yield: "a yield",
    ast.YieldFrom: "a yield",
}


_INSTEAD = {
    ast.Lambda: "name a behaviour instead",
    ast.NamedExpr: "`set` assigns",
    ast.JoinedStr: "the texts of `log` take `{expressions}`",
}


class ExpressionError(ValueError):
    """The text is not an expression of the subset; `offset` is the position of the error in characters of the text."""

    def __init__(self, message: str, offset: int = 0, place: Place | None = None) -> None:
        self.offset = offset
        self.place = place
        """The place of the text that `offset` counts in, where that is not the whole value."""
        super().__init__(message)


class Expression(Struct, frozen=True, eq=False):
    """A checked expression: its syntax tree, its text and the place of the text."""

    tree: ast.expr
    text: str
    place: Place | None = None

    def at(self, node: ast.AST) -> Place | None:
        """The place in the file of a part of this expression."""
        own: Place | None = getattr(node, "place", None)
        return own or (self.place.moved(offset_of(self.text, node)) if self.place else None)


def offset_of(text: str, node: ast.AST) -> int:
    """The number of characters before `node` in its expression's text; the tree itself counts UTF-8 bytes."""
    column: int = getattr(node, "col_offset", 0)
    return len(text.encode()[:column].decode(errors="ignore"))


def parse(value: Any) -> Expression:
    """Parse the value of an expression field.

    Text is parsed; a number, boolean or null is a constant; a list or mapping is a display of expressions.
    """
    if isinstance(value, str):
        place, lead = place_of(value), len(value) - len(value.lstrip())
        return Expression(_parse_text(value), value.strip(), place.moved(lead) if place else None)
    tree = _display(value)
    return Expression(tree, ast.unparse(tree), place_of(value))


def _display(value: Any) -> ast.expr:
    """The syntax tree of a list or mapping of expressions, or of a plain constant."""
    if isinstance(value, str):
        return _placed(value)
    if isinstance(value, list):
        return ast.List([_display(item) for item in value], ast.Load())
    if isinstance(value, dict):
        keys: list[ast.expr | None] = [ast.Constant(str(key)) for key in value]
        return ast.Dict(keys, [_display(item) for item in value.values()])
    if isinstance(value, int) and value.bit_length() > MAX_BITS:
        raise ExpressionError(f"an integer has at most {MAX_BITS:,} bits")
    return ast.Constant(value)


def _placed(text: str) -> ast.expr:
    """The syntax tree of one text inside a list or mapping, with the place of each node."""
    place = place_of(text)
    try:
        tree = _parse_text(text)
    except ExpressionError as error:
        raise ExpressionError(str(error), error.offset, place) from None
    stripped, lead = text.strip(), len(text) - len(text.lstrip())
    if place is not None:
        for node in ast.walk(tree):
            node.place = place.moved(lead + offset_of(stripped, node))  # type: ignore[attr-defined]
    return tree


def _parse_text(text: str) -> ast.expr:
    stripped = text.strip()
    if not stripped:
        raise ExpressionError("an expression is missing; empty text is written \"''\"")
    if len(text) > MAX_TEXT:
        raise ExpressionError(f"an expression of {len(text):,} characters; at most {MAX_TEXT:,} are allowed")
    for found in _ESCAPE.finditer(text):
        if found.group()[1] not in _KNOWN_ESCAPES:
            raise ExpressionError(f"`{found.group()}` is no escape that Python knows", found.start())
    lead = len(text) - len(text.lstrip())
    if glued := _number_and_word(stripped):
        raise ExpressionError(f"`{glued.group()}`: write a space after the number", lead + glued.start())
    try:
        tree = ast.parse(stripped, mode="eval").body
    except SyntaxError as error:
        at = lead + max(0, (error.offset or 1) - 1)
        raise ExpressionError(f"not an expression: {_python_says(stripped, error)}", min(at, len(text))) from None
    except (ValueError, MemoryError, RecursionError):
        raise ExpressionError("not an expression: nested too deeply, or not text") from None
    _Checker(stripped, lead).check(tree, 0)
    return tree


def _number_and_word(text: str) -> re.Match[str] | None:
    """The first number that a keyword follows without a space, such as `1if`: newer Pythons warn of it, and will refuse it."""
    return next((found for found in _GLUED.finditer(text) if found["glued"]), None)


def _python_says(text: str, error: SyntaxError) -> str:
    if re.search(r"(?<![=!<>])=(?!=)", text) and "==" not in text:
        return "`=` does not compare; write `==`"
    if re.search(r"![rsa]\s*\Z", text):
        return "`!` and a letter say nothing here; leave them out"
    if "&&" in text or "||" in text or re.search(r"!(?!=)", text):
        return "write `and`, `or`, `not`"
    says = str(error.msg)
    for part, sentence in _SENTENCES:
        if part in says:
            return sentence
    if (error.offset or 1) > len(text) or re.search(r"(?:[-+*/%<>=&|^,.(]|\b(?:and|or|not|in|is|if|else))\Z", text):
        return "something is missing at its end"
    if re.fullmatch(r"[A-Za-z_]\w*(?: [A-Za-z_]\w*)+[.!?]?", text) and not keyword.iskeyword(text.split()[0]):
        return f"text is quoted twice: \"'{text[:40]}'\""
    return "this is not how Python writes one"


class _Checker:
    """Walks a syntax tree and refuses nodes outside the subset."""

    def __init__(self, text: str, lead: int) -> None:
        self.text = text
        self.lead = lead
        self.taken: set[int] = set()
        """The generators that are the only argument of a function that takes one."""

    def refuse(self, node: ast.AST, message: str) -> ExpressionError:
        return ExpressionError(message, self.lead + offset_of(self.text, node))

    def check(self, node: ast.AST, depth: int) -> None:
        if depth > MAX_NESTING:
            raise self.refuse(
                node, f"more than {MAX_NESTING} operations inside one another; compute it in several steps"
            )
        name = type(node).__name__
        check = getattr(self, f"check_{name}", None)
        if check is None:
            what = _REFUSED.get(type(node), f"`{name}`")
            instead = _INSTEAD.get(type(node), "`scenrun help expressions` lists what is")
            raise self.refuse(node, f"{what} is not part of the language; {instead}")
        check(node)
        for child in self._children(node):
            self.check(child, depth + 1)

    @staticmethod
    def _children(node: ast.AST) -> list[ast.expr]:
        if isinstance(node, ast.Call):
            owner = [node.func.value] if isinstance(node.func, ast.Attribute) and not _is_random(node.func) else []
            return [*owner, *node.args]
        if isinstance(node, COMPREHENSIONS):
            (one,) = node.generators
            return [*(n for n in ast.iter_child_nodes(node) if isinstance(n, ast.expr)), one.iter, *one.ifs]
        return [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)]

    def check_Constant(self, node: ast.Constant) -> None:  # noqa: N802
        if isinstance(node.value, int) and node.value.bit_length() > MAX_BITS:
            raise self.refuse(node, f"an integer has at most {MAX_BITS:,} bits")
        if isinstance(node.value, str) and any("\ud800" <= c <= "\udfff" for c in node.value):
            raise self.refuse(node, "half of a surrogate pair is no text")
        if not isinstance(node.value, int | float | str | None):
            raise self.refuse(node, f"`{ast.unparse(node)}` is no value of the language")

    def check_Name(self, node: ast.Name) -> None:  # noqa: N802
        if node.id in FUNCTIONS or node.id in ("inside", "random"):
            raise self.refuse(node, f"`{node.id}` is called: `{node.id}(..)`")
        if node.id.startswith("__"):
            raise self.refuse(node, f"`{node.id}` is no name that a scenario can use")

    def check_BinOp(self, node: ast.BinOp) -> None:  # noqa: N802
        if not isinstance(node.op, _BINARY):
            raise self.refuse(node, "this operator is not part of the language")
        if isinstance(node.op, ast.Pow) and _constant_too_large(node):
            raise self.refuse(node, f"this power is larger than {MAX_BITS:,} bits")

    def check_UnaryOp(self, node: ast.UnaryOp) -> None:  # noqa: N802
        pass

    check_BoolOp = check_UnaryOp  # noqa: N815
    check_IfExp = check_UnaryOp  # noqa: N815
    check_List = check_UnaryOp  # noqa: N815
    check_Tuple = check_UnaryOp  # noqa: N815
    check_Set = check_UnaryOp  # noqa: N815
    check_Slice = check_UnaryOp  # noqa: N815

    def check_ListComp(self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp) -> None:  # noqa: N802
        first, *others = node.generators
        if others:
            raise self.refuse(others[0].target, "a comprehension has one `for`; write the other as a step")
        if not isinstance(first.target, ast.Name):
            raise self.refuse(first.target, "a comprehension has one variable; take its parts by index")
        inner = [n for part in ast.iter_child_nodes(node) for n in ast.walk(part)]
        if nested := [n for n in inner if isinstance(n, COMPREHENSIONS)]:
            raise self.refuse(nested[0], "a comprehension inside another is written in two steps")

    check_DictComp = check_ListComp  # noqa: N815
    check_SetComp = check_ListComp  # noqa: N815

    def check_GeneratorExp(self, node: ast.GeneratorExp) -> None:  # noqa: N802
        if id(node) not in self.taken:
            raise self.refuse(
                node, f"a generator stands alone in {', '.join(TAKE_GENERATORS)}; a list is written `[..]`"
            )
        self.check_ListComp(node)

    def check_Dict(self, node: ast.Dict) -> None:  # noqa: N802
        if None in node.keys:
            raise self.refuse(node, "`**` is not part of the language")

    def check_Compare(self, node: ast.Compare) -> None:  # noqa: N802
        for operator, right in zip(node.ops, node.comparators, strict=True):
            if not isinstance(operator, _COMPARISONS):
                raise self.refuse(node, "this comparison is not part of the language")
            is_singleton = isinstance(right, ast.Constant) and (right.value is None or isinstance(right.value, bool))
            if isinstance(operator, ast.Is | ast.IsNot) and not is_singleton:
                raise self.refuse(right, "`is` compares with None, True or False; write `==`")

    def check_Subscript(self, node: ast.Subscript) -> None:  # noqa: N802
        pass

    def check_Attribute(self, node: ast.Attribute) -> None:  # noqa: N802
        if node.attr in METHOD_QUESTIONS or (node.attr in VALUE_METHODS and node.attr not in ATTRIBUTE_QUESTIONS):
            raise self.refuse(node, f"`{node.attr}` is called: `{ast.unparse(node)}()`")
        if node.attr not in ATTRIBUTE_QUESTIONS:
            raise self.refuse(node, self._no_attribute(node.attr, ATTRIBUTE_QUESTIONS + METHOD_QUESTIONS))
        self._owner(node)

    def check_Call(self, node: ast.Call) -> None:  # noqa: N802
        if node.keywords:
            raise self.refuse(node.keywords[0], "arguments by name are not part of the language")
        if isinstance(node.func, ast.Name):
            self._function(node, node.func.id)
        elif isinstance(node.func, ast.Attribute) and _is_random(node.func):
            self._draw(node, node.func.attr)
        elif isinstance(node.func, ast.Attribute) and node.func.attr in VALUE_METHODS:
            self._method(node, node.func.attr)
        elif isinstance(node.func, ast.Attribute):
            self._question(node, node.func)
        else:
            raise self.refuse(node, "only functions and questions by name can be called")

    def _function(self, node: ast.Call, name: str) -> None:
        if name == "inside":
            if (
                len(node.args) != 1
                or not isinstance(node.args[0], ast.Constant)
                or not isinstance(node.args[0].value, str)
            ):
                raise self.refuse(node, "`inside` takes a section's name in quotes: `inside('critical')`")
        elif name == NOW:
            if node.args:
                raise self.refuse(node, "`now()` takes no arguments")
        elif name in TAKE_GENERATORS and len(node.args) == 1 and isinstance(node.args[0], ast.GeneratorExp):
            self.taken.add(id(node.args[0]))
        elif name in CONVERSIONS:
            if len(node.args) > 1:
                raise self.refuse(node, f"`{name}` takes the items of one value, not {len(node.args)} arguments")
        elif name not in FUNCTIONS:
            if name in METHOD_QUESTIONS:
                asked = ast.unparse(node.args[0]) if len(node.args) == 1 else "NAME"
                raise self.refuse(node, f"an object is asked: `{asked}.{name}()`")
            hint = declared(name) or did_you_mean(name, (*FUNCTIONS, *CONVERSIONS, NOW))
            known = ", ".join((*FUNCTIONS, *CONVERSIONS, NOW))
            raise self.refuse(node, f"there is no function `{name[:60]}`{hint} (the functions are {known})")

    def _draw(self, node: ast.Call, name: str) -> None:
        if name not in DRAWS:
            known = ", ".join(DRAWS)
            raise self.refuse(node, f"there is no `random.{name[:60]}`{did_you_mean(name, DRAWS)} (there are {known})")
        if len(node.args) != DRAWS[name]:
            raise self.refuse(node, f"`random.{name}` takes {DRAWS[name]} argument(s), not {len(node.args)}")

    def _method(self, node: ast.Call, name: str) -> None:
        least, most = VALUE_METHODS[name]
        if not least <= len(node.args) <= most:
            wanted = f"{least}" if least == most else f"{least} to {most}"
            raise self.refuse(node, f"`{name}` takes {wanted} argument(s), not {len(node.args)}")

    def _question(self, node: ast.Call, function: ast.Attribute) -> None:
        if function.attr not in METHOD_QUESTIONS:
            raise self.refuse(node, self._no_attribute(function.attr, METHOD_QUESTIONS))
        if node.args:
            raise self.refuse(node, f"`{function.attr}()` takes no arguments")
        self._owner(function)

    def _owner(self, node: ast.Attribute) -> None:
        owner = node.value.value if isinstance(node.value, ast.Subscript) else node.value
        if not isinstance(owner, ast.Name):
            raise self.refuse(node, "a question is asked of an object by name: `pipeline.empty()`, `forks[0].locked()`")

    @staticmethod
    def _no_attribute(name: str, known: tuple[str, ...]) -> str:
        if name in _STEPS:
            return f"`{name}` changes a value, as a step of its own does: `{_STEPS[name]}`"
        if name.startswith("_"):
            return f"`.{name}`: names that begin with `_` cannot be asked for"
        hint = did_you_mean(name, (*known, *VALUE_METHODS))
        return f"there is no `.{name[:60]}`{hint} (what can be asked is {', '.join(known)})"


def _is_random(node: ast.Attribute) -> bool:
    return isinstance(node.value, ast.Name) and node.value.id == "random"


def _constant_too_large(node: ast.BinOp) -> bool:
    left, right = node.left, node.right
    if not (isinstance(left, ast.Constant) and isinstance(right, ast.Constant)):
        return False
    if not (isinstance(left.value, int) and isinstance(right.value, int) and right.value > 0):
        return False
    return (left.value.bit_length() - 1) * right.value > MAX_BITS
