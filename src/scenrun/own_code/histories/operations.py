"""What is called on an object: a method with its arguments, a property that is read, an expression of it."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import islice
from typing import Any, NamedTuple

from scenrun.own_code.hooking import calls, hooks, turns
from scenrun.own_code.hooking.accounting import reached
from scenrun.own_code.hooking.compiling import instrumented
from scenrun.own_code.hooking.hook_names import HOOKS

_WRITTEN = {
    "__getitem__": "{o}[{0}]", "__setitem__": "{o}[{0}] = {1}", "__delitem__": "del {o}[{0}]", "__contains__": "{0} in {o}",
    "__len__": "len({o})", "__iter__": "list({o})", "__call__": "{o}({all})", "__bool__": "bool({o})",
}  # fmt: skip
"""How operators are written."""
MOST_ITEMS = 1_000
"""Items of an iterator that are taken."""


class Operation(NamedTuple):
    """One operation of an object."""

    name: str
    arguments: tuple[str, ...] = ()
    """By position, each as Python writes it: each call is given values of its own."""
    by_name: tuple[tuple[str, str], ...] = ()
    is_property: bool = False
    """Whether it is read, or, with an argument, set."""
    is_expression: bool = False
    """Whether the name is an expression of the object, which it calls `o`."""

    @classmethod
    def of(cls, name: str, arguments: Sequence[Any] = (), by_name: Mapping[str, Any] = {}) -> Operation:
        """A call with plain values."""
        return cls(name, tuple(map(repr, arguments)), tuple([(key, repr(value)) for key, value in by_name.items()]))

    @property
    def values(self) -> tuple[list[Any], dict[str, Any]]:
        """The arguments, by position and by name."""
        return [ast.literal_eval(one) for one in self.arguments], {
            name: ast.literal_eval(one) for name, one in self.by_name
        }

    def written(self, of: str = "o") -> str:
        """As an expression. of: the name of the object."""
        given = [*self.arguments, *(f"{name}={value}" for name, value in self.by_name)]
        if self.is_property:
            return f"{of}.{self.name}" + (f" = {given[0]}" if given else "")
        if self.is_expression:
            return re.sub(r"\bo\b", of, self.name)
        form = _WRITTEN.get(self.name)
        try:
            return (
                f"{of}.{self.name}({', '.join(given)})"
                if form is None
                else form.format(*given, o=of, all=", ".join(given))
            )
        except IndexError:
            return f"{of}.{self.name}({', '.join(given)})"

    def __str__(self) -> str:
        return self.written()

    def on_plain(self, owner: Any) -> Any:
        """Make it on an object whose code has no hooks; what an iterator gives is gone through at once."""
        arguments, by_name = self.values
        if self.is_expression:
            return bool(eval(self.name, {"o": owner}))
        if self.is_property and arguments:
            return setattr(owner, self.name, arguments[0])
        found = getattr(owner, self.name)
        found = found if self.is_property else found(*arguments, **by_name)
        return list(islice(found, MOST_ITEMS)) if hasattr(type(found), "__next__") else found

    def on(self, owner: Any, site: int) -> Any:
        """Make it, as hooked code would; what an iterator gives is gone through at once."""
        if self.is_expression:
            return bool(_looking(self.name)(owner))
        if self.is_property and self.arguments:
            (value,), _ = self.values
            setattr(hooks.set_(owner, self.name, site), self.name, value)
            return None
        if self.is_property:
            found = getattr(hooks.get(owner, self.name, site), self.name)
        else:
            arguments, by_name = self.values
            found = calls.method(owner, self.name, site)(*arguments, **by_name)
        return looked_at(found, site)


@cache
def _looking(expression: str) -> Any:
    """A function with hooks that evaluates an expression of an object."""
    names: dict[str, Any] = {"__builtins__": {**vars(builtins), **HOOKS}}
    exec(instrumented(f"def look(o):\n    return {expression}\n", "<invariant>"), names)
    return names["look"]


def looked_at(found: Any, site: int) -> Any:
    """A result that somebody looks at: an iterator is gone through, and all parts of a container are read."""
    if hasattr(type(found), "__next__") or (reached(found) and not hasattr(found, "__len__")):
        taken = []
        for item in turns.each(found, site):
            taken.append(item)
            if len(taken) == MOST_ITEMS:
                break
        found = taken
    hooks.whole(found, site)
    return found
