"""A shared variable: each read and each write is a step of its own. Its value is the variable's value."""

from __future__ import annotations

from typing import Any

from scenrun.program import values as language
from scenrun.program.primitives.json_types import ANY
from scenrun.program.primitives.kinds import Done, Kind, Operation, Outcome, Phase, Values


def read(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """The value as it is."""
    return Done(values, values[0])


def write(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """Another value; it is also the result, as the log shows what was written."""
    return Done(arguments, arguments[0])


def append(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """One item more at the end."""
    return Done((language.appended(values[0], (), arguments[0]),))


def extend(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """One item more at the end of a list inside."""
    path, item = arguments
    return Done((language.appended(values[0], path, item),))


def pop(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """One item less; it is the result."""
    after, item = language.popped(values[0], (), arguments[0])
    return Done((after,), item)


def remove(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """One item less in a list or mapping inside; it is the result."""
    path, at = arguments
    after, item = language.popped(values[0], path, at)
    return Done((after,), item)


def assign(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """Another value for an item."""
    path, value = arguments
    return Done((language.assigned(values[0], path, value),))


VARIABLE = Kind(
    "variable",
    (
        Operation(
            "read",
            writes=False,
            done="variable.read",
            phases=(Phase(read),),
            cost="set",
            adds={"value": ANY},
            fetches=True,
        ),
        Operation(
            "write",
            ("value",),
            done="variable.written",
            phases=(Phase(write),),
            cost="set",
            adds={"value": ANY},
            stores="value",
        ),
        Operation("append", ("item",), done="variable.appended", phases=(Phase(append),), shows=("item",)),
        Operation("pop", ("at",), done="variable.popped", phases=(Phase(pop),), shows=("at",), adds={"value": ANY}),
        Operation(
            "assign",
            ("path", "value"),
            done="variable.item_written",
            phases=(Phase(assign),),
            cost="set",
            shows=("path", "value"),
        ),
        Operation(
            "remove",
            ("path", "at"),
            done="variable.item_popped",
            phases=(Phase(remove),),
            cost="pop",
            shows=("path", "at"),
            adds={"value": ANY},
        ),
        Operation(
            "extend",
            ("path", "item"),
            done="variable.item_appended",
            phases=(Phase(extend),),
            cost="append",
            shows=("path", "item"),
        ),
    ),
    initial=lambda options: options["initial"],
)
