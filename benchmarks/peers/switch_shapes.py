"""Ways to read a number and write it back one larger, with different things in between: does another thread come there?"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

number = 0


class Shared:
    """What two threads add to."""

    def __init__(self) -> None:
        self.n = 0
        self.table = {"n": 0}
        self.items = [0]
        self.lock = Lock()

    def add(self) -> None:
        """One more."""
        self.n += 1

    @property
    def same(self) -> int:
        """The number."""
        return self.n


def setup() -> Shared:
    """Everything at zero."""
    global number
    number = 0
    return Shared()


def total(s: Shared) -> int:
    """What was added, wherever."""
    return s.n + s.table["n"] + s.items[0] + number


def is_two(s: Shared) -> bool:
    """Whether two additions are there."""
    return total(s) == 2


def one_more(x: int) -> int:
    """A function in Python."""
    return x + 1


def attribute(s: Shared) -> None:
    s.n += 1


def item_of_a_dict(s: Shared) -> None:
    s.table["n"] += 1


def item_of_a_list(s: Shared) -> None:
    s.items[0] += 1


def variable_of_a_module(s: Shared) -> None:
    global number
    number += 1


def two_statements(s: Shared) -> None:
    x = s.n
    s.n = x + 1


def an_if(s: Shared) -> None:
    x = s.n
    if x >= 0:
        s.n = x + 1


def a_display(s: Shared) -> None:
    x = s.n
    y = [x, 1]
    s.n = y[0] + y[1]


def within_a_method(s: Shared) -> None:
    s.add()


def a_property_before(s: Shared) -> None:
    s.n = s.same + 1


def a_call_of_python(s: Shared) -> None:
    x = s.n
    s.n = one_more(x)


def a_call_of_c(s: Shared) -> None:
    x = s.n
    s.n = abs(x) + 1


def a_method_in_c(s: Shared) -> None:
    x = s.n
    "a".upper()
    s.n = x + 1


def a_lambda(s: Shared) -> None:
    x = s.n
    s.n = (lambda: x + 1)()


def two_turns_of_for(s: Shared) -> None:
    x = s.n
    for _ in (1, 2):
        pass
    s.n = x + 1


def within_one_turn_of_for(s: Shared) -> None:
    x = s.n
    for _ in (1,):
        s.n = x + 1


def within_each_turn_of_for(s: Shared) -> None:
    for _ in (1, 2):
        s.n += 1
    s.n -= 1


def one_turn_of_while(s: Shared) -> None:
    x = s.n
    i = 0
    while i < 1:
        i += 1
    s.n = x + 1


def two_turns_of_while(s: Shared) -> None:
    x = s.n
    i = 0
    while i < 2:
        i += 1
    s.n = x + 1


def first_turn_of_while(s: Shared) -> None:
    x = s.n
    while True:
        s.n = x + 1
        break


def while_that_looks(s: Shared) -> None:
    i = 0
    x = s.n
    while s.n >= 0 and i < 1:
        i += 1
        x = s.n
        s.n = x + 1


def continue_in_while(s: Shared) -> None:
    i = 0
    x = s.n
    while True:
        i += 1
        if i == 1:
            continue
        break
    s.n = x + 1


def a_comprehension(s: Shared) -> None:
    x = s.n
    _ = [v + 1 for v in (1, 2)]
    s.n = x + 1


def a_generator(s: Shared) -> None:
    s.n = sum(v for v in (s.n, 1))


def a_lock_before_the_write(s: Shared) -> None:
    x = s.n
    with s.lock:
        s.n = x + 1


def a_lock_before_both(s: Shared) -> None:
    with s.lock:
        pass
    s.n += 1


def a_lock_in_between(s: Shared) -> None:
    x = s.n
    with s.lock:
        pass
    s.n = x + 1


SHAPES: tuple[Callable[[Shared], None], ...] = (
    attribute, item_of_a_dict, item_of_a_list, variable_of_a_module, two_statements, an_if, a_display, within_a_method,
    a_property_before, a_call_of_python, a_call_of_c, a_method_in_c, a_lambda, two_turns_of_for, within_one_turn_of_for,
    within_each_turn_of_for, one_turn_of_while, two_turns_of_while, first_turn_of_while, while_that_looks, continue_in_while,
    a_comprehension, a_generator, a_lock_before_the_write, a_lock_before_both, a_lock_in_between,
)  # fmt: skip
