"""Schedule files of a search: the moves by name, the program and seed, and the finding they show.

Version 2 has paths of a model. Version 3 has schedules of the user's own code as well, with the accesses that are steps in it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scenrun.errors import OutputError, UsageError
from scenrun.model import turn_schedule as turns
from scenrun.model.moves import Move

VERSION, CODE_VERSION = 2, 3
TIMES = ("free", "virtual")
ENDLESS = ("livelock", "violated")
"""The kinds of findings that may go on for ever."""
_FIELDS = Move._fields


@dataclass(frozen=True, slots=True)
class OfCode:
    """What a schedule of the user's own code says of that code."""

    marks: tuple[dict[str, str], ...]
    """The accesses that are steps, by `function`, `source` and `what` is accessed; and by `attribute`, names that are written on
    classes."""
    functions: dict[str, Any] | None = None
    """Where no scenario calls the code: `setup`, `threads` by name and `check`, each as `package.module:name`; or `main`."""
    trace: tuple[str, ...] = ()
    """Top-level modules that are compiled with hooks although they are installed."""

    def as_dict(self) -> dict[str, Any]:
        """For the file."""
        return {"marks": list(self.marks), "functions": self.functions, "trace": list(self.trace)}


@dataclass(frozen=True, slots=True)
class MoveSchedule:
    """The moves of a path, with the program, seed and options that determine it."""

    scenario: str
    file: str
    """The scenario's path as it was given on the command line."""
    digest: str
    """The program's fingerprint."""
    seed: int
    moves: tuple[Move, ...]
    overrides: dict[str, Any] = field(default_factory=dict)
    time: str = "free"
    """`free` where sleeps may end in any order, `virtual` where they end in the order of the clock."""
    finding: tuple[str, str] | None = None
    """The kind of the finding that the moves show, and its subject: threads, or an expectation."""
    cycle_from: int | None = None
    """The first move of a livelock's cycle, counted from 0; the cycle lasts to the end of the moves."""
    code: OfCode | None = None
    """For a schedule in which the user's own code makes steps."""

    def as_dict(self) -> dict[str, Any]:
        """The content of the file; default values of moves are left out."""
        code = {} if self.code is None else {"code": self.code.as_dict()}
        return {
            "schedule": VERSION if self.code is None else CODE_VERSION, "scenario": self.scenario, "file": self.file,
            "overrides": self.overrides, "digest": self.digest, "seed": self.seed, "time": self.time,
            "finding": None if self.finding is None else dict(zip(("kind", "about"), self.finding, strict=True)),
            "cycle_from": self.cycle_from, **code, "moves": [_written(move) for move in self.moves],
        }  # fmt: skip

    def as_text(self) -> str:
        """The schedule as JSON, one move a line."""
        fields = self.as_dict()
        moves = ",\n  ".join(json.dumps(move, ensure_ascii=False) for move in fields.pop("moves"))
        head = json.dumps(fields, ensure_ascii=False, indent=1).removesuffix("\n}")
        return f'{head},\n "moves": [\n  {moves}\n ]\n}}\n'

    def save(self, path: str | Path) -> None:
        """Write the schedule to a file; raises OutputError."""
        try:
            Path(path).write_text(self.as_text(), encoding="utf-8")
        except OSError as error:
            raise OutputError(f"cannot write the schedule to {path}: {error.strerror}", midway=True) from None


def _written(move: Move) -> dict[str, Any]:
    defaults = Move._field_defaults
    return {name: value for name, value in move._asdict().items() if name not in defaults or value != defaults[name]}


def read(path: str | Path) -> MoveSchedule:
    """Read a schedule of a search from a file; raises UsageError."""
    return parse(turns.read_json(path), path)


def parse(found: Any, path: str | Path) -> MoveSchedule:
    """A schedule of a search from its JSON value; raises UsageError, which calls it `path`."""
    version = found.get("schedule") if isinstance(found, dict) else None
    if isinstance(version, bool):
        version = None
    if version == turns.VERSION:
        raise UsageError(f"{path} is a schedule of turns; `scenrun simulate FILE --schedule {path}` follows it")
    if isinstance(version, int) and version > CODE_VERSION:
        raise UsageError(
            f"{path} is a schedule of version {version}, and this scenrun knows those up to {CODE_VERSION}"
        )
    if version not in (VERSION, CODE_VERSION):
        raise UsageError(f"{path} is no schedule as `scenrun explore --save` writes it")
    try:
        return _schedule(found)
    except KeyError as error:
        raise UsageError(f"{path} is a damaged schedule: {error} is missing") from None
    except (TypeError, ValueError, AttributeError) as error:
        raise UsageError(f"{path} is a damaged schedule: {error}") from None


def _schedule(found: dict[str, Any]) -> MoveSchedule:
    moves = tuple(_move(number, one) for number, one in enumerate(_list(found["moves"], "moves")))
    finding = None if found["finding"] is None else _mapping(found["finding"], "finding")
    out = MoveSchedule(
        scenario=_text(found["scenario"], "scenario"),
        file=_text(found["file"], "file"),
        digest=_text(found["digest"], "digest"),
        seed=turns.whole(found["seed"]),
        moves=moves,
        overrides=_mapping(found["overrides"], "overrides"),
        time=_text(found["time"], "time"),
        finding=None if finding is None else (_text(finding["kind"], "kind"), _text(finding["about"], "about")),
        cycle_from=None if found["cycle_from"] is None else turns.whole(found["cycle_from"]),
        code=_code(found["code"]) if found["schedule"] == CODE_VERSION else None,
    )
    _check(out)
    return out


def _check(schedule: MoveSchedule) -> None:
    if schedule.time not in TIMES:
        raise ValueError(f"`time` is {' or '.join(TIMES)}, not {schedule.time[:40]}")
    if schedule.cycle_from is not None and schedule.cycle_from >= len(schedule.moves):
        raise ValueError(f"there is no move {schedule.cycle_from}, at which the cycle is to begin")
    if schedule.cycle_from is not None and (schedule.finding is None or schedule.finding[0] not in ENDLESS):
        raise ValueError("only a livelock, or what never comes to hold, has a cycle")
    if schedule.seed >= 1 << 64:
        raise ValueError("`seed` is below 2 to the power of 64")


def _code(found: Any) -> OfCode:
    code = _mapping(found, "code")
    marks = tuple(_texts(one, "marks") for one in _list(code["marks"], "marks"))
    functions = None if code["functions"] is None else _mapping(code["functions"], "functions")
    return OfCode(marks, functions, tuple(_text(one, "trace") for one in _list(code["trace"], "trace")))


def _move(number: int, found: Any) -> Move:
    if not isinstance(found, dict) or not {"thread", "op"} <= set(found) <= set(_FIELDS):
        raise ValueError(f"move {number + 1:,} is {str(found)[:60]}; moves have a `thread` and an `op`")
    expires, inner = found.get("expires", False), found.get("inner", False)
    for name, value in (("expires", expires), ("inner", inner)):
        if not isinstance(value, bool):
            raise ValueError(f"`{name}` of move {number + 1:,} is true or false")
    return Move(
        _text(found["thread"], "thread"), _text(found["op"], "op"), _text(found.get("step", ""), "step"),
        turns.whole(found.get("phase", 0)), expires, turns.whole(found.get("alternative", 0)),
        _text(found.get("function", ""), "function"), _text(found.get("source", ""), "source"), inner,
    )  # fmt: skip


def _texts(found: Any, name: str) -> dict[str, str]:
    return {key: _text(text, key) for key, text in _mapping(found, name).items()}


def _text(found: Any, name: str) -> str:
    if not isinstance(found, str):
        raise ValueError(f"`{name}` is a text, not {str(found)[:40]}")
    return found


def _mapping(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"`{name}` is a mapping, not {str(value)[:40]}")
    return value


def _list(found: Any, name: str) -> Sequence[Any]:
    if not isinstance(found, list):
        raise ValueError(f"`{name}` is a list")
    return found


# --- the published form

_NUMBER = {"type": "integer", "minimum": 0}
_TEXT = {"type": "string"}


def schema() -> dict[str, Any]:
    """The JSON Schema of schedule files of both versions."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "scenrun schedule",
        "description": "Who moves when: turns of a simulation (version 1), moves of a search (version 2), also in code (3).",
        "oneOf": [_of_turns(), _of_moves(), _of_moves_in_code()],
    }


def _object(properties: dict[str, Any], required: Sequence[str] | None = None) -> dict[str, Any]:
    return {
        "type": "object", "properties": properties, "additionalProperties": False,
        "required": list(properties if required is None else required),
    }  # fmt: skip


def _of_turns() -> dict[str, Any]:
    until = {"type": ["integer", "null"], "minimum": 0}
    turn = {"type": "array", "prefixItems": [_TEXT, _NUMBER, until], "minItems": 3, "maxItems": 3}
    return _object({
        "schedule": {"const": turns.VERSION}, "scenario": _TEXT, "digest": _TEXT, "seed": _NUMBER, "step_cost_ns": _NUMBER,
        "costs_ns": {"type": "object", "additionalProperties": _NUMBER}, "wakes_all": {"type": "boolean"},
        "turns": {"type": "array", "items": {**turn, "description": "thread, steps, until when in nanoseconds"}},
    })  # fmt: skip


_MOVE = {
    "thread": _TEXT, "op": _TEXT, "step": _TEXT, "phase": _NUMBER, "expires": {"type": "boolean"}, "alternative": _NUMBER,
}  # fmt: skip


def _of_moves_in_code() -> dict[str, Any]:
    texts = {"type": "object", "additionalProperties": _TEXT}
    functions = {"type": ["object", "null"], "description": "`setup`, `threads` by name and `check`, or `main`"}
    code = _object({
        "marks": {"type": "array", "items": texts, "description": "accesses that are steps: `function`, `source`, `what`"},
        "functions": functions, "trace": {"type": "array", "items": _TEXT},
    })  # fmt: skip
    move = {**_MOVE, "function": _TEXT, "source": _TEXT, "inner": {"type": "boolean"}}
    return _of_moves(CODE_VERSION, move, {"code": code})


def _of_moves(
    version: int = VERSION, move: dict[str, Any] = _MOVE, more: dict[str, Any] | None = None
) -> dict[str, Any]:
    finding = _object({"kind": _TEXT, "about": _TEXT})
    return _object({
        "schedule": {"const": version}, "scenario": _TEXT, "file": _TEXT, "overrides": {"type": "object"},
        "digest": _TEXT, "seed": _NUMBER, "time": {"enum": list(TIMES)}, "finding": {"oneOf": [finding, {"type": "null"}]},
        "cycle_from": {"type": ["integer", "null"], "minimum": 0}, **(more or {}),
        "moves": {"type": "array", "items": _object(move, ("thread", "op"))},
    })  # fmt: skip
