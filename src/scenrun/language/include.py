"""Adds to a file what files that it includes have: behaviours and constants that several scenarios share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scenrun.errors import Place, Problem, ScenarioError
from scenrun.language import source as yaml_source
from scenrun.language.fields import shown
from scenrun.language.placed import Mapping, Sequence, Text
from scenrun.language.suggestions import did_you_mean

SHARED = ("behaviours", "let")
"""What an included file may have for others."""
KEYS = (*SHARED, "include", "description")
MOST = 100
"""The most files that one scenario includes."""


def included(raw: Mapping, problems: list[Problem]) -> frozenset[str]:
    """Put what the included files have beside what the file itself has; returns the names that came so.

    Paths are relative to the file that names them, and lead to the scenario's folder or below. A name that is there already is
    refused.
    """
    if "include" not in raw:
        return frozenset()
    adder = _Adder(raw, problems)
    adder.add(raw, [])
    return frozenset(adder.names)


class _Adder:
    """Adds the files that one scenario includes."""

    def __init__(self, whole: Mapping, problems: list[Problem]) -> None:
        self.whole = whole
        self.problems = problems
        self.names: set[str] = set()
        self.done: set[Path] = set()
        self.root = Path(whole.place.source.name).parent.resolve()
        """The scenario's folder, which no name leads out of."""

    def refuse(self, place: Place | None, message: str) -> None:
        self.problems.append(Problem(place, message))

    def add(self, raw: Mapping, way: list[Path]) -> None:
        """Add the files that a file names; `way` leads to it, from the scenario's own file."""
        own = Path(raw.place.source.name)
        if not own.is_file():
            self.refuse(
                raw.places["include"][0], "`include` names files beside the scenario's own; this one is no file"
            )
            return
        for text, place in self._listed(raw):
            path = self._path(text, place, own.parent)
            if path is None:
                continue
            if path in (*way, own.resolve()):
                self.refuse(place, f"`{text[:60]}` includes itself, or what includes it")
            elif path in self.done:
                continue
            elif len(self.done) >= MOST:
                self.refuse(place, f"more than {MOST} files")
            else:
                self.done.add(path)
                self._add_file(own.parent / text, place, [*way, own.resolve()])

    def _listed(self, raw: Mapping) -> Iterator[tuple[Text, Place]]:
        given, place = raw["include"], raw.places["include"][1]
        if not isinstance(given, Sequence):
            self.refuse(place, f"`include` takes a list of files: `include: [common.yaml]`, not {shown(given)}")
            return
        for value, where in zip(given, given.places, strict=True):
            if isinstance(value, Text):
                yield value, where
            else:
                self.refuse(where, f"a file's name is expected, not {shown(value)}")

    def _path(self, text: str, place: Place, folder: Path) -> Path | None:
        """The file that a name leads to, or None where it is refused."""
        try:
            path = (folder / text).resolve()
            if path.is_relative_to(self.root) and path.is_file():
                return path
            inside = path.is_relative_to(self.root)
        except (OSError, ValueError):
            inside = True
        reason = "there is no such file" if inside else "it is not in the scenario's folder, or below"
        self.refuse(place, f"`{text[:60]}` cannot be included: {reason}")
        return None

    def _add_file(self, path: Path, place: Place, way: list[Path]) -> None:
        try:
            found = yaml_source.read(yaml_source.read_file(path), self.problems)
        except ScenarioError as error:
            self.problems += error.problems
            return
        for key in found:
            if key not in KEYS and not key.startswith("x-"):
                hint = did_you_mean(key, KEYS)
                known = ", ".join(f"`{one}`" for one in KEYS)
                self.refuse(
                    found.places[key][0], f"`{key[:60]}` cannot be shared{hint} (an included file takes {known})"
                )
        for key in SHARED:
            if key in found:
                self._add_names(key, found[key], found.places[key][1])
        if "include" in found:
            self.add(found, way)

    def _add_names(self, key: str, given: Any, place: Place) -> None:
        if not isinstance(given, Mapping):
            self.refuse(place, f"`{key}` takes a mapping of names, not {shown(given)}")
            return
        own = self.whole.get(key)
        if own is None:
            own = self.whole[key] = Mapping(place)
            self.whole.places[key] = (place, place)
        if not isinstance(own, Mapping):
            return
        for name, value in given.items():
            if name in own:
                self.refuse(given.places[name][0], f"the name `{name[:60]}` is already taken, at {own.places[name][0]}")
                continue
            own[name] = value
            own.places[name] = given.places[name]
            self.names.add(name)
