"""Every event that a log can have, with what its line says: the schema and the reference are made from this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from scenrun.program.primitives.json_types import ANY, BOOLEAN, INTEGER, LIST, NUMBER, OBJECT, TEXT
from scenrun.program.primitives.registry import KINDS

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}
"""How important a line can be."""


@dataclass(frozen=True, slots=True)
class Event:
    """A kind of line: its name, what it tells, and the fields that only it has."""

    name: str
    tells: str
    fields: dict[str, dict[str, Any]]
    level: str = "debug"
    optional: tuple[str, ...] = ()
    by_thread: bool = True
    """Whether the line is a thread's and has `thread` and `group`."""


_OWN = (
    Event(
        "run.started",
        "A run begins: all that a reader needs to understand the rest.",
        {
            "scenario": TEXT, "description": TEXT, "text": TEXT, "digest": TEXT, "overrides": OBJECT, "seed": INTEGER,
            "way": TEXT, "scenrun": TEXT, "python": TEXT, "implementation": TEXT, "platform": TEXT, "cpus": INTEGER,
            "gil": BOOLEAN, "switch_interval_s": NUMBER, "objects": LIST, "threads": LIST, "state": OBJECT,
            "log_level": TEXT, "steps": LIST, "scheduler": TEXT, "step_cost_s": NUMBER,
        },
        "info",
        (
            "overrides", "description", "python", "implementation", "platform", "switch_interval_s", "scheduler",
            "step_cost_s", "steps",
        ),
        by_thread=False,
    ),
    Event(
        "run.finished",
        "The last line of a run, however it ended.",
        {
            "ok": BOOLEAN, "verdict": TEXT, "expected": LIST, "findings": LIST, "expectations": LIST, "state": OBJECT,
            "outcome": LIST, "figures": OBJECT, "not_ended": LIST,
        },
        "info",
        ("outcome", "not_ended"),
        by_thread=False,
    ),
    Event(
        "tally.finished",
        "The last line of several runs: how often each verdict and each outcome came.",
        {
            "runs": INTEGER, "verdicts": OBJECT, "outcomes": LIST, "ok": BOOLEAN, "stopped_by_run": TEXT,
            "first_not_ok_seed": INTEGER,
        },
        "info",
        ("outcomes", "stopped_by_run", "first_not_ok_seed"),
        by_thread=False,
    ),
    Event("message", "A `log` step.", {"message": TEXT, "fields": OBJECT}, "info", ("fields",)),
    Event(
        "thread.started",
        "A thread, task or timer takes its first step; of a task, `pool` says whose.",
        {"daemon": BOOLEAN, "pool": TEXT},
        "info",
        ("pool",),
    ),
    Event("thread.ended", "A thread has taken its last step.", {}, "info"),
    Event("thread.interrupted", "Code that comes at any moment begins in a thread.", {"target": TEXT}, "info"),
    Event("thread.resumed", "Code that has come in a thread is over; the thread goes on.", {"target": TEXT}, "debug"),
    Event("thread.cut_off", "A thread was ended before its next step, as the run was over.", {}, "info"),
    Event("thread.failed", "An exception left a thread.", {"type": TEXT, "text": TEXT}, "error"),
    Event(
        "fault.raised",
        "A step of a thread ended with an exception, caught or not; `waited_s` where it is an operation that may wait.",
        {"type": TEXT, "text": TEXT, "waited_s": NUMBER},
        optional=("waited_s",),
    ),
    Event(
        "finding",
        "Something was found: `kind` is a verdict's word.",
        {
            "kind": TEXT, "message": TEXT, "threads": LIST, "expectation": TEXT, "values": ANY, "type": TEXT,
            "text": TEXT, "swallowed": BOOLEAN, "outcome": LIST, "limit": TEXT, "signal": TEXT,
        },
        "error",
        ("threads", "expectation", "values", "type", "text", "swallowed", "outcome", "limit", "signal"),
    ),
    Event("sleep.began", "A thread is about to sleep.", {}),
    Event("sleep.ended", "A thread has slept.", {"slept_s": NUMBER}),
    Event("work.began", "A thread is about to keep a processor busy.", {}),
    Event("work.ended", "A thread has kept a processor busy.", {}),
    Event("call.began", "A thread is about to call a function of the user's.", {"function": TEXT}),
    Event("call.ended", "A function of the user's has returned.", {"function": TEXT, "value": ANY, "took_s": NUMBER}),
)  # fmt: skip

_SHOWN: dict[str, tuple[str, dict[str, Any]]] = {
    "item": ("value", ANY), "value": ("value", ANY), "path": ("at", ANY), "at": ("at", ANY), "n": ("n", INTEGER),
    "operation": ("operation", TEXT), "arguments": ("arguments", LIST), "result": ("value", ANY), "ended": ("ended", TEXT),
    "immediate": ("immediate", BOOLEAN),
}  # fmt: skip
"""The field in which a line shows a parameter of its operation; `at` is the path of a part, and not a list if it is short."""


def _shown(parameters: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    return dict(_SHOWN[name] for name in parameters)


def _of_primitives() -> list[Event]:
    out: dict[str, Event] = {}
    for kind in KINDS.values():
        noun = kind.noun or kind.name
        for operation in kind.operations:
            what = f"`{kind.name}`: {operation.name}"
            if operation.about:
                fields = _shown(operation.announces)
                event = Event(operation.about, f"{what} is about to be done.", fields, optional=tuple(fields))
                out.setdefault(operation.about, event)
            if operation.done:
                fields = {**operation.result_fields, **_shown(operation.shows)}
                event = Event(operation.done, f"{what} has been done.", fields, optional=tuple(fields))
                out.setdefault(operation.done, event)
        for question in (*kind.questions, *kind.attributes):
            name = f"{noun}.asked"
            fields = {"question": TEXT, "value": ANY}
            out.setdefault(
                name, Event(name, f"A question to a {noun}, with its answer; `{question}` and others.", fields)
            )
    return list(out.values())


EVENTS: dict[str, Event] = {event.name: event for event in (*_OWN, *_of_primitives())}
"""Every event by its name."""
COMMON: dict[str, dict[str, Any]] = {
    "timestamp": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$"},
    "level": {"enum": list(LEVELS)},
    "event": TEXT,
    "run": TEXT,
    "seq": {"type": "integer", "minimum": 0},
    "elapsed_s": NUMBER,
}
"""The fields of every line."""
OF_THREAD: dict[str, dict[str, Any]] = {
    "thread": TEXT, "group": TEXT, "index": INTEGER, "worker": TEXT, "object": TEXT, "step": TEXT, "line": INTEGER,
}  # fmt: skip
"""The fields of lines that are a thread's; `worker` is of tasks, and says which worker of their pool runs them."""


def author_fields(event: dict[str, Any]) -> dict[str, Any]:
    """What the author of a scenario has added to a line that a step logs, below `fields` or beside the line's own."""
    found = event.get("fields")
    if isinstance(found, dict):
        return found
    own = (*COMMON, *OF_THREAD, "message", "fields")
    return {name: value for name, value in event.items() if name not in own}


def schema() -> dict[str, Any]:
    """The JSON Schema of one line of the log."""
    variants = []
    for event in EVENTS.values():
        required = [name for name in event.fields if name not in event.optional]
        variants.append(
            {
                "title": event.name,
                "description": event.tells,
                "properties": {
                    **COMMON, "event": {"const": event.name}, **OF_THREAD, **event.fields,
                },
                "required": [*COMMON, *required, *(["thread", "group"] if event.by_thread and event.name != "finding" else [])],
                "additionalProperties": event.name == "message",  # `log: {flat: true}`
            }
        )  # fmt: skip
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://scenrun.invalid/schemas/event.schema.json",
        "title": "One line of a scenrun log",
        "type": "object",
        "required": ["event"],
        "oneOf": variants,
    }
