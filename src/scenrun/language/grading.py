"""Replaces the `expect` and `limits` of a scenario by those of another file, a teacher's, for grading."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from scenrun.errors import Problem, ScenarioError, Source
from scenrun.language import source as yaml_source
from scenrun.language.placed import Mapping
from scenrun.language.suggestions import did_you_mean

KEYS = ("expect", "limits")
"""The sections that are replaced; one that the teacher's file does not have is removed."""
_IDENTIFIER = re.compile(r"[A-Za-z_]\w*")


def graded_by(raw: Mapping, teacher: Source) -> frozenset[str]:
    """Replace the sections of a file by the teacher's; returns the words of its own sections, which count as mentioned."""
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
    """The content of a teacher's file, which has only `expect` and `limits`, or is a whole scenario with one of them.

    Raises ScenarioError where it has neither, or other keys without being a scenario.
    """
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
