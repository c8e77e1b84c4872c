"""Recognises common mistakes with YAML (quotes, braces, commas, `#`, tabs) and suggests the corrected line."""

from __future__ import annotations

import re
from typing import Any

from scenrun.errors import Place, Problem, Source
from scenrun.language.placed import Mapping, Sequence

_SPECIAL = re.compile(r"[][(){},#&*!|>%@`]|: |\?")
_ENTRY = re.compile(r"^(\s*(?:- +)*[\w.\-]+:\s+)(.*\S)\s*$")
_FLOW = re.compile(r"^(\s*(?:- +)*(?:[\w.\-]+:\s+)?)([\[{].*)$")

_SENTENCES = (
    ("cannot start any token", "this character cannot begin a value; put the value in quotes"),
    ("mapping values are not allowed", "a second `: ` on one line; text with `: ` must be in quotes"),
    ("could not find expected ':'", "a `:` is missing after this key, or the indentation is off"),
    ("did not find expected key", "the indentation is off here, or a quote or bracket before it is not closed"),
    ("expected <block end>", "the indentation is off here, or a quote or bracket before it is not closed"),
    ("did not find expected '-' indicator", "a list goes on with `- `; the indentation is off here"),
    (
        "did not find expected ',' or '}'",
        "inside `{}`, text with [ ] { } , or `: ` must be in quotes; or a `}` is missing",
    ),
    (
        "did not find expected ',' or ']'",
        "inside `[]`, text with [ ] { } , or `: ` must be in quotes; or a `]` is missing",
    ),
    ("found unexpected end of stream", "a quote that was opened is never closed"),
    ("did not find expected node content", "a value is missing here"),
    ("found undefined tag handle", "tags (`!..`) are not allowed; write a plain value"),
    ("did not find expected alphabetic", "`&`, `*` and `!` begin an anchor, an alias or a tag; put text in quotes"),
    (
        "found unknown escape character",
        "an escape that YAML does not know; in single quotes a backslash is only itself",
    ),
    ("block sequence entries are not allowed", "a list cannot begin on this line; begin it on the next"),
    ("did not find expected <document start>", "the scenario ended before this line; the indentation is off"),
    ("exceeded max depth", "nested too deeply"),
)


_BRACKETS = re.compile(
    r"""(?P<open>[\[{])|(?P<close>[\]}])|'(?:[^']|'')*'|"(?:[^"\\]|\\.)*"|(?<!\S)\#[^\n]*""", re.DOTALL
)


def nested(place: Place, most: int) -> Problem:
    """The problem of a file that is nested too deeply."""
    return Problem(place, f"nested more than {most} deep")


def too_deep(source: Source, most: int) -> Problem | None:
    """The problem at the first bracket that is nested more than `most` deep in a text that is not YAML, or None."""
    depth = 1  # the scenario itself
    for found in _BRACKETS.finditer(source.text):
        depth += bool(found["open"]) - (bool(found["close"]) and depth > 1)
        if depth > most:
            before = source.text[: found.start()]
            line = before.count("\n")
            return nested(Place(source, line + 1, found.start() - (before.rfind("\n") + 1) + 1), most)
    return None


def syntax_problem(source: Source, error: Any) -> Problem:
    """The problem for an error of the YAML parser, with the corrected line where quotes would correct it."""
    place = _place(source, error.problem_mark or error.context_mark)
    line = source.line(place.line)
    if "\t" in line[: len(line) - len(line.lstrip())]:
        column = line.index("\t") + 1
        return Problem(Place(source, place.line, column), "a tab in the indentation; YAML indents with spaces")
    found = error.problem or error.context or "not YAML"
    opened = _place(source, error.context_mark or error.problem_mark)
    if "end of stream" in found or "document indicator" in found:
        return Problem(opened, "a quote that is opened here is never closed")
    if "',' or" in found and opened.line < place.line:
        return Problem(opened, "a bracket that is opened here is not closed, or text inside it must be in quotes")
    if "expected ':'" in found:
        place = opened
    if problem := _around(line, place, found):
        return problem
    sentence = next((text for part, text in _SENTENCES if part in found), f"not YAML: {found}")
    if "mapping values" in found:
        return Problem(place, sentence + _instead(line, quoted_entry(line)))
    if "',' or" in found or "node content" in found:
        return Problem(place, sentence + _instead(line, quoted_flow(line)))
    return Problem(place, sentence)


def _place(source: Source, mark: Any) -> Place:
    return Place(source, mark.line + 1, mark.column + 1) if mark else Place(source, 1, 1)


def _around(line: str, place: Place, found: str) -> Problem | None:
    """The problem of a text that begins with a special character or goes on after its closing quote, or None."""
    entry = _ENTRY.match(line)
    if entry is None or place.column <= len(entry.group(1)) or entry.group(2)[0] not in "\"'{[@`%&*!":
        return None
    begins = entry.group(2)[0]
    if begins in "{[" and ("',' or" in found or "node content" in found):
        return None
    if begins in "\"'" and "escape" in found:
        return None
    start = Place(place.source, place.line, len(entry.group(1)) + 1)
    if begins in "\"'":
        inner = entry.group(2)
        inner = inner[1:-1] if inner[-1] == begins and len(inner) > 1 else inner
        return Problem(
            place,
            "the quote ended before this; put the whole text in other quotes"
            + _instead(line, entry.group(1) + quote(inner)),
        )
    what = f"text that begins with `{begins}` must be in quotes"
    return Problem(start, what + _instead(line, quoted_entry(line)))


def collection_as_key(place: Place) -> Problem:
    """The problem of a list or mapping in the place of a key, as in `{[a]: 1}` or `{{item}}`."""
    line = place.source.line(place.line)
    return Problem(place, "a key is text, not a list or mapping" + _instead(line, quoted_flow(line)))


def check_flow_mapping(mapping: Mapping, flow: bool, problems: list[Problem]) -> None:
    """Refuse values that a comma split in two, as in `{item: random.randint(1, 101)}`, and remove the second halves."""
    if not flow:
        return
    torn: list[str] = []
    for key, value in mapping.items():
        if value is None and key.count(")") > key.count("("):
            problems.append(_cut(mapping.places[key][0], "{}"))
            torn.append(key)
    for key in torn:
        _mend(mapping, key)


def check_flow_sequence(sequence: Sequence, flow: bool, problems: list[Problem]) -> None:
    """Refuse items that a comma split in two, as in `[max(1, 2)]`, and remove the second halves."""
    if not flow:
        return
    for number in range(len(sequence) - 1, 0, -1):
        item, before = sequence[number], sequence[number - 1]
        is_text = isinstance(item, str) and isinstance(before, str | int | float)
        opens_before = str(before).count("(") > str(before).count(")") or number > 1
        if is_text and not item.quoted and item.count(")") > item.count("(") and opens_before:
            problems.append(_cut(sequence.places[number], "[]"))
            del sequence[number], sequence.places[number]
            sequence[number - 1] = 0


def _cut(place: Place, brackets: str) -> Problem:
    line = place.source.line(place.line)
    what = f"the comma cut this value in two: inside `{brackets}` it must be in quotes"
    return Problem(place, what + _instead(line, quoted_flow(line)))


def _mend(mapping: Mapping, torn: str) -> None:
    """Remove the second half of a value from the mapping, and replace the first half by 0."""
    keys = list(mapping)
    before = keys[keys.index(torn) - 1]
    del mapping[torn]
    if before != torn:
        mapping[before] = 0


def template_problem(mapping: Mapping, word: str) -> str:
    """The message for `log: {item}`, a mapping to YAML in the place of text with an expression."""
    inside = ", ".join(mapping)[:60]
    return (
        f'`{{{inside}}}` is a mapping to YAML; text that begins with `{{` must be in quotes: `{word}: "{{{inside}}}"`'
    )


def cut_comment(place: Place, text: str, word: str) -> str | None:
    """The message for `log: got # 3`, an unquoted text that a comment ends; None where no comment follows."""
    line = place.source.line(place.line)
    rest = line[place.column - 1 + len(text) :]
    if not (place.exact and rest.lstrip().startswith("#") and rest[:1].isspace()):
        return None
    whole = line[place.column - 1 :].rstrip()
    return (
        f"the ` #` ends this text: YAML takes the rest for a comment; write `{word}: {quote(whole)}`, "
        f"or `{word}: {quote(text)}` before the comment"
    )


def quote(text: str) -> str:
    """The text as a double-quoted YAML scalar, or single-quoted where double quotes would need escapes."""
    if '"' in text or "\\" in text:
        return "'" + text.replace("'", "''") + "'"
    return f'"{text}"'


def quoted_entry(line: str) -> str:
    """A line such as `log: got: {item}` with its text in quotes."""
    if found := _ENTRY.match(line):
        return found.group(1) + quote(found.group(2))
    return line


def quoted_flow(line: str) -> str:
    """A line with a flow collection in which every text that YAML would misread is quoted."""
    found = _FLOW.match(line)
    if not found:
        return line
    mended, _ = _collection(found.group(2), 0)
    return found.group(1) + mended


def _instead(line: str, mended: str) -> str:
    return f"; write `{mended.strip()}`" if mended.strip() != line.strip() and len(mended) <= 200 else ""


_CLOSING = {"{": "}", "[": "]", "(": ")"}


def _collection(text: str, start: int) -> tuple[str, int]:
    """The collection that opens at `start` with quotes added, and the offset after its end."""
    opening, out, at = text[start], text[start], start + 1
    closing = _CLOSING[opening]
    while at < len(text) and text[at] != closing:
        if text[at] in " ,":
            out, at = out + text[at], at + 1
        elif text.startswith(": ", at):
            out, at = out + ": ", at + 2
        elif text[at] in "[{":
            inner, at = _collection(text, at)
            out += inner
        else:
            token, at = _token(text, at, closing)
            out += token
    return out + text[at : at + 1] + (text[at + 1 :] if start == 0 else ""), at + 1


def _token(text: str, start: int, closing: str) -> tuple[str, int]:
    """The scalar at `start`, quoted if needed, and its end: a comma, `: ` or `closing` outside its own brackets."""
    if text[start] in "\"'":
        end = text.find(text[start], start + 1)
        end = len(text) if end < 0 else end + 1
        return text[start:end], end
    at = start
    waiting: list[str] = []
    while at < len(text):
        c = text[at]
        if not waiting and (c in (",", closing) or text.startswith(": ", at)):
            break
        if c in _CLOSING:
            waiting.append(_CLOSING[c])
        elif waiting and c == waiting[-1]:
            waiting.pop()
        at += 1
    token = text[start:at].rstrip()
    shown = quote(token) if _SPECIAL.search(token) else token
    return shown + text[start + len(token) : at], at
