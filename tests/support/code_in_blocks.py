"""More programs whose bugs are hard to see: in statements within others, in exceptions and in loggers that threads share.

`CASES` is as in `code_hard_to_see`; `LOOPS` has programs in which a thread waits for what nobody announces, and ends.
"""

from __future__ import annotations

import logging
import math
import threading
from typing import Any

number: Any = 0


class Counting(logging.Handler):
    """A handler that remembers."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        self.own = threading.Lock()

    def emit(self, record: logging.LogRecord) -> None:
        """Count, under a lock of its own."""
        with self.own:
            self.count += 1


class Shared:
    """What threads share."""

    a: bool

    def __init__(self) -> None:
        self.a = False
        self.n = 0
        self.seen: list[Any] = []
        self.lock = threading.Lock()
        self.error = ValueError("shared")
        self.log = logging.Logger("shared")
        self.handler = Counting()
        self.log.addHandler(self.handler)


def setup() -> Shared:
    global number
    number = 0
    logging.disable(logging.NOTSET)
    return Shared()


def nothing_seen(s: Shared) -> bool:
    return s.seen == [False]


# --- statements within others


def sets_a(s: Shared) -> None:
    s.a = True


def matches_in_with(s: Shared) -> None:
    with s.lock:
        match s:
            case Shared(a=True):
                s.seen.append(True)
            case _:
                s.seen.append(False)


def matches_in_try(s: Shared) -> None:
    try:
        match s:
            case Shared(a=True):
                s.seen.append(True)
            case _:
                s.seen.append(False)
    finally:
        pass


def reads_number(s: Shared) -> None:
    s.seen.append(number != 0)


def loops_in_try(s: Shared) -> None:
    global number
    try:
        for number in (5,):  # noqa: B007
            pass
    finally:
        pass


def imports_in_try(s: Shared) -> None:
    global number
    try:
        import math as number
    finally:
        pass


def defines(s: Shared) -> None:
    global number

    def number() -> None: ...


def defines_class(s: Shared) -> None:
    global number

    class number: ...  # noqa: N801


# --- exceptions and loggers


def looks_at_notes(s: Shared) -> None:
    s.seen.append(hasattr(s.error, "__notes__"))


def adds_note(s: Shared) -> None:
    s.error.add_note("x")


def looks_at_traceback(s: Shared) -> None:
    s.seen.append(s.error.__traceback__ is not None)


def raises_it(s: Shared) -> None:
    try:
        raise s.error
    except ValueError:
        pass


def looks_at_cause(s: Shared) -> None:
    s.seen.append(s.error.__cause__ is not None)


def raises_it_from(s: Shared) -> None:
    try:
        raise s.error from KeyError()
    except ValueError:
        pass


def asks_level(s: Shared) -> None:
    s.seen.append(not s.log.isEnabledFor(logging.INFO))


def disables_logging(s: Shared) -> None:
    logging.disable(logging.CRITICAL)


def disables_logger(s: Shared) -> None:
    s.log.disabled = True


def sets_level(s: Shared) -> None:
    s.log.level = 50


# --- loops


def waits(s: Shared) -> None:
    while not s.a:
        pass


def waits_for_number(s: Shared) -> None:
    while number == 0:
        pass


def waits_for_handler(s: Shared) -> None:
    while not s.handler.count:
        pass


def sets_by_vars(s: Shared) -> None:
    vars(s)["a"] = True


def sets_by_exec(s: Shared) -> None:
    exec("s.a = True")


def sets_by_globals(s: Shared) -> None:
    globals()["number"] = 1


def logs(s: Shared) -> None:
    s.log.info("x")


def logs_until_three(s: Shared) -> None:
    while s.handler.count < 3:
        s.log.info("x")


def turns_sign(s: Shared) -> None:
    x = 0.0
    while math.copysign(1, x) > 0:
        x = -x


def changes_range(s: Shared) -> None:
    r = range(0, 3, 2)
    while r.stop != 4:
        r = range(0, r.stop + 1, 2)


def holds_handlers_lock(s: Shared) -> None:
    with s.handler.own:
        before = s.n
        s.n = before + 1


def adds_and_logs(s: Shared) -> None:
    s.n += 1
    s.log.info("x")


CASES: dict[str, tuple[Any, list[Any], Any]] = {
    "a pattern in a with": (setup, [matches_in_with, sets_a], nothing_seen),
    "a pattern in a try": (setup, [matches_in_try, sets_a], nothing_seen),
    "a for in a try": (setup, [reads_number, loops_in_try], nothing_seen),
    "an import in a try": (setup, [reads_number, imports_in_try], nothing_seen),
    "a function that is a global": (setup, [reads_number, defines], nothing_seen),
    "a class that is a global": (setup, [reads_number, defines_class], nothing_seen),
    "a note of an exception": (setup, [looks_at_notes, adds_note], nothing_seen),
    "an exception that is raised": (setup, [looks_at_traceback, raises_it], nothing_seen),
    "the cause of an exception": (setup, [looks_at_cause, raises_it_from], nothing_seen),
    "logging that is disabled": (setup, [asks_level, disables_logging], nothing_seen),
    "a logger that is disabled": (setup, [asks_level, disables_logger], nothing_seen),
    "the level of a logger": (setup, [asks_level, sets_level], nothing_seen),
}
LOOPS: dict[str, list[Any]] = {
    "vars": [waits, sets_by_vars], "exec": [waits, sets_by_exec], "globals": [waits_for_number, sets_by_globals],
    "a handler": [waits_for_handler, logs], "a handler of its own": [logs_until_three], "a sign": [turns_sign],
    "a range": [changes_range], "a handler's lock": [holds_handlers_lock, adds_and_logs],
}  # fmt: skip
