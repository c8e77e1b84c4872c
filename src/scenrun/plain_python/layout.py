"""Lines of Python: their indentation, their comments, and how a long one is broken."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

WIDTH = 88
INDENT = 4
_POWER = re.compile(r"(?<![\w.\])}])([A-Za-z_][\w.]*|\d+(?:\.\d+)?) \*\* ([A-Za-z_][\w.]*|\d+(?:\.\d+)?)(?![\w.(\[])")
_FORMATTED = re.compile(r"""\bf'([^'"\\]*)'""")
_ASSIGNMENT = re.compile(r"\s+(?P<name>\w+) = [\w +*.-]+")
_OPEN, _CLOSE = "([{", ")]}"
_STATEMENT = re.compile(r"(?P<head>(?:return|if|elif|while|[\w.\[\]\"', ]+ =) )(?P<value>.+?)(?P<tail>:?)\Z")


def quoted(text: str) -> str:
    """A text as a literal in double quotes, as far as it has none itself."""
    plain = repr(text)
    if plain[0] == '"' or '"' in text:
        return plain
    return '"' + plain[1:-1].replace("\\'", "'") + '"'


def unparsed(tree: ast.AST) -> str:
    """The text of an expression, with texts in double quotes and tight powers."""
    text = _FORMATTED.sub(r'f"\1"', ast.unparse(tree))
    if "'" in text:
        tokens = tokenize.generate_tokens(io.StringIO(text).readline)
        spans = [(token.start[1], token.end[1]) for token in tokens if token.string.startswith("'")]
        for start, end in reversed(spans):
            text = text[:start] + quoted(ast.literal_eval(text[start:end])) + text[end:]
    return _POWER.sub(r"\1**\2", text)


class Lines:
    """Lines of Python with the comments that belong to them."""

    def __init__(self, depth: int = 0) -> None:
        self.written: list[str] = []
        self.depth = depth

    def add(self, text: str, above: tuple[str, ...] = (), beside: str = "") -> None:
        """Add a statement, broken where it is too long, with comments above it and beside it."""
        pad = " " * INDENT * self.depth
        broken = list(_broken(text, self.depth * INDENT))
        fits = len(broken) == 1 and len(pad + text) + 4 + len(beside) <= WIDTH
        if beside and not fits:
            above, beside = (*above, beside), ""
        self.written += [f"{pad}# {comment}".rstrip() for comment in above]
        self.written += broken
        if beside:
            self.written[-1] += f"  # {beside}"

    def gap(self, size: int = 1) -> None:
        """Leave lines empty, except at the beginning."""
        if self.written:
            self.written += [""] * size

    def without_idle_assignments(self) -> None:
        """Leave out assignments of numbers and names to what no other line has, as where all that used it was left out."""
        while True:
            found = [_ASSIGNMENT.fullmatch(line) for line in self.written]
            words = Counter(word for line in self.written for word in set(re.findall(r"\w+", line)))
            idle = {number for number, one in enumerate(found) if one and words[one["name"]] == 1}
            if not idle:
                return
            self.written = [line for number, line in enumerate(self.written) if number not in idle]

    def extend(self, others: Lines) -> None:
        """Add lines that are indented already."""
        self.written += others.written

    @contextmanager
    def block(self, header: str, above: tuple[str, ...] = (), beside: str = "") -> Iterator[None]:
        """The lines that are added inside stand below a header, such as `while True:`; `pass` where there are none."""
        self.add(header, above, beside)
        self.depth += 1
        before = len(self.written)
        yield
        if all(line.lstrip().startswith("#") for line in self.written[before:]):
            self.add("pass")
        self.depth -= 1


def _broken(text: str, indent: int) -> Iterator[str]:
    """A statement as lines of at most WIDTH columns, as far as its brackets allow it."""
    pad = " " * indent
    if indent + len(text) <= WIDTH or "\n" in text:
        yield pad + text
        return
    if text.startswith("assert ") and (at := _last_comma(text)) is not None:
        head, message = text[:at], text[at + 2 :]
        if indent + len(head) + 3 <= WIDTH and not _pair(head[len("assert ") :], whole=True):
            yield f"{pad}{head}, ("
            yield f"{pad}{' ' * INDENT}{message}"
            yield f"{pad})"
            return
    pair = _pair(text)
    if pair is None:
        yield from _in_parentheses(text, indent)
        return
    start, end = pair
    head, body, tail = text[: start + 1], text[start + 1 : end], text[end:]
    parts = _parts(body)
    yield pad + head
    inner = indent + INDENT
    is_call = start > 0 and (text[start - 1].isalnum() or text[start - 1] in "_)]")
    if inner + len(body) <= WIDTH and (is_call or len(parts) == 1):
        yield " " * inner + body
    elif len(parts) == 1:
        yield from _broken_comprehension(body, inner)
    else:
        for part in parts:
            yield from _broken(f"{part},", inner)
    yield pad + tail


def _broken_comprehension(body: str, indent: int) -> Iterator[str]:
    """One item that is too long: a comprehension is broken before its `for`, and before its `if`."""
    at = next((at for at, _ in _outside(body) if body.startswith(" for ", at)), None)
    if at is None:
        yield from _broken(body, indent)
        return
    yield from _broken(body[:at], indent)
    rest = body[at + 1 :]
    test = next((at for at, _ in _outside(rest) if rest.startswith(" if ", at)), None)
    yield " " * indent + (rest if test is None else rest[:test])
    if test is not None:
        yield " " * indent + rest[test + 1 :]


def _in_parentheses(text: str, indent: int) -> Iterator[str]:
    pad = " " * indent
    found = _STATEMENT.match(text)
    if found is None:
        yield pad + text
        return
    yield f"{pad}{found['head']}("
    yield f"{pad}{' ' * INDENT}{found['value']}"
    yield f"{pad}){found['tail']}"


def _outside(text: str) -> Iterator[tuple[int, str]]:
    """The characters outside brackets and quotes, with their places."""
    depth, quote, skip = 0, "", False
    for at, character in enumerate(text):
        if skip:
            skip = False
        elif quote:
            skip = character == "\\"
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character in _OPEN:
            if not depth:
                yield at, character
            depth += 1
        elif character in _CLOSE:
            depth -= 1
            if not depth:
                yield at, character
        elif not depth:
            yield at, character


def _pair(text: str, *, whole: bool = False) -> tuple[int, int] | None:
    """The last pair of brackets that has something in it; with `whole`, only one around the whole text."""
    opened, found = -1, None
    for at, character in _outside(text):
        if character in _OPEN:
            opened = at
        elif character in _CLOSE and at > opened + 1:
            found = opened, at
    if whole and found is not None and (found[0] != 0 or found[1] != len(text) - 1):
        return None
    return found


def _last_comma(text: str) -> int | None:
    commas = [at for at, character in _outside(text) if character == "," and text[at : at + 2] == ", "]
    return commas[-1] if commas else None


def _parts(body: str) -> list[str]:
    """What stands between the commas."""
    parts, start = [], 0
    for at, character in _outside(body):
        if character == ",":
            parts.append(body[start:at].strip())
            start = at + 1
    return [*parts, *([rest] if (rest := body[start:].strip()) else [])]
