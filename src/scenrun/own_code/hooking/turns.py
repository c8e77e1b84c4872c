"""What instrumented code goes through turn by turn: each turn is an access of its own."""

from __future__ import annotations

from collections.abc import Iterator
from types import GeneratorType
from typing import Any

from scenrun.own_code.hooking.accounting import IMMUTABLE, is_container, is_operated_by_hooks, is_simple, note, reached
from scenrun.own_code.hooking.hooks import touch, whole
from scenrun.own_code.running import control, notes


def delegated(value: Any, site: int) -> Any:
    """What `yield from` goes through: a container turn by turn, a generator by itself."""
    if control.current is None or is_simple(value) or type(value) is GeneratorType:
        touch(value, False, site)
        return value
    return each(value, site)


def each(value: Any, site: int, *, unpacks: bool = False) -> Any:
    """What a loop goes through: each turn looks at the container, and with `unpacks` at the item."""
    if control.current is not None and control.current.with_gil:
        return _noting_turns(_each(value, site, unpacks=unpacks))
    return _each(value, site, unpacks=unpacks)


def _noting_turns(value: Any) -> Iterator[Any]:
    """The same, where each turn but the first comes after a jump back."""
    turns = iter(value)
    for found in turns:
        yield found
        notes.note_switch_point()


def _each(value: Any, site: int, *, unpacks: bool) -> Any:
    if control.current is None or is_simple(value):
        return value
    if isinstance(value, IMMUTABLE) and not unpacks:
        return value
    if is_container(value) or reached(value):
        if not isinstance(value, list | bytearray):  # an iterator of others notes how many items there are
            touch(value, False, site)
        return _turns(value, iter(value), site, unpacks)
    if not isinstance(value, IMMUTABLE) and not is_operated_by_hooks(value):
        note(f"iteration of {type(value).__module__}.{type(value).__qualname__}", site)
    turns = iter(value)  # what code of its own gives may be the iterator of a container
    return _turns(turns, turns, site, unpacks)


def each_unpacked(value: Any, site: int) -> Any:
    """What a loop goes through that takes each item apart."""
    return each(value, site, unpacks=True)


def _turns(owner: Any, turns: Iterator[Any], site: int, unpacks: bool) -> Iterator[Any]:
    while True:
        touch(owner, False, site)
        try:
            found = next(turns)
        except StopIteration:
            return
        if unpacks:
            whole(found, site)
        yield found
