"""The phrases of the compiler's error messages: what a name is, which kinds a verb needs, and what to write instead."""

from __future__ import annotations

import ast

from scenrun.program.compiler.scope import Alias, Binding, Object, Register, Shared, VariableAlias
from scenrun.program.ir import Cell
from scenrun.program.primitives.registry import KINDS


def a(kind: str) -> str:
    """The name of a kind with its indefinite article."""
    kind = _ITSELF.get(kind, kind).replace("_", " ")
    return f"{'an' if kind[0] in 'aeiou' or kind == 'rlock' else 'a'} {kind}"


def describe(binding: Binding) -> str:
    """A noun phrase for a binding, such as `a shared variable`."""
    if isinstance(binding, Object):
        kind = binding.cell.kind
        return "a thread group" if kind in ("thread", "task") else a(kind)
    if isinstance(binding, Shared):
        return "a shared variable"
    if isinstance(binding, Register | Alias | VariableAlias):
        return "a local or parameter"
    words = {
        "Constant": "a literal parameter",
        "Time": "a duration",
        "Span": "a duration",
        "Nothing": "none",
        "Unknown": "wrong",
    }
    return words[type(binding).__name__]


def fitting(names: list[str]) -> str:
    """The names that would fit, in parentheses; empty where there are none or more than five."""
    return f" (there is {', '.join(f'`{name}`' for name in names)})" if 0 < len(names) <= 5 else ""


_ITSELF = {"acting_barrier": "barrier", "made_timer": "timer", "own_future": "future"}
"""Kinds that a file does not name, by what it calls them."""
_WORDS = {
    "task": "thread", "simple_queue": "queue", "spawned": "thread", "acting_barrier": "barrier",
    "own_future": "future",
}  # fmt: skip


def word(kind: str) -> str:
    """What a file calls a kind."""
    return _WORDS.get(kind, kind).replace("_", " ")


def one_of(kinds: tuple[str, ...]) -> str:
    """The kinds as a phrase: `a lock, an rlock or a semaphore`."""
    words = [a(w) for w in dict.fromkeys(word(k) for k in kinds)]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def example(binding: Binding) -> str:
    if not isinstance(binding, Object):
        return "ask whether it `is None`"
    kind = KINDS[binding.cell.kind]
    asked = [f"{binding.cell.name}.{q}()" for q in kind.questions] + [
        f"{binding.cell.name}.{q}" for q in kind.attributes
    ]
    return f"ask it something, such as `{asked[0]}`" if asked else "and it answers no questions"


_INSTEAD = {
    ("release", "event"): "`set_event` sets an event",
    ("acquire", "event"): "`wait` waits for an event",
    ("with", "event"): "`wait` waits for an event",
    ("notify", "event"): "`set_event` wakes who waits for an event",
    ("notify_all", "event"): "`set_event` wakes who waits for an event",
    ("notify", "lock"): "declare a condition over it: `{condition: {lock: NAME}}`",
    ("notify", "rlock"): "declare a condition over it: `{condition: {lock: NAME}}`",
    ("notify_all", "lock"): "declare a condition over it: `{condition: {lock: NAME}}`",
    ("notify_all", "rlock"): "declare a condition over it: `{condition: {lock: NAME}}`",
    ("wait", "lock"): "`acquire` waits for a lock",
    ("wait", "rlock"): "`acquire` waits for a lock",
    ("wait", "semaphore"): "`acquire` waits for a semaphore",
    ("wait", "queue"): "`get` waits for an item",
    ("wait", "thread"): "`join` waits for a thread",
    ("set_event", "condition"): "`notify` wakes who waits on a condition",
    ("join", "queue"): "`join_queue` waits until a queue's items are dealt with",
    ("join", "pool"): "`shutdown` waits for a pool's tasks",
    ("task_done", "simple_queue"): "a simple queue does not count its tasks; use `kind: fifo`",
    ("join_queue", "simple_queue"): "a simple queue does not count its tasks; use `kind: fifo`",
    ("shutdown", "simple_queue"): "a simple queue cannot be shut down; use `kind: fifo`",
    ("start", "pool"): "a pool starts by itself; `submit` gives it work",
}


def wrong_kind(verb: str, shown: str, kind: str, wanted: tuple[str, ...]) -> str:
    """The message for a verb that does not accept an object's kind."""
    instead = _INSTEAD.get((verb, kind))
    return f"`{verb}` needs {one_of(wanted)}; `{shown}` is {a(kind)}" + (f": {instead}" if instead else "")


def wrong_index(index: ast.expr, cell: Cell) -> str | None:
    """The message for an index that is a number outside an array; None for all others."""
    is_negative = isinstance(index, ast.UnaryOp) and isinstance(index.op, ast.USub)
    number = index.operand if isinstance(index, ast.UnaryOp) and is_negative else index
    if not isinstance(number, ast.Constant) or cell.count is None:
        return None
    if isinstance(number.value, int) and -cell.count <= (-number.value if is_negative else number.value) < cell.count:
        return None
    return f"`{cell.name}` has the indices 0 to {cell.count - 1}, not {ast.unparse(index)[:40]}"
