"""From a source to a Scenario; every error of the file is collected and told in our own words."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any, TypeVar

from pydantic import ValidationError

from scenrun.errors import Place, Problem, ScenarioError, Source
from scenrun.scenario import source as yaml_source
from scenrun.scenario import traps
from scenrun.scenario.fields import Model, check_name, shown
from scenrun.scenario.model import Scenario
from scenrun.scenario.source import Mapping, Sequence, place_of
from scenrun.scenario.steps import VERBS, Step
from scenrun.scenario.suggest import did_you_mean, nearest
from scenrun.scenario.sync import KINDS, Primitive

M = TypeVar("M", bound=Model)
RESERVED_KEYS = {"sweep": "sweeps", "objects": "Python objects"}
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


def read_scenario(source: Source, overrides: dict[str, Any] | None = None) -> tuple[Scenario | None, list[Problem]]:
    """The scenario of `source` with `overrides` (dotted path -> value), and what is wrong with it.

    With problems, the scenario is what could be read of it, for further checks, or None.
    """
    problems: list[Problem] = []
    raw = yaml_source.read(source, problems)
    for path, value in (overrides or {}).items():
        override(raw, path, value)
    reader = Reader(problems)
    scenario = reader.scenario(raw)
    return scenario, problems


def override(raw: Mapping, path: str, value: Any) -> None:
    """Set the value at a dotted path, such as `threads.consumer.count`, which must lead into the file."""
    place = Place(Source(f"--set {path}", f"{path}={value}"), 1, len(path) + 2)
    *parents, last = path.split(".")
    at: Any = raw
    for part in parents:
        if not isinstance(at, Mapping) or part not in at:
            hint = did_you_mean(part, at) if isinstance(at, Mapping) else ""
            raise ScenarioError([Problem(place, f"there is no `{part}` on the way to `{path}`{hint}")])
        at = _own(at, part)
    if not isinstance(at, Mapping):
        raise ScenarioError([Problem(place, f"`{path}` leads to no mapping whose `{last}` could be set")])
    at[last] = _placed(value, place)
    at.places[last] = (at.places.get(last, (place, place))[0], place)


def _own(parent: Mapping, key: str) -> Any:
    """The value at `key`, made the parent's own: an alias shares its value with its anchor."""
    if isinstance(parent[key], str) and parent[key] in KINDS:
        parent[key] = _stand_in(parent, key, {parent[key]: Mapping(parent.places[key][1])})
    elif isinstance(parent[key], Mapping | Sequence):
        parent[key] = copy.copy(parent[key])
    return parent[key]


def _placed(value: Any, place: Place) -> Any:
    """A value of an override as if it stood in the file."""
    if isinstance(value, dict):
        out = Mapping(place)
        for key, item in value.items():
            out[str(key)] = _placed(item, place)
            out.places[str(key)] = (place, place)
        return out
    if isinstance(value, list):
        items = Sequence(place)
        items.extend(_placed(item, place) for item in value)
        items.places = [place] * len(value)
        return items
    return yaml_source.Text.at(place, value, quoted=True) if isinstance(value, str) else value


def _stand_in(parent: Mapping, key: str, fields: dict[str, Any]) -> Mapping:
    """A mapping that a short form stands for, at the place of the short form."""
    place = parent.places[key][1]
    out = Mapping(place)
    out.update(fields)
    out.places = {name: (place, place) for name in fields}
    return out


class Reader:
    """Reads models out of mappings and keeps what is wrong; a broken part is left out of its whole."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems

    def refuse(self, place: Place | None, message: str) -> None:
        """Note one problem."""
        self.problems.append(Problem(place, message))

    stand_in = staticmethod(_stand_in)

    def named(self, raw: Mapping) -> Iterator[tuple[str, Any]]:
        """The entries whose keys are names; the others are refused."""
        for key, value in raw.items():
            try:
                yield check_name(key), value
            except Exception as error:
                self.refuse(raw.places[key][0], _sentence(error))

    def scenario(self, raw: Mapping) -> Scenario | None:
        """The whole file."""
        kept = Mapping(raw.place)
        kept.places = raw.places
        for key, value in raw.items():
            if key.startswith("x-"):
                continue
            if key in RESERVED_KEYS:
                self.refuse(raw.places[key][0], f"`{key}` is reserved for {RESERVED_KEYS[key]}, in a later version")
                continue
            kept[key] = value
        return self.model(Scenario, kept, "a scenario")

    def model(self, cls: type[M], raw: Any, what: str) -> M | None:
        """One part of the file, or None where it is broken."""
        if not isinstance(raw, Mapping):
            self.refuse(place_of(raw), f"{what} takes a mapping, not {shown(raw)}")
            return None
        try:
            model = cls.model_validate(dict(raw), context=self)
        except ValidationError as error:
            for details in error.errors(include_url=False):
                self._translate(cls, raw, what, details)
            return None
        model._node = raw
        return model

    def _translate(self, cls: type[Model], raw: Mapping, what: str, details: Any) -> None:
        loc: tuple[Any, ...] = details["loc"]
        key = loc[0] if loc else None
        kind: str = details["type"]
        if kind == "extra_forbidden":
            known = [field.alias or name for name, field in cls.model_fields.items()]
            self.refuse(raw.places[key][0], self._unknown_key(str(key), known, what))
        elif kind == "missing":
            self.refuse(raw.place, f"{what} needs `{key}`")
        else:
            place, label = self._where(raw, loc)
            offset = details.get("ctx", {}).get("offset", 0)
            exact = place.moved(offset) if place and offset else place
            self.refuse(exact, self._sentence(details, label or what))

    @staticmethod
    def _where(raw: Mapping, loc: tuple[Any, ...]) -> tuple[Place | None, str]:
        """The deepest place along `loc`, and the name of the key there."""
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
        keys = f"; {what} takes {', '.join(f'`{k}`' for k in known)}" if known else f"; {what} takes no keys"
        return f"unknown key `{key}`{hint}{keys}"

    @staticmethod
    def _sentence(details: Any, label: str) -> str:
        kind, given, ctx = details["type"], details["input"], details.get("ctx", {})
        if kind == "scenrun":
            return str(details["msg"])
        if kind in _TYPE_WORDS:
            return f"{label} is {_TYPE_WORDS[kind]}, not {shown(given)}"
        if kind == "literal_error":
            return f"{label} is {ctx['expected'].replace(chr(39), '`')}, not {shown(given)}"
        if kind in ("greater_than_equal", "less_than_equal", "less_than", "greater_than"):
            words = {"greater_than_equal": ("at least", "ge"), "less_than_equal": ("at most", "le"),
                     "less_than": ("below", "lt"), "greater_than": ("above", "gt")}  # fmt: skip
            word, name = words[kind]
            return f"{label} is {word} {ctx[name]:,}, not {shown(given)}"
        return f"{label}: {details['msg']}"

    def steps(self, value: Any) -> tuple[Step, ...]:
        """A list of steps; the broken ones are refused and left out."""
        if not isinstance(value, list):
            hint = "; begin each with `- `" if isinstance(value, dict) else ""
            self.refuse(place_of(value), f"steps are a list, not {shown(value)}{hint}")
            return ()
        places = getattr(value, "places", [None] * len(value))
        read = [self.step(raw, place) for raw, place in zip(value, places, strict=True)]
        return tuple(step for step in read if step is not None)

    def step(self, raw: Any, place: Place | None) -> Step | None:
        """One step."""
        if isinstance(raw, str):
            cls = VERBS.get(raw)
            if cls and cls.alone:
                raw = Mapping(place) if place else raw
                return self.model(cls, raw, f"`{cls.verb}`")
            self.refuse(place, self._lonely(raw))
            return None
        if not isinstance(raw, Mapping) or not raw:
            message = "this step is empty; indent what belongs to it" if not raw else f"a step is a mapping, not {shown(raw)}"
            self.refuse(place, message)
            return None
        cls = self._verb(raw)
        if cls is None:
            return None
        fields = self._flatten(cls, raw)
        return self.model(cls, fields, f"`{cls.verb}`") if fields is not None else None

    @staticmethod
    def _lonely(text: str) -> str:
        if text in VERBS:
            short = VERBS[text].short
            return f"`{text}` needs a value: `- {text}: {short.upper() if short else '{..}'}`"
        verb = text.split(":")[0].split(" ")[0]
        if verb in VERBS:
            return f"`{verb}` and its value are written `- {verb}: ..`, with a space after the colon"
        hint = did_you_mean(text, [v for v, cls in VERBS.items() if cls.alone])
        return f"a step is a verb and its value, such as `- log: \"text\"`, not `{text[:60]}`{hint}"

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
            hint = did_you_mean(key, VERBS)
            more = "" if hint else "; `docs/reference.md` lists them all"
            self.refuse(raw.places[key][0], f"there is no verb `{key}`{hint}{more}")
        return None

    def _flatten(self, cls: type[Step], raw: Mapping) -> Mapping | None:
        """The fields of a step in long form: the verb's own and those that stand beside it."""
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
                message = f"`{key}` does not belong beside `{cls.verb}`; indent it under the verb, or begin a step with `- `"
                if near := nearest(key, fields):
                    message += f" (`{cls.verb}` takes `{near}`)"
            self.refuse(raw.places[key][0], message)
        return fine

    def primitive(self, parent: Mapping, name: str) -> Primitive | None:
        """One entry of `sync`, in short or long form."""
        given = parent[name]
        place = parent.places[name][1]
        if isinstance(given, str):
            given = _stand_in(parent, name, {str(given): None})
        if not isinstance(given, Mapping) or len(given) != 1:
            self.refuse(place, f"`{name}` is one kind of primitive: `{name}: lock`, or `{name}: {{queue: {{maxsize: 10}}}}`")
            return None
        kind, options = next(iter(given.items()))
        if kind not in KINDS:
            hint = did_you_mean(kind, KINDS)
            self.refuse(given.places[kind][0], f"there is no kind `{kind}`{hint}; kinds: {', '.join(KINDS)}")
            return None
        if options is None:
            options = Mapping(given.places[kind][0])
        return self.model(KINDS[kind], options, f"`{kind}`")


def _takes(cls: type[Step], value: Mapping) -> bool:
    return any((field.alias or name) in value for name, field in cls.model_fields.items())


def _optional(cls: type[Step]) -> bool:
    return cls.alone


def _sentence(error: Exception) -> str:
    message = getattr(error, "message_template", None)
    return str(error.context["message"]) if message and hasattr(error, "context") else str(error)


__all__ = ["Reader", "override", "read_scenario", "traps"]
