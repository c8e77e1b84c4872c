"""What a value may be and what arithmetic may make of it: bounded, and the same in every way of running.

Lists and mappings are values: nothing here changes one in place, so whoever holds one may keep it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from scenrun.errors import Fault
from scenrun.program.exceptions import is_a

MAX_BITS = 4_096
MAX_SIZE = 1_000_000
"""Items of a list or mapping with all that is in it, characters of a text, turns of a range."""
MAX_DEPTH = 64
_LIMIT = 1 << MAX_BITS
_PLAIN = (bool, float, type(None))
_SIZES = re.compile(r"[0-9]+")
"""Widths and precisions of a `%` text, and at worst other numbers in it."""


def bounded(value: Any) -> Any:
    """The value, if it is small enough to be kept; otherwise an OverflowError of the scenario."""
    if value.__class__ is int:
        if -_LIMIT < value < _LIMIT:
            return value
        raise Fault("OverflowError", f"an integer has at most {MAX_BITS:,} bits")
    if not isinstance(value, _PLAIN):
        _measure(value, 0, 0)
    return value


def _measure(value: Any, so_far: int, depth: int) -> int:
    """The size of a value, with all that is in it; stops as soon as it is too much."""
    if depth > MAX_DEPTH:
        raise Fault("OverflowError", f"values are nested at most {MAX_DEPTH} deep")
    so_far += 1
    if isinstance(value, str):
        so_far += len(value)
    elif isinstance(value, list):
        for item in value:
            so_far = _measure(item, so_far, depth + 1)
    elif isinstance(value, dict):
        for key, item in value.items():
            so_far = _measure(item, _measure(key, so_far, depth + 1), depth + 1)
    elif value.__class__ is int:
        bounded(value)
    if so_far > MAX_SIZE:
        raise Fault("OverflowError", f"a value has at most {MAX_SIZE:,} items or characters")
    return so_far


def mul(left: Any, right: Any) -> Any:
    """`left * right`; repeating text or a list stays within bounds."""
    for sequence, times in ((left, right), (right, left)):
        if isinstance(sequence, str | list) and isinstance(times, int) and len(sequence) * times > MAX_SIZE:
            raise Fault("OverflowError", f"a value has at most {MAX_SIZE:,} items or characters")
    return left * right


def power(left: Any, right: Any) -> Any:
    """`left ** right`; integers stay within bounds, and a complex result is no value of the language."""
    if isinstance(left, int) and isinstance(right, int) and right > 0:
        if abs(left) > 1 and (left.bit_length() - 1) * right > MAX_BITS:
            raise Fault("OverflowError", f"an integer has at most {MAX_BITS:,} bits")
        return left**right
    value = left**right
    if isinstance(value, complex):
        raise Fault("ValueError", "a root of a negative number is no value of the language")
    return value


def shift_left(left: Any, right: Any) -> Any:
    """`left << right`, within bounds."""
    if isinstance(left, int) and isinstance(right, int) and left and left.bit_length() + right > MAX_BITS:
        raise Fault("OverflowError", f"an integer has at most {MAX_BITS:,} bits")
    return left << right


def modulo(left: Any, right: Any) -> Any:
    """`left % right`: of numbers, or a text with values put in, which stays within bounds."""
    if isinstance(left, str) and any(int(size) > MAX_SIZE for size in _SIZES.findall(left)):
        raise Fault("OverflowError", f"a value has at most {MAX_SIZE:,} items or characters")
    return left % right


def bounded_range(*arguments: Any) -> range:
    """`range(..)` of at most as many turns as a value has items."""
    made = range(*arguments)
    if (made.stop - made.start) // made.step > MAX_SIZE:
        raise Fault("OverflowError", f"a range has at most {MAX_SIZE:,} items; `repeat` counts further")
    return made


def items(value: Any) -> Sequence[Any]:
    """What `for` goes through: a list or range as it is, a text's characters, a mapping's keys."""
    if isinstance(value, list | range | str):
        return value
    if isinstance(value, dict):
        return list(value)
    raise Fault("TypeError", f"`{type_name(value)}` is nothing that `in` can go through")


def times(value: Any) -> int:
    """How often `repeat` repeats: a whole number."""
    if not isinstance(value, int):
        raise Fault("TypeError", f"`repeat` takes a whole number, not `{type_name(value)}`")
    return int(value)


def type_name(value: Any) -> str:
    """A value's type, as a fault's text names it."""
    return "None" if value is None else type(value).__name__


def formatted(value: Any, specification: str) -> str:
    """`{value:specification}` of a template."""
    return format(value, specification)


def received(value: Any) -> Any:
    """What the user's own Python gave: a plain value, copied; anything else is no value of the language."""
    if isinstance(value, tuple):
        value = list(value)
    if isinstance(value, list):
        return bounded([received(item) for item in value])
    if isinstance(value, dict):
        return bounded({received(key): received(item) for key, item in value.items()})
    if isinstance(value, str | int | float | None):
        return bounded(value)
    raise Fault("TypeError", f"`{type_name(value)}` is no value of the language")


def settled(value: Any) -> Any:
    """A value that is kept: ranges in it become lists."""
    if isinstance(value, range):
        return list(value)
    if isinstance(value, list):
        return [settled(item) for item in value]
    return {key: settled(item) for key, item in value.items()} if isinstance(value, dict) else value


def _updated(container: Any, path: Sequence[Any], change: Callable[[Any], Any]) -> Any:
    """The container with what `path` leads to changed; all else is shared with the old one."""
    if not path:
        return change(container)
    first, *rest = path
    copied = _copy(container)
    copied[first] = _updated(container[first] if rest else _peek(container, first), rest, change)
    return copied


def _copy(container: Any) -> Any:
    if isinstance(container, list | dict):
        return container.copy()
    raise Fault("TypeError", f"`{type_name(container)}` has no items that could be changed")


def _peek(container: Any, key: Any) -> Any:
    if isinstance(container, dict):
        return container.get(key)
    return container[key]


def assigned(container: Any, path: Sequence[Any], value: Any) -> Any:
    """The container after `container[path] = value`."""
    return bounded(_updated(container, path, lambda _: value))


def appended(container: Any, path: Sequence[Any], item: Any) -> Any:
    """The container after `container[path].append(item)`."""

    def change(found: Any) -> Any:
        if not isinstance(found, list):
            raise Fault("TypeError", f"`append` needs a list, not `{type_name(found)}`")
        if len(found) >= MAX_SIZE:
            raise Fault("OverflowError", f"a value has at most {MAX_SIZE:,} items or characters")
        return [*found, item]

    return _updated(container, path, change)


def popped(container: Any, path: Sequence[Any], at: Any) -> tuple[Any, Any]:
    """The container after `container[path].pop(at)`, and the item taken."""
    taken: list[Any] = []

    def change(found: Any) -> Any:
        if not isinstance(found, list | dict):
            raise Fault("TypeError", f"`pop` needs a list or mapping, not `{type_name(found)}`")
        copied = found.copy()
        if isinstance(copied, dict):
            taken.append(copied.pop(at) if at is not None else copied.popitem()[1])
        else:
            taken.append(copied.pop(-1 if at is None else at))
        return copied

    changed = _updated(container, path, change)
    return changed, taken[0]


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "__bounded": bounded,
    "__mul": mul,
    "__pow": power,
    "__shl": shift_left,
    "__mod": modulo,
    "__range": bounded_range,
    "__settled": settled,
    "__items": items,
    "__times": times,
    "__format": formatted,
    "__assign": assigned,
    "__append": appended,
    "__pop": popped,
    "__fault": Fault,
    "__is_a": is_a,
    **{f.__name__: f for f in (len, min, max, abs, sum, sorted, int, float, str, bool, round, any, all)},
}
"""What the expressions of a program may call; an executor adds `random` and `__remaining`."""


def key(value: Any) -> Any:
    """A hashable stand-in that is equal for equal values only: 1, 1.0 and True are three values, and so are 0.0 and -0.0."""
    kind = value.__class__
    if kind is int or kind is str or value is None:
        return value
    if isinstance(value, tuple):
        return (kind, *map(key, value))
    if isinstance(value, list):
        return (list, *map(key, value))
    if isinstance(value, dict):
        return (dict, *((key(name), key(item)) for name, item in value.items()))
    if kind is float:
        return (float, value.hex())
    if kind is Fault:
        return (Fault, value.type, value.text)
    return (kind, value) if kind is bool else value
