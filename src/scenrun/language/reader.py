"""Validates a file as a Scenario and collects all of its errors; what is wrong is left out of the whole."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from scenrun.errors import Place, Problem, ScenarioError, Source
from scenrun.language import source as yaml_source
from scenrun.language.constants import Constants
from scenrun.language.fields import Model, check_name, shown
from scenrun.language.grading import graded_by
from scenrun.language.include import included
from scenrun.language.model import Scenario
from scenrun.language.other_words import here
from scenrun.language.overrides import override, stand_in
from scenrun.language.placed import Mapping, place_of
from scenrun.language.primitives import KINDS, Primitive
from scenrun.language.step_reader import StepReader
from scenrun.language.suggestions import did_you_mean
from scenrun.language.validation_messages import own_sentence, place_and_label, sentence, unknown_key
from scenrun.language.verbs.step import Step

M = TypeVar("M", bound=Model)
DECLARING = ("let", "sync", "state", "behaviours", "threads")
MAX_PROBLEMS = 100
"""The number of problems after which reading stops."""
_IDENTIFIER = re.compile(r"[A-Za-z_]\w*")


def read_scenario(
    source: Source, overrides: dict[str, Any] | None = None, teacher: Source | None = None
) -> tuple[Scenario | None, list[Problem]]:
    """Read the scenario of `source` with `overrides` (dotted path -> value); returns it with the problems found.

    teacher: the source of the `expect` and `limits` that replace the scenario's own. With problems, the scenario consists
    of the parts that could be read, for further checks, or is None.
    """
    problems: list[Problem] = []
    raw = yaml_source.read(source, problems)
    shared = included(raw, problems)
    replaced = frozenset() if teacher is None else graded_by(raw, teacher)
    for path, value in (overrides or {}).items():
        override(raw, path, value)
    reader = Reader(problems)
    scenario = reader.scenario(raw)
    if scenario is not None:
        scenario._replaced = replaced | shared
    return scenario, problems


class Reader:
    """Validates mappings as models and collects the problems; a wrong part is left out of the whole."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        self.unread: set[str] = set()
        """The words of the parts that could not be read; a name among them may be declared or used there."""
        self._explained = {(p.place.line, p.place.column) for p in problems if p.place}
        self._noted = set(problems)
        self.is_partial = False
        """Whether a whole section of declarations could not be read, so that names cannot be checked."""
        self._step_reader = StepReader(self)
        self.constants = Constants()

    def refuse(self, place: Place | None, message: str) -> None:
        """Note one problem, unless reading the YAML has already found one at the same place."""
        problem = Problem(place, message)
        if (place and (place.line, place.column) in self._explained) or problem in self._noted:
            return
        self._noted.add(problem)
        self.problems.append(problem)
        if len(self.problems) >= MAX_PROBLEMS:
            rest = Problem(place, f"more than {MAX_PROBLEMS} problems; what follows was not read")
            raise ScenarioError([*self.problems, rest])

    def refuse_as(self, error: PydanticCustomError, place: Place | None) -> None:
        """Note an error that a field raised about the value at `place`."""
        context = error.context or {}
        place = context.get("place") or place
        self.refuse(place.moved(context.get("offset", 0)) if place else None, error.message())

    stand_in = staticmethod(stand_in)

    def named(self, raw: Mapping) -> Iterator[tuple[str, Any]]:
        """The entries whose keys are names; the others are refused."""
        for key, value in raw.items():
            try:
                yield check_name(key), value
            except Exception as error:
                self.refuse(raw.places[key][0], own_sentence(error))
                self.skip(value)

    def scenario(self, raw: Mapping) -> Scenario | None:
        """Validate the whole file; keys that begin with `x-` are ignored."""
        kept = Mapping(raw.place)
        kept.places = raw.places
        for key, value in raw.items():
            if key.startswith("x-"):
                continue
            kept[key] = value
        before = len(self.problems)
        self._read_constants(kept)
        scenario = self.model(Scenario, kept, "a scenario")
        if len(self.problems) > before:
            scenario = scenario or self.model(Scenario, _stand_in_name(kept), "a scenario")
            self.unread.update(("threads", "main"))
            self.is_partial = self.is_partial or any(
                key in kept and not isinstance(kept[key], Mapping) for key in DECLARING
            )
        if scenario is not None:
            scenario._constants_used = frozenset(self.constants.used)
            scenario._unread = None if self.is_partial else frozenset(self.unread)
        return scenario

    def _read_constants(self, raw: Mapping) -> None:
        """Read `let`, from which numbers of the other parts are computed."""
        given = raw.get("let")
        if isinstance(given, Mapping):
            self.constants.values = dict(self.named(given))
        elif "let" in raw:
            self.refuse(raw.places["let"][1], "`let` takes a mapping of names to values: `let: {consumers: 3}`")

    def model(self, cls: type[M], raw: Any, what: str, name: str = "") -> M | None:
        """Validate one part of the file; a wrong part without its wrong keys, or None where that is not valid either.

        what: the part in messages. name: the declared name, about which no more problems are noted if the part is wrong.
        """
        if not isinstance(raw, Mapping):
            self.refuse(place_of(raw), f"{what} takes a mapping, not {shown(raw)}")
            return None
        model: M | None
        try:
            model = cls.model_validate(dict(raw), context=self)
        except ValidationError as error:
            self.skip(name)
            found = error.errors(include_url=False)
            for details in found:
                self._translate(cls, raw, what, details)
            model = self._without(cls, raw, {str(details["loc"][0]) if details["loc"] else "" for details in found})
        if model is not None:
            model._node = raw
        return model

    def _without(self, cls: type[M], raw: Mapping, wrong: set[str]) -> M | None:
        """The model of a part without its wrong keys, so that the rest of the file can be checked against it."""
        kept = Mapping(raw.place)
        kept.update((key, value) for key, value in raw.items() if key not in wrong)
        kept.places = raw.places
        try:
            model = cls.model_validate(dict(kept), context=self) if len(kept) < len(raw) else None
        except ValidationError:
            model = None
        for key, value in raw.items():
            if model is None or key in wrong:
                self.skip(key)
                self.skip(value)
        return model

    def skip(self, raw: Any) -> None:
        """Keep the words of a part that is not read."""
        if isinstance(raw, str):
            place = place_of(raw)
            self.unread.update(_IDENTIFIER.findall(raw))
            self.unread.update(_IDENTIFIER.findall(place.source.line(place.line)[place.column - 1 :]) if place else ())
        elif isinstance(raw, dict):
            for key, value in raw.items():
                self.skip(key)
                self.skip(value)
        elif isinstance(raw, list):
            for item in raw:
                self.skip(item)

    def _translate(self, cls: type[Model], raw: Mapping, what: str, details: Any) -> None:
        loc: tuple[Any, ...] = details["loc"]
        key = str(loc[0]) if loc else ""
        kind: str = details["type"]
        if kind == "extra_forbidden":
            known = [field.alias or name for name, field in cls.model_fields.items()]
            self.refuse(raw.places[key][0], unknown_key(key, known, what))
        elif kind == "missing":
            self.refuse(raw.place, f"{what} needs `{key}`")
        else:
            place, label = place_and_label(raw, loc)
            context = details.get("ctx", {})
            place, offset = context.get("place") or place, context.get("offset", 0)
            exact = place.moved(offset) if place and offset else place
            self.refuse(exact, sentence(details, label or what))

    def steps(self, value: Any) -> tuple[Step, ...]:
        """Read a list of steps; wrong ones are refused and left out."""
        return self._step_reader.steps(value)

    def primitive(self, parent: Mapping, name: str) -> Primitive | None:
        """Read one entry of `sync`, in short or long form, or None where it is wrong."""
        given = parent[name]
        place = parent.places[name][1]
        if isinstance(given, str):
            given = stand_in(parent, name, {str(given): None})
        if not isinstance(given, Mapping) or len(given) != 1:
            self.skip(name)
            self.skip(given)
            self.refuse(
                place, f"`{name}` is one kind of primitive: `{name}: lock`, or `{name}: {{queue: {{maxsize: 10}}}}`"
            )
            return None
        kind, options = next(iter(given.items()))
        if kind not in KINDS:
            self.skip(name)
            self.skip(options)
            plain = kind.removesuffix("()").lower()
            hint = f"; write `{plain}`" if plain in KINDS else here(kind) or did_you_mean(kind, KINDS)
            self.refuse(given.places[kind][0], f"there is no kind `{kind[:60]}`{hint} (kinds: {', '.join(KINDS)})")
            return None
        if options is None:
            options = Mapping(given.places[kind][0])
        if not isinstance(options, Mapping):
            self.skip(name)
            example = f": `{{{kind}: {{{KINDS[kind].main_option}: {options}}}}}`" if KINDS[kind].main_option else ""
            self.refuse(given.places[kind][1], f"the options of `{kind}` are a mapping, not {shown(options)}{example}")
            return None
        return self.model(KINDS[kind], options, f"`{kind}`", name)


def _stand_in_name(raw: Mapping) -> Mapping:
    """A copy of a scenario's mapping with the name `unnamed`, for one whose name is missing or wrong."""
    out = Mapping(raw.place)
    out.update({**raw, "scenario": "unnamed"})
    out.places = {**raw.places, "scenario": (raw.place, raw.place)}
    return out
