"""The comments of a YAML text, which its values do not have."""

from __future__ import annotations

import bisect

import yaml


def comments_in(text: str) -> list[tuple[int, str, bool]]:
    """Each comment of a YAML text: its line, from 1, its words, and whether it has the line for itself."""
    taken = _scalars(text)
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        for at in [at for at, character in enumerate(line) if character == "#"]:
            before = line[:at]
            if (before and before[-1] not in " \t") or _is_inside(taken, number, at):
                continue
            found.append((number, line[at + 1 :].removeprefix(" ").rstrip(), not before.strip()))
            break
    return found


def _scalars(text: str) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Where the quoted texts and blocks of a YAML text begin and end: a `#` in them begins no comment."""
    tokens = yaml.scan(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return [
        ((token.start_mark.line + 1, token.start_mark.column), (token.end_mark.line + 1, token.end_mark.column))
        for token in tokens
        if isinstance(token, yaml.ScalarToken)
    ]


def _is_inside(taken: list[tuple[tuple[int, int], tuple[int, int]]], line: int, column: int) -> bool:
    at = bisect.bisect_right(taken, ((line, column), (1 << 30, 0))) - 1
    return at >= 0 and taken[at][0] <= (line, column) < taken[at][1]
