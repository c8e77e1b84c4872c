"""The columns of the three tables that a log is exported to, `events`, `spans` and `runs`, and their types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from scenrun.trace.events import COMMON, EVENTS, OF_THREAD

TIME, TEXT, REAL, WHOLE, NATURAL, YES_NO = "TIMESTAMPTZ", "VARCHAR", "DOUBLE", "BIGINT", "UBIGINT", "BOOLEAN"
JSON, REST = "JSON", "rest"
_TYPES = {"string": TEXT, "number": REAL, "integer": WHOLE, "boolean": YES_NO}
_ABSENT = type(None)
_FITTING: dict[str, frozenset[type]] = {
    TIME: frozenset((str, _ABSENT)),
    TEXT: frozenset((str, _ABSENT)),
    REAL: frozenset((float, int, _ABSENT)),
    WHOLE: frozenset((int, _ABSENT)),
    NATURAL: frozenset((int, _ABSENT)),
    YES_NO: frozenset((bool, _ABSENT)),
    JSON: frozenset((str, float, int, bool, list, dict, _ABSENT)),
}
_RANGES = {WHOLE: range(-(1 << 63), 1 << 63), NATURAL: range(1 << 64)}
_NOTHING: frozenset[type] = frozenset()


@dataclass(frozen=True, slots=True)
class Table:
    """The columns of a table; the last one of most, `rest`, is a JSON object of the fields without a fitting column."""

    columns: dict[str, str]
    """DuckDB's types by the columns' names."""
    fitting: dict[str, frozenset[type]]
    """The types of values that each column accepts."""

    @classmethod
    def of(cls, columns: dict[str, str]) -> Table:
        """The table with these columns."""
        return cls(columns, {name: _FITTING[kind] for name, kind in columns.items() if name != REST})

    def holds(self, row: dict[str, Any]) -> bool:
        """Whether every field has a column of its type."""
        fitting = self.fitting
        for name, value in row.items():  # noqa: SIM110 - a third of the time that `all` takes, for every line of a log
            if type(value) not in fitting.get(name, _NOTHING):
                return False
        return True

    def fitted(self, row: dict[str, Any]) -> dict[str, Any]:
        """The row with all fields that do not fit moved to `rest`."""
        fits = {name: value for name, value in row.items() if self._takes(name, value)}
        rest = {name: value for name, value in row.items() if name not in fits}
        return {**fits, REST: rest} if rest else fits

    def _takes(self, name: str, value: Any) -> bool:
        if type(value) not in self.fitting.get(name, _NOTHING):
            return False
        return type(value) is not int or value in _RANGES.get(self.columns[name], (value,))


def _type_of(schema: dict[str, Any]) -> str:
    if "pattern" in schema:
        return TIME
    return TEXT if "enum" in schema else _TYPES.get(schema.get("type", ""), JSON)


def _columns(*groups: dict[str, dict[str, Any]]) -> dict[str, str]:
    """A column for each field; of type JSON if two kinds of event give a field different types."""
    out: dict[str, str] = {}
    for fields in groups:
        for name, schema in fields.items():
            kind = _type_of(schema)
            out[name] = kind if out.get(name, kind) == kind else JSON
    return out


def _of_events() -> dict[str, str]:
    """The columns for the fields of threads' events; fields of whole runs, in two lines only, go to `rest`."""
    of_threads = (event.fields for event in EVENTS.values() if event.by_thread)
    return {**_columns(COMMON, OF_THREAD, *of_threads), REST: JSON}


def _of_spans() -> dict[str, str]:
    return {
        "run": TEXT, "thread": TEXT, "what": TEXT, "begin_s": REAL, "end_s": REAL, "seconds": REAL,
        "object": TEXT, "op": TEXT, "line": WHOLE, "step": TEXT, "ended": TEXT, "begin_seq": WHOLE, "end_seq": WHOLE,
        "by_thread": TEXT, "by_s": REAL, "by_seq": WHOLE, "by_line": WHOLE,
    }  # fmt: skip


def _of_runs() -> dict[str, str]:
    began, ended = EVENTS["run.started"].fields, EVENTS["run.finished"].fields
    ours = {"run": TEXT, "started": TIME, "elapsed_s": REAL, "events": WHOLE}
    return {**ours, **_columns(began, renamed(ended)), "seed": NATURAL, REST: JSON}


def renamed(ended: dict[str, Any]) -> dict[str, Any]:
    """The fields of a run's last line, with `state` renamed, as the first line has a field of this name."""
    return {("final_state" if name == "state" else name): value for name, value in ended.items()}


TABLES: dict[str, Table] = {
    "events": Table.of(_of_events()),
    "spans": Table.of(_of_spans()),
    "runs": Table.of(_of_runs()),
}
"""A row per line of the log, per span, and per run. Every log has the same columns."""
