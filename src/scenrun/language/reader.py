"""Validates a file as a Scenario, collects all of its errors, and translates those of pydantic into plain messages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from scenrun.errors import Place, Problem, ScenarioError, Source
from scenrun.language import source as yaml_source
from scenrun.language import traps
from scenrun.language.fields import Model, check_name, refuse, shown
from scenrun.language.grading import graded_by
from scenrun.language.model import Scenario
from scenrun.language.overrides import override, stand_in
from scenrun.language.placed import Mapping, Sequence, place_of
from scenrun.language.primitives import KINDS, Primitive
from scenrun.language.suggestions import did_you_mean, nearest
from scenrun.language.verbs.registry import VERBS
from scenrun.language.verbs.step import Step

M = TypeVar("M", bound=Model)
DECLARING = ("sync", "state", "behaviours", "threads")
MAX_PROBLEMS = 100
"""The number of problems after which reading stops."""
_MEANT = {
    "print": "log", "echo": "log", "lock": "acquire", "unlock": "release", "signal": "notify", "broadcast": "notify_all",
    "clear": "clear_event", "send": "put", "receive": "get", "loop": "repeat", "yield": "sleep", "exec": "run",
    "thread": "spawn", "throw": "raise", "catch": "except", "switch": "if", "import": "call", "elif": "else",
}  # fmt: skip
"""Words of other languages, each with the verb or key that has its meaning here."""
_IDENTIFIER = re.compile(r"[A-Za-z_]\w*")
_KEYWORD_OF_FLOW = {"do", "then", "else", "in", "except", "finally"}
_TYPE_WORDS = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}


def read_scenario(
    source: Source, overrides: dict[str, Any] | None = None, teacher: Source | None = None
) -> tuple[Scenario | None, list[Problem]]:
    """Read the scenario of `source` with `overrides` (dotted path -> value); returns it with the problems found.

    teacher: the source of the `expect` and `limits` that replace the scenario's own. With problems, the scenario consists
    of the parts that could be read, for further checks, or is None.
    """
    problems: list[Problem] = []
    raw = yaml_source.read(source, problems)
    replaced = frozenset() if teacher is None else graded_by(raw, teacher)
    for path, value in (overrides or {}).items():
        override(raw, path, value)
    reader = Reader(problems)
    scenario = reader.scenario(raw)
    if scenario is not None:
        scenario._replaced = replaced
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
        self._steps: dict[int, Step | None] = {}

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
                self.refuse(raw.places[key][0], _sentence(error))
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
        scenario = self.model(Scenario, kept, "a scenario")
        if len(self.problems) > before:
            scenario = scenario or self.model(Scenario, _stand_in_name(kept), "a scenario")
            self.unread.update(("threads", "main"))
            self.is_partial = self.is_partial or any(
                key in kept and not isinstance(kept[key], Mapping) for key in DECLARING
            )
        if scenario is not None:
            scenario._unread = None if self.is_partial else frozenset(self.unread)
        return scenario

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
            self.refuse(raw.places[key][0], self._unknown_key(key, known, what))
        elif kind == "missing":
            self.refuse(raw.place, f"{what} needs `{key}`")
        else:
            place, label = self._where(raw, loc)
            context = details.get("ctx", {})
            place, offset = context.get("place") or place, context.get("offset", 0)
            exact = place.moved(offset) if place and offset else place
            self.refuse(exact, self._sentence(details, label or what))

    @staticmethod
    def _where(raw: Mapping, loc: tuple[Any, ...]) -> tuple[Place | None, str]:
        """The place of the innermost value along `loc`, and the last key on the way to it."""
        at: Any = raw
        place: Place | None = raw.place
        label = ""
        for part in loc:
            if isinstance(at, Mapping) and part in at:
                place, at, label = at.places[part][1], at[part], f"`{part}`"
            elif isinstance(at, Sequence) and isinstance(part, int) and part < len(at):
                place, at = at.places[part], at[part]
            else:
                break
        return place, label

    @staticmethod
    def _unknown_key(key: str, known: list[str], what: str) -> str:
        hint = did_you_mean(key, known)
        keys = f"({what} takes {', '.join(f'`{k}`' for k in known)})" if known else f"({what} takes no keys)"
        return f"unknown key `{key[:60]}`{hint} {keys}"

    @staticmethod
    def _sentence(details: Any, label: str) -> str:
        kind, given, ctx = details["type"], details["input"], details.get("ctx", {})
        if kind == "scenrun":
            return str(details["msg"])
        if kind in _TYPE_WORDS:
            text = "the text " if isinstance(given, str) else ""
            return f"{label} is {_TYPE_WORDS[kind]}, not {text}{shown(given)}"
        if kind == "literal_error":
            return f"{label} is {ctx['expected'].replace(chr(39), '`')}, not {shown(given)}"
        if kind in ("greater_than_equal", "less_than_equal", "less_than", "greater_than"):
            words = {"greater_than_equal": ("at least", "ge"), "less_than_equal": ("at most", "le"),
                     "less_than": ("below", "lt"), "greater_than": ("above", "gt")}  # fmt: skip
            word, name = words[kind]
            return f"{label} is {word} {ctx[name]:,}, not {shown(given)}"
        return f"{label}: {details['msg']}"

    def steps(self, value: Any) -> tuple[Step, ...]:
        """Read a list of steps; wrong ones are refused and left out."""
        if not isinstance(value, list):
            hint = "; begin each with `- `" if isinstance(value, dict) else ""
            raise refuse(f"steps are a list, not {shown(value)}{hint}")
        places = getattr(value, "places", [None] * len(value))
        read = [self.step(raw, place) for raw, place in zip(value, places, strict=True)]
        return tuple(step for step in read if step is not None)

    def step(self, raw: Any, place: Place | None) -> Step | None:
        """Read one step, or None; a YAML alias of a step is the same step object."""
        if not isinstance(raw, Mapping):
            return self._step(raw, place)
        if id(raw) not in self._steps:
            self._steps[id(raw)] = self._step(raw, place)
        return self._steps[id(raw)]

    def _step(self, raw: Any, place: Place | None) -> Step | None:
        if isinstance(raw, str):
            cls = VERBS.get(raw)
            if cls and cls.alone:
                raw = Mapping(place) if place else raw
                return self.model(cls, raw, f"`{cls.verb}`")
            self.refuse(place, self._lonely(raw))
            self.skip(raw)
            return None
        if not isinstance(raw, Mapping) or not raw:
            is_empty = raw is None or raw == {}
            message = (
                "this step is empty; indent what belongs to it"
                if is_empty
                else f"a step is a mapping, not {shown(raw)}"
            )
            self.refuse(place, message)
            self.skip(raw)
            return None
        cls = self._verb(raw)
        fields = self._flatten(cls, raw) if cls else None
        if cls is None or fields is None:
            self.skip(raw)
            self._look_inside(raw)
            return None
        return self.model(cls, fields, f"`{cls.verb}`")

    def _look_inside(self, raw: Mapping) -> None:
        """Read the steps inside a step that is itself wrong, so that their problems are noted as well."""
        for key in raw:
            if key in _KEYWORD_OF_FLOW - {"in", "except"} and isinstance(raw[key], list):
                self.steps(raw[key])

    @staticmethod
    def _lonely(text: str) -> str:
        if text in VERBS:
            short = VERBS[text].short
            return f"`{text}` needs a value: `- {text}: {short.upper() if short else '{..}'}`"
        verb = text.split(":")[0].split(" ")[0]
        if verb in VERBS:
            return f"`{verb}` and its value are written `- {verb}: ..`, with a space after the colon"
        hint = did_you_mean(text, [v for v, cls in VERBS.items() if cls.alone])
        return f'a step is a verb and its value, such as `- log: "text"`, not `{text[:60]}`{hint}'

    def _verb(self, raw: Mapping) -> type[Step] | None:
        verbs = [key for key in raw if key in VERBS]
        others = [key for key in raw if key not in VERBS]
        if len(verbs) == 1:
            return VERBS[verbs[0]]
        if len(verbs) > 1:
            second = raw.places[verbs[1]][0]
            names = " and ".join(f"`{v}`" for v in verbs)
            self.refuse(second, f"a step has one verb, and this has {names}; begin the second with `- `")
            return None
        key = others[0]
        flows = [v for v, cls in VERBS.items() if key in cls.beside]
        if flows and key in _KEYWORD_OF_FLOW:
            owners = " or ".join(f"`{v}`" for v in flows)
            self.refuse(raw.places[key][0], f"`{key}` belongs beside {owners}, in the same step")
        else:
            meant = _MEANT.get(key.lower())
            hint = f"; write `{meant}`" if meant else did_you_mean(key, VERBS)
            more = "" if hint else "; `docs/reference.md` lists them all"
            self.refuse(raw.places[key][0], f"there is no verb `{key[:60]}`{hint}{more}")
        return None

    def _flatten(self, cls: type[Step], raw: Mapping) -> Mapping | None:
        """The fields of a step in long form: those of the verb and those of its companion keys; None where it is refused."""
        value = raw[cls.verb]
        out = Mapping(raw.place)
        long = isinstance(value, Mapping) and not cls.whole
        if long and cls.short and not _takes(cls, value) and all(v is None for v in value.values()) and value:
            long = False
        if long:
            out.update(value)
            out.places.update(value.places)
        elif cls.alone and cls.short is None:
            if value is not None:
                self.refuse(raw.places[cls.verb][1], f"`{cls.verb}` takes no value")
        elif cls.short is None or (value is None and not cls.whole and not _optional(cls)):
            self.refuse(raw.places[cls.verb][1], self._needs(cls, value))
            return None
        else:
            out[cls.short] = value
            out.places[cls.short] = raw.places[cls.verb]
        return out if self._companions(cls, raw, out) else None

    @staticmethod
    def _needs(cls: type[Step], value: Any) -> str:
        keys = [field.alias or name for name, field in cls.model_fields.items() if field.is_required()]
        example = ", ".join(f"{key}: .." for key in keys)
        if value is None and cls.short and not keys:
            return f"`{cls.verb}` needs a value"
        if cls.short and value is None:
            return f"`{cls.verb}` needs a value: `{cls.verb}: {cls.short.upper()}`"
        return f"`{cls.verb}` takes a mapping, `{cls.verb}: {{{example}}}`, not {shown(value)}"

    def _companions(self, cls: type[Step], raw: Mapping, out: Mapping) -> bool:
        fine = True
        for key, value in raw.items():
            if key == cls.verb:
                continue
            if key in cls.beside:
                out[key] = value
                out.places[key] = raw.places[key]
                continue
            fine = False
            fields = [f.alias or n for n, f in cls.model_fields.items()]
            if key in fields and key not in cls.beside and cls.short:
                message = f"`{key}` goes inside: `{cls.verb}: {{{cls.short}: .., {key}: ..}}`"
            elif cls.beside:
                message = self._unknown_key(key, list(cls.beside), f"a `{cls.verb}` step")
            else:
                message = (
                    f"`{key}` does not belong beside `{cls.verb}`; indent it under the verb, or begin a step with `- `"
                )
                if near := nearest(key, fields):
                    message += f" (`{cls.verb}` takes `{near}`)"
            self.refuse(raw.places[key][0], message)
        return fine

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
            hint = did_you_mean(kind, KINDS)
            self.refuse(given.places[kind][0], f"there is no kind `{kind[:60]}`{hint} (kinds: {', '.join(KINDS)})")
            return None
        if options is None:
            options = Mapping(given.places[kind][0])
        if not isinstance(options, Mapping):
            self.skip(name)
            self.refuse(given.places[kind][1], f"the options of `{kind}` are a mapping, not {shown(options)}")
            return None
        return self.model(KINDS[kind], options, f"`{kind}`", name)


def _stand_in_name(raw: Mapping) -> Mapping:
    """A copy of a scenario's mapping with the name `unnamed`, for one whose name is missing or wrong."""
    out = Mapping(raw.place)
    out.update({**raw, "scenario": "unnamed"})
    out.places = {**raw.places, "scenario": (raw.place, raw.place)}
    return out


def _takes(cls: type[Step], value: Mapping) -> bool:
    return any((field.alias or name) in value for name, field in cls.model_fields.items())


def _optional(cls: type[Step]) -> bool:
    return cls.alone


def _sentence(error: Exception) -> str:
    message = getattr(error, "message_template", None)
    return str(error.context["message"]) if message and hasattr(error, "context") else str(error)


__all__ = ["Reader", "override", "read_scenario", "traps"]
