"""The values of the language and the functions that its expressions may call, with bounds on size, depth and integers.

The bounds are the same in runs, simulations and searches. Lists and mappings are values: no function here changes one
in place, so they can be shared.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Sequence
from typing import Any

from scenrun.errors import Fault
from scenrun.language.durations import nanoseconds
from scenrun.program.exceptions import is_a
from scenrun.program.sets import Set

MAX_BITS = 4_096
MAX_SIZE = 1_000_000
"""The most items of a list or mapping, nested ones included, characters of a text, and items of a range."""
MAX_DEPTH = 64
_LIMIT = 1 << MAX_BITS
_PLAIN = (bool, float, type(None))
_SIZES = re.compile(r"[0-9]+")
"""The numbers in a `%` format: its widths and precisions, and other numbers of the text, which are bounded as well."""


def bounded(value: Any) -> Any:
    """The value, if it is within bounds; raises an OverflowError of the scenario otherwise."""
    if value.__class__ is int:
        if -_LIMIT < value < _LIMIT:
            return value
        raise Fault("OverflowError", f"an integer has at most {MAX_BITS:,} bits")
    if not isinstance(value, _PLAIN):
        _measure(value, 0, 0)
    return value


def _measure(value: Any, so_far: int, depth: int) -> int:
    """`so_far` plus the size of a value, nested ones included; raises as soon as a bound is exceeded."""
    if depth > MAX_DEPTH:
        raise Fault("OverflowError", f"values are nested at most {MAX_DEPTH} deep")
    so_far += 1
    if isinstance(value, str):
        so_far += len(value)
    elif isinstance(value, list | tuple | Set):
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
    """`left * right`; refuses a repeated text or list beyond the bounds."""
    # Here and below, operands are checked first: Python would build the huge value before `bounded` could refuse it.
    for sequence, times in ((left, right), (right, left)):
        if isinstance(sequence, str | list | tuple) and isinstance(times, int) and len(sequence) * times > MAX_SIZE:
            raise Fault("OverflowError", f"a value has at most {MAX_SIZE:,} items or characters")
    return left * right


def power(left: Any, right: Any) -> Any:
    """`left ** right`; refuses an integer beyond the bounds, and a complex result, which is no value of the language."""
    if isinstance(left, int) and isinstance(right, int) and right > 0:
        if abs(left) > 1 and (left.bit_length() - 1) * right > MAX_BITS:
            raise Fault("OverflowError", f"an integer has at most {MAX_BITS:,} bits")
        return left**right
    value = left**right
    if isinstance(value, complex):
        raise Fault("ValueError", "a root of a negative number is no value of the language")
    return value


def shift_left(left: Any, right: Any) -> Any:
    """`left << right`; refuses a result beyond the bounds."""
    if isinstance(left, int) and isinstance(right, int) and left and left.bit_length() + right > MAX_BITS:
        raise Fault("OverflowError", f"an integer has at most {MAX_BITS:,} bits")
    return left << right


def modulo(left: Any, right: Any) -> Any:
    """`left % right`: a remainder, or a formatted text, for which a width or precision beyond the bounds is refused."""
    if isinstance(left, str) and any(int(size) > MAX_SIZE for size in _SIZES.findall(left)):
        raise Fault("OverflowError", f"a value has at most {MAX_SIZE:,} items or characters")
    return left % right


def bounded_range(*arguments: Any) -> range:
    """`range(..)` of at most MAX_SIZE items."""
    made = range(*arguments)
    if (made.stop - made.start) // made.step > MAX_SIZE:
        raise Fault("OverflowError", f"a range has at most {MAX_SIZE:,} items; `repeat` counts further")
    return made


def items(value: Any) -> Sequence[Any]:
    """The items that `for` goes through: of a list, tuple, set or range, the characters of a text, the keys of a mapping."""
    if isinstance(value, list | tuple | range | str):
        return value
    if isinstance(value, dict | Set):
        return list(value)
    raise Fault("TypeError", f"`{type_name(value)}` is nothing that `in` can go through")


def as_list(*given: Any) -> list[Any]:
    """`list(..)`."""
    return [one for some in given for one in items(some)]


def as_tuple(*given: Any) -> tuple[Any, ...]:
    """`tuple(..)`."""
    return tuple(as_list(*given))


def as_set(*given: Any) -> Set:
    """`set(..)`, and what a set of such items is written as: `{a, b}`."""
    return Set(as_list(*given))


def times(value: Any) -> int:
    """The count of `repeat`, which must be a whole number."""
    if not isinstance(value, int):
        raise Fault("TypeError", f"`repeat` takes a whole number, not `{type_name(value)}`")
    return int(value)


def type_name(value: Any) -> str:
    """The name of a value's type in the text of a fault."""
    return "None" if value is None else "str" if isinstance(value, str) else type(value).__name__


def formatted(value: Any, specification: str) -> str:
    """`{value:specification}` of a template."""
    return format(value, specification)


def received(value: Any) -> Any:
    """A result of the author's Python as a value of the language, copied (a tuple becomes a list); TypeError for others."""
    if isinstance(value, tuple):
        value = list(value)
    if isinstance(value, list):
        return bounded([received(item) for item in value])
    if isinstance(value, set | frozenset):
        return bounded(Set(value if all(map(_is_member, value)) else received(list(value))))
    if isinstance(value, dict):
        return bounded({received(key): received(item) for key, item in value.items()})
    if isinstance(value, str | int | float | None):
        return bounded(value)
    raise Fault("TypeError", f"`{type_name(value)}` is no value of the language")


def _is_member(value: Any) -> bool:
    """Whether a value of the author's Python may be in a set as it is."""
    return all(map(_is_member, value)) if type(value) is tuple else isinstance(value, str | int | float | None)


def sent(value: Any) -> Any:
    """A copy of a value for the author's Python, whose sets are Python's own."""
    if isinstance(value, list):
        return [sent(item) for item in value]
    if type(value) is tuple:
        return tuple(sent(item) for item in value)
    if isinstance(value, dict):
        return {key: sent(item) for key, item in value.items()}
    return set(value) if isinstance(value, Set) else copy.deepcopy(value)


def settled(value: Any) -> Any:
    """The value with every range in it turned into a list, as a stored value has none."""
    if isinstance(value, range):
        return list(value)
    if isinstance(value, list):
        return [settled(item) for item in value]
    if type(value) is tuple:
        return tuple(settled(item) for item in value)
    return {key: settled(item) for key, item in value.items()} if isinstance(value, dict) else value


def _updated(container: Any, path: Sequence[Any], change: Callable[[Any], Any]) -> Any:
    """A copy of the container with `change` applied at `path`; the unchanged parts are shared with the old one."""
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
    """The container after `container[path].pop(at)`, and the popped item; `at` None: the last one."""
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


_METHODS: dict[type, tuple[str, ...]] = {
    str: (
        "split", "join", "strip", "lower", "upper", "startswith", "endswith", "replace", "find", "isdigit", "index", "count",
    ),
    list: ("index", "count"),
    tuple: ("index", "count"),
    dict: ("get", "keys", "values", "items"),
    Set: ("union", "intersection", "difference", "issubset", "issuperset", "isdisjoint"),
}  # fmt: skip


def method(name: str, value: Any, *arguments: Any) -> Any:
    """`value.name(*arguments)` of a text, a list, a tuple, a mapping or a set; lists in place of views and their tuples."""
    kind = next((kind for kind in _METHODS if isinstance(value, kind)), None)
    if kind is None or name not in _METHODS[kind]:
        raise Fault("AttributeError", f"'{type_name(value)}' object has no attribute '{name}'")
    _refuse_huge(name, value, arguments)
    if kind is Set:
        arguments = tuple(map(items, arguments))
    result = getattr(value, name)(*arguments)
    if name == "items":
        return [list(pair) for pair in result]
    return list(result) if name in ("keys", "values") else result


def _refuse_huge(name: str, value: Any, arguments: tuple[Any, ...]) -> None:
    """Refuse a result beyond the bounds before it is built."""
    size = 0
    if name == "replace" and all(isinstance(one, str) for one in arguments):
        old, new = arguments
        size = len(value) + (value.count(old) if old else len(value) + 1) * max(0, len(new) - len(old))
    elif name == "join" and isinstance(arguments[0], list | tuple | Set):
        size = len(value) * len(arguments[0]) + sum(len(one) for one in arguments[0] if isinstance(one, str))
    if size > MAX_SIZE:
        raise Fault("OverflowError", f"a value has at most {MAX_SIZE:,} items or characters")


def futures_in(value: Any) -> list[Any]:
    """A list of futures, each once."""
    found: list[Any] = []
    for one in items(value):
        if one not in found:
            found.append(one)
    return found


def without(some: list[Any], others: list[Any]) -> list[Any]:
    """The items of a list that are not in another."""
    return [one for one in some if one not in others]


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "__bounded": bounded,
    "__mul": mul,
    "__pow": power,
    "__shl": shift_left,
    "__mod": modulo,
    "__range": bounded_range,
    "__settled": settled,
    "__items": items,
    "__list": as_list,
    "__tuple": as_tuple,
    "__set": as_set,
    "__times": times,
    "__futures_in": futures_in,
    "__without": without,
    "__method": method,
    "__span": nanoseconds,
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
    if isinstance(value, Set):
        return (Set, *map(key, value))
    if isinstance(value, dict):
        return (dict, *((key(name), key(item)) for name, item in value.items()))
    if kind is float:
        return (float, value.hex())
    if kind is Fault:
        return (Fault, value.type, value.text)
    return (kind, value) if kind is bool else value
