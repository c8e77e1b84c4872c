"""Programs whose bugs need accesses that are hard to see: each breaks its check, or raises, in some schedule.

`CASES` has for each the setup, the threads and the check. A search may say that it does not know (`incomplete`), never `holds`.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from operator import attrgetter
from types import MappingProxyType
from typing import Any

first = second = 0
hidden = 7


class Shared:
    """What threads share."""

    total = 0
    _value = 0
    value = property(attrgetter("_value"))

    def __init__(self) -> None:
        self.x = self.y = 0
        self.log: Any = None
        self.one: list[Any] = []
        self.other: list[Any] = []
        self.table: dict[str, Any] = {}
        self.made: Any = defaultdict(new_list)
        self.seen = MappingProxyType(self.table)
        self.numbers = endless(self)
        self.thread = threading.Thread(target=nothing)


class Sub(Shared):
    """Finds some attributes on its base."""


class Borg:
    """All objects have the same attributes."""

    state: dict[str, int] = {"count": 0}

    def __init__(self) -> None:
        self.__dict__ = Borg.state


def new_list() -> list[Any]:
    return []


def nothing() -> None:
    return


def endless(shared: Shared) -> Any:
    while True:
        shared.x += 1
        yield shared.x


def items_of(shared: Shared) -> Any:
    yield from shared.one


def setup() -> Shared:
    global first, second
    first = second = 0
    Borg.state = {"count": 0}
    return Shared()


def sub() -> Shared:
    return Sub()


def two() -> Shared:
    shared = Shared()
    shared.one = [1, 2]
    return shared


# --- what the threads do


def adds_to_made(s: Shared) -> None:
    s.made["k"].append(1)


def goes_on(s: Shared) -> None:
    s.log = next(s.numbers)


def sums(s: Shared) -> None:
    s.log = sum([one for one in items_of(s)])  # noqa: C416


def clears(s: Shared) -> None:
    s.one.clear()


def fills(s: Shared) -> None:
    s.one.append(1)
    s.other.append(2)


def replaces(s: Shared) -> None:
    s.one[:] = s.other


def sets_both(s: Shared) -> None:
    global first, second
    first, second = 1, 1


def asks_both(s: Shared) -> None:
    if first:
        s.log = second


def counts_borg(s: Shared) -> None:
    one: Any = Borg()
    one.count = one.count + 1


def updates_dict(s: Shared) -> None:
    s.__dict__.update(x=5)


def copies_dict(s: Shared) -> None:
    s.log = s.__dict__.copy()["x"]


def sets_x(s: Shared) -> None:
    s.x = 1


def reads_x(s: Shared) -> None:
    s.log = s.x


def sets_item(s: Shared) -> None:
    s.table["k"] = 1


def reads_proxy(s: Shared) -> None:
    s.log = s.seen.get("k")


def starts(s: Shared) -> None:
    s.thread.start()


def asks_alive(s: Shared) -> None:
    s.log = s.thread.is_alive() or s.thread.ident


def sets_on_class(s: Shared) -> None:
    Sub.total = 1


def reads_from_class(s: Shared) -> None:
    s.log = s.total


def formats(s: Shared) -> None:
    s.log = "{0.x}".format(s)  # noqa: UP030, UP032


def sets_value(s: Shared) -> None:
    s._value = 1


def reads_value(s: Shared) -> None:
    s.log = s.value


def reads_global_beside(s: Shared) -> None:
    s.log = sum([first for first in range(1)]) + first  # noqa: C416


def sets_global(s: Shared) -> None:
    global first
    first = 1


def starts_daemon(s: Shared) -> None:
    threading.Thread(target=writes_twice, args=(s,), daemon=True).start()


def writes_twice(s: Shared) -> None:
    s.x = 1
    s.y = 1


class Table(dict[str, Any]):
    """A container with an attribute of its own."""

    handler: Any = staticmethod(new_list)


def with_table() -> Shared:
    shared = setup()
    shared.table = Table()
    return shared


def sets_handler(s: Shared) -> None:
    s.table.handler = int  # type: ignore[attr-defined]


def calls_handler(s: Shared) -> None:
    s.log = s.table.handler() == 0  # type: ignore[attr-defined]


def with_vars() -> tuple[Shared, Any]:
    """An object, and its `__dict__` as a function in C gives it, which no hook sees."""
    made = Shared()
    return made, vars(made)


def x_is_one(both: tuple[Shared, Any]) -> None:
    both[0].x = 1


def item_is_two(both: tuple[Shared, Any]) -> None:
    both[1]["x"] = 2


def variables() -> Any:
    return globals()


pair = [0]


def a_name_is_one(s: Any) -> None:
    global pair
    pair = [1]


def its_item_is_two(s: Any) -> None:
    s["pair"] = [2]


# --- what is checked


def one_is_last(both: tuple[Shared, Any]) -> bool:
    return bool(both[0].x == 1)


def two_is_last(both: tuple[Shared, Any]) -> bool:
    return bool(both[0].x == 2)


def pair_is_one(s: Any) -> bool:
    return bool(pair == [1])


def pair_is_two(s: Any) -> bool:
    return bool(pair == [2])


def two_are_made(s: Shared) -> bool:
    return len(s.made["k"]) == 2


def all_or_nothing(s: Shared) -> bool:
    return s.log in (0, 3)


def is_filled(s: Shared) -> bool:
    return bool(s.one)


def not_half(s: Shared) -> bool:
    return s.log != 0


def borg_is_two(s: Shared) -> bool:
    return Borg.state["count"] == 2


def nothing_seen(s: Shared) -> bool:
    return not s.log


def zero_seen(s: Shared) -> bool:
    return s.log in (0, "0")


def x_stays(s: Shared) -> bool:
    return s.log != 5


def alike(s: Shared) -> bool:
    return s.x == s.y


CASES: dict[str, tuple[Any, list[Any], Any]] = {
    "a default factory": (setup, [adds_to_made] * 2, two_are_made),
    "a generator of two threads": (setup, [goes_on] * 2, None),
    "yield from a list": (two, [sums, clears], all_or_nothing),
    "a slice that another list is put into": (setup, [fills, replaces, fills], is_filled),
    "two globals set by one statement": (setup, [sets_both, asks_both], not_half),
    "objects that share their attributes": (setup, [counts_borg] * 2, borg_is_two),
    "a __dict__ that is updated": (setup, [updates_dict, reads_x], x_stays),
    "a __dict__ that is copied": (setup, [copies_dict, sets_x], nothing_seen),
    "a view of a dictionary": (setup, [sets_item, reads_proxy], nothing_seen),
    "a thread that another one starts": (setup, [starts, asks_alive], nothing_seen),
    "an attribute of a base": (sub, [sets_on_class, reads_from_class], nothing_seen),
    "an attribute that a format reads": (setup, [formats, sets_x], zero_seen),
    "a property whose getter is in C": (setup, [sets_value, reads_value], nothing_seen),
    "a name of a comprehension and of a module": (setup, [reads_global_beside, sets_global], nothing_seen),
    "a container's own attribute that is called": (with_table, [calls_handler, sets_handler], nothing_seen),
    "a __dict__ that the setup keeps": (with_vars, [x_is_one, item_is_two], two_is_last),
    "a __dict__ that the setup keeps, the other order": (with_vars, [x_is_one, item_is_two], one_is_last),
    "a __dict__ that comes first": (with_vars, [item_is_two, x_is_one], one_is_last),
    "a __dict__ that comes first, the other order": (with_vars, [item_is_two, x_is_one], two_is_last),
    "the variables of a module": (variables, [a_name_is_one, its_item_is_two], pair_is_two),
    "the variables of a module, the other order": (variables, [a_name_is_one, its_item_is_two], pair_is_one),
    "a daemon that is cut off": (setup, [starts_daemon], alike),
}
