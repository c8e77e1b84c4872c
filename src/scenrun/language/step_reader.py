"""Reads steps: finds the verb of each, brings its short form and companion keys into the long form, and says what is wrong."""

from __future__ import annotations

from typing import Any

from scenrun.errors import Place
from scenrun.language.fields import ModelReader, refuse, shown
from scenrun.language.other_words import here
from scenrun.language.placed import Mapping, Sequence
from scenrun.language.suggestions import did_you_mean, nearest
from scenrun.language.validation_messages import unknown_key
from scenrun.language.verbs.registry import VERBS
from scenrun.language.verbs.step import Step

_KEYWORD_OF_FLOW = {"do", "then", "elif", "else", "in", "except", "finally"}


class StepReader:
    """Reads the steps of one file for its reader, which validates their fields and keeps the problems."""

    def __init__(self, reader: ModelReader) -> None:
        self._reader = reader
        self._read: dict[int, Step | None] = {}
        """The steps by the identities of their mappings."""

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
        if id(raw) not in self._read:
            self._read[id(raw)] = self._step(raw, place)
        return self._read[id(raw)]

    def _step(self, raw: Any, place: Place | None) -> Step | None:
        if isinstance(raw, str):
            cls = VERBS.get(raw)
            if cls and cls.alone:
                raw = Mapping(place) if place else raw
                return self._reader.model(cls, raw, f"`{cls.verb}`")
            self._reader.refuse(place, _lonely(raw))
            self._reader.skip(raw)
            return None
        if not isinstance(raw, Mapping) or not raw:
            is_empty = raw is None or raw == {}
            message = (
                "this step is empty; indent what belongs to it"
                if is_empty
                else f"a step is a mapping, not {shown(raw)}"
            )
            self._reader.refuse(place, message)
            self._reader.skip(raw)
            return None
        cls = self._verb(raw)
        fields = self._flatten(cls, raw) if cls else None
        if cls is None or fields is None:
            self._reader.skip(raw)
            self._look_inside(raw)
            return None
        return self._reader.model(cls, fields, f"`{cls.verb}`")

    def _look_inside(self, raw: Mapping) -> None:
        """Read the steps inside a step that is itself wrong, so that their problems are noted as well."""
        for key in raw:
            if key in _KEYWORD_OF_FLOW - {"in", "except", "elif"} and isinstance(raw[key], list):
                self.steps(raw[key])

    def _verb(self, raw: Mapping) -> type[Step] | None:
        verbs = [key for key in raw if key in VERBS]
        others = [key for key in raw if key not in VERBS]
        if len(verbs) == 1:
            return VERBS[verbs[0]]
        if len(verbs) > 1:
            second = raw.places[verbs[1]][0]
            names = " and ".join(f"`{v}`" for v in verbs)
            self._reader.refuse(second, f"a step has one verb, and this has {names}; begin the second with `- `")
            return None
        key = others[0]
        flows = [v for v, cls in VERBS.items() if key in cls.beside]
        if flows and key in _KEYWORD_OF_FLOW:
            owners = " or ".join(f"`{v}`" for v in flows)
            self._reader.refuse(raw.places[key][0], f"`{key}` belongs beside {owners}, in the same step")
        else:
            hint = here(key) or did_you_mean(key, VERBS)
            more = "" if hint else "; `scenrun help verbs` lists them all"
            self._reader.refuse(raw.places[key][0], f"there is no verb `{key[:60]}`{hint}{more}")
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
                self._reader.refuse(raw.places[cls.verb][1], f"`{cls.verb}` takes no value")
        elif cls.short is None or (value is None and not cls.whole and not _optional(cls)):
            self._reader.refuse(raw.places[cls.verb][1], _needs(cls, value))
            return None
        else:
            out[cls.short] = value
            out.places[cls.short] = raw.places[cls.verb]
        if not self._companions(cls, raw, out):
            return None
        return self._with_branches(out) if "elif" in out and cls.verb == "if" else out

    def _with_branches(self, fields: Mapping) -> Mapping | None:
        """The fields of an `if` whose `elif` is an `if` in the `else` of the one before; None where it is refused."""
        branches, place = fields.pop("elif"), fields.places["elif"][0]
        if not isinstance(branches, Sequence) or not branches:
            self._reader.refuse(place, f"`elif` takes a list: `elif: [{{if: .., then: [..]}}]`, not {shown(branches)}")
            return None
        rest, places = fields.get("else"), fields.places.get("else")
        for branch, at in zip(reversed(branches), reversed(branches.places), strict=True):
            if not isinstance(branch, Mapping) or set(branch) != {"if", "then"}:
                self._reader.refuse(at, "each part of `elif` has `if` and `then`: `elif: [{if: .., then: [..]}]`")
                return None
            step, steps = Mapping(at), Sequence(at)
            step.update(branch)
            step.places = dict(branch.places)
            if places is not None:
                step["else"], step.places["else"] = rest, places
            steps.append(step)
            steps.places.append(at)
            rest, places = steps, (place, at)
        fields["else"] = rest
        fields.places["else"] = places or (place, place)
        return fields

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
                message = unknown_key(key, list(cls.beside), f"a `{cls.verb}` step")
            else:
                message = (
                    f"`{key}` does not belong beside `{cls.verb}`; indent it under the verb, or begin a step with `- `"
                )
                if near := nearest(key, fields):
                    message += f" (`{cls.verb}` takes `{near}`)"
            self._reader.refuse(raw.places[key][0], message)
        return fine


def _lonely(text: str) -> str:
    if text in VERBS:
        short = VERBS[text].short
        return f"`{text}` needs a value: `- {text}: {short.upper() if short else '{..}'}`"
    verb = text.split(":")[0].split(" ")[0]
    if verb in VERBS:
        return f"`{verb}` and its value are written `- {verb}: ..`, with a space after the colon"
    hint = did_you_mean(text, [v for v, cls in VERBS.items() if cls.alone])
    return f'a step is a verb and its value, such as `- log: "text"`, not `{text[:60]}`{hint}'


def _needs(cls: type[Step], value: Any) -> str:
    keys = [field.alias or name for name, field in cls.model_fields.items() if field.is_required()]
    example = ", ".join(f"{key}: .." for key in keys)
    if value is None and cls.short and not keys:
        return f"`{cls.verb}` needs a value"
    if cls.short and value is None:
        return f"`{cls.verb}` needs a value: `{cls.verb}: {cls.short.upper()}`"
    return f"`{cls.verb}` takes a mapping, `{cls.verb}: {{{example}}}`, not {shown(value)}"


def _takes(cls: type[Step], value: Mapping) -> bool:
    return any((field.alias or name) in value for name, field in cls.model_fields.items())


def _optional(cls: type[Step]) -> bool:
    return cls.alone
