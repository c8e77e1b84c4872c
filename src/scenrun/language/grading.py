"""Grading: the `expect` and `limits` of one file, a teacher's, in the place of another file's own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from scenrun.errors import Problem, ScenarioError, Source
from scenrun.language import source as yaml_source
from scenrun.language.placed import Mapping
from scenrun.language.suggestions import did_you_mean

KEYS = ("expect", "limits")
"""What is replaced; what the teacher's file does not have is as if no file had it."""
_IDENTIFIER = re.compile(r"[A-Za-z_]\w*")


def graded_by(raw: Mapping, teacher: Source) -> frozenset[str]:
    """Replace the sections of a file by the teacher's; the words of its own that are gone, as names that it mentions."""
    sections = sections_of(teacher)
    words = frozenset(_words([raw.get(key) for key in KEYS]))
    for key in KEYS:
        raw.pop(key, None)
        raw.places.pop(key, None)
        if key in sections:
            raw[key] = sections[key]
            raw.places[key] = sections.places[key]
    return words


def sections_of(teacher: Source) -> Mapping:
    """What a teacher's file says: one of these two keys alone, or a whole scenario of which they are taken."""
    problems: list[Problem] = []
    found = yaml_source.read(teacher, problems)
    if "scenario" not in found:
        for key in found:
            if key not in KEYS and not key.startswith("x-"):
                hint = did_you_mean(key, KEYS)
                message = f"unknown key `{key[:60]}`{hint} (a file of expectations takes `expect` and `limits`)"
                problems.append(Problem(found.places[key][0], message))
    if not problems and not any(key in found for key in KEYS):
        problems.append(Problem(found.place, "there is neither `expect` nor `limits` here, so nothing would be judged"))
    if problems:
        raise ScenarioError(problems)
    return found


def _words(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield from _IDENTIFIER.findall(value)
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _words(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _words(inner)
