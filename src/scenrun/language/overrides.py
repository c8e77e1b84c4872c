"""Applies overrides: sets the value at a dotted path of a file that is parsed as YAML but not yet validated."""

from __future__ import annotations

import copy
from typing import Any

from scenrun.errors import Place, Problem, ScenarioError, Source
from scenrun.language.placed import Mapping, Sequence, Text
from scenrun.language.primitives import KINDS
from scenrun.language.suggestions import did_you_mean

_SYNC = 2
"""The number of words of a path into `sync` that name the object; the next is its kind, or an option of the kind."""


def override(raw: Mapping, path: str, value: Any) -> None:
    """Set the value at a dotted path, such as `threads.consumer.count`; all but its last key must exist in the file.

    Raises ScenarioError otherwise. An object's options may be named without its kind: `sync.pipeline.maxsize` is
    `sync.pipeline.queue.maxsize`.
    """
    place = Place(Source(f"--set {path}", f"{path}={value}"), 1, len(path) + 2)
    if path.startswith("x-"):
        raise ScenarioError(
            [
                Problem(
                    place,
                    f"`{path}` changes nothing: what begins with `x-` is only read where `*` names it; set that instead",
                )
            ]
        )
    *parents, last = full_path(raw, path).split(".")
    at: Any = raw
    for number, part in enumerate(parents):
        if not isinstance(at, Mapping) or part not in at:
            hint = did_you_mean(part, at) if isinstance(at, Mapping) else ""
            hint = hint or f"; set it whole: --set '{'.'.join(parents[: number + 1])}={{..: ..}}'"
            raise ScenarioError([Problem(place, f"there is no `{part}` on the way to `{path}`{hint}")])
        at = _own(at, part)
    if not isinstance(at, Mapping):
        raise ScenarioError([Problem(place, f"`{path}` leads to no mapping whose `{last}` could be set")])
    at[last] = _placed(value, place)
    at.places[last] = (at.places.get(last, (place, place))[0], place)


def full_path(raw: Mapping, path: str) -> str:
    """The path with the kind of an object of `sync` inserted, where it is left out."""
    parts = path.split(".")
    kind = _kind_of(raw, parts)
    return ".".join([*parts[:_SYNC], kind, *parts[_SYNC:]]) if kind and parts[_SYNC] != kind else path


def short_path(raw: Mapping, path: str) -> str:
    """The path without the kind of an object of `sync`, as the canonical spelling of both forms."""
    parts = path.split(".")
    is_full = len(parts) > _SYNC + 1 and parts[_SYNC] == _kind_of(raw, parts)
    return ".".join([*parts[:_SYNC], *parts[_SYNC + 1 :]]) if is_full else path


def _kind_of(raw: Mapping, parts: list[str]) -> str | None:
    """The kind of the object of `sync` that a path leads into, or None."""
    if len(parts) <= _SYNC or parts[0] != "sync" or not isinstance(raw.get("sync"), Mapping):
        return None
    given = raw["sync"].get(parts[1])
    kind = next(iter(given)) if isinstance(given, Mapping) and len(given) == 1 else given
    return str(kind) if isinstance(kind, str) and kind in KINDS else None


def _own(parent: Mapping, key: str) -> Any:
    """The value at `key`, copied first, as a YAML alias shares its value with the anchor; short forms become mappings."""
    value = parent[key]
    if isinstance(value, str) and value in KINDS:
        parent[key] = stand_in(parent, key, {value: Mapping(parent.places[key][1])})
    elif value is None and key in KINDS:
        parent[key] = Mapping(parent.places[key][1])
    elif isinstance(value, Mapping | Sequence):
        parent[key] = copy.copy(value)
        if isinstance(value, Mapping):
            parent[key].places = dict(value.places)
    return parent[key]


def _placed(value: Any, place: Place) -> Any:
    """A value of an override with places, like a value of the file."""
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
    return Text.at(place, value, quoted=True) if isinstance(value, str) else value


def stand_in(parent: Mapping, key: str, fields: dict[str, Any]) -> Mapping:
    """The mapping that a short form abbreviates, at the place of the short form."""
    place = parent.places[key][1]
    out = Mapping(place)
    out.update(fields)
    out.places = dict.fromkeys(fields, (place, place))
    return out
