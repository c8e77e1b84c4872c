"""The contents of `run.started`, a run's first line: the scenario, its text, its objects and its thread groups."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from scenrun.program.reached import StepOfFile
from scenrun.trace.analysis.reading import Event

QUEUES = ("fifo", "lifo", "priority", "simple", "simple_queue", "queue")
"""The names that the kind of a queue may have in a log."""


@dataclass(frozen=True, slots=True)
class Opening:
    """The facts known of a run before its first step; all empty if the log has no first line."""

    scenario: str = ""
    description: str = ""
    text: str = ""
    """The text of the scenario file."""
    way: str = ""
    """`run`, `simulate`, ..."""
    level: str = ""
    """The level of the log; the operations are in it at `debug` only."""
    seed: int | None = None
    version: str = ""
    objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    """The declared objects by name, with `kind` and options; arrays once, with `count`."""
    groups: dict[str, dict[str, Any]] = field(default_factory=dict)
    steps: tuple[StepOfFile, ...] = ()
    """The steps of the file that the log would have lines of; none in a log without operations."""
    state: dict[str, Any] = field(default_factory=dict)
    """The shared variables' initial values."""

    @property
    def is_detailed(self) -> bool:
        """Whether the log has the operations."""
        return self.level in ("debug", "")

    def kind(self, label: str) -> str:
        """The kind of an object by its label, such as `forks[2]`; '' if it is not known."""
        kind = str(self._declared(label).get("kind", ""))
        return "queue" if kind in QUEUES else kind

    def order(self, label: str) -> str:
        """The order of a queue's items: `fifo`, `lifo` or `priority`."""
        order = self._declared(label).get("kind")
        return order if order in ("lifo", "priority") else "fifo"

    def option(self, label: str, name: str) -> Any:
        """An option of an object's declaration, or None."""
        return self._declared(label).get(name)

    def lock_of(self, condition: str) -> str:
        """The lock of a condition by its label: the shared one, or its own; an array's own locks are an array too."""
        shared = self.option(condition, "lock")
        if isinstance(shared, str):
            return shared
        name, bracket, index = condition.partition("[")
        return f"{name}.lock{bracket}{index}"

    def _declared(self, label: str) -> dict[str, Any]:
        return self.objects.get(label) or self.objects.get(label.partition("[")[0]) or {}


def opening_of(event: Event) -> Opening:
    """The opening of a `run.started` line; malformed fields are left out."""
    return Opening(
        scenario=_text(event, "scenario"),
        description=_text(event, "description"),
        text=_text(event, "text"),
        way=_text(event, "way"),
        level=_text(event, "log_level"),
        seed=event["seed"] if isinstance(event.get("seed"), int) else None,
        version=_text(event, "scenrun"),
        objects={str(one.get("name")): one for one in _listed(event, "objects")},
        groups={str(one.get("group")): one for one in _listed(event, "threads")},
        steps=tuple(_steps(event.get("steps"))),
        state=event["state"] if isinstance(event.get("state"), dict) else {},
    )


def _steps(given: Any) -> Iterator[StepOfFile]:
    for one in given if isinstance(given, list) else []:
        match one:
            case [int() as line, str() as path]:
                yield StepOfFile(line, path)


def _text(event: Event, name: str) -> str:
    value = event.get(name, "")
    return value if isinstance(value, str) else ""


def _listed(event: Event, name: str) -> list[dict[str, Any]]:
    value = event.get(name)
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
