"""Which object is which: parts of objects by number, without keeping an object alive for that.

An identity may be taken again by a new object once the old one is gone; so what is known of an object is forgotten with it.
"""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from functools import partial
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Identities:
    """The objects of one execution that were touched."""

    def __init__(self, *, keeps: bool = True) -> None:
        """keeps: whether objects of which there can be no weak references are kept alive; else what comes to have the identity of
        one that is no more is taken for it, which orders more steps than need be."""
        self.keeps = keeps
        self._known: dict[int, Any] = {}
        """The objects, by identity: weak references, or themselves where there can be none."""
        self._forgetting: list[Callable[[int], None]] = []
        self._dicts: dict[int, int] = {}
        """The identities of owners by those of their `__dict__`."""
        self._dict_of: dict[int, int] = {}
        self._alone: set[int] = set()
        """The identities of dictionaries that were touched before it was known whose `__dict__` they are, if anybody's."""
        self.mixed_up: str | None = None
        """The class of an object whose `__dict__` was touched before it was known to be that: as if it were something else."""

    def know(self, owner: Any) -> None:
        """Note an object, so that nothing new is taken for it; it lives no longer for that, if that can be."""
        if id(owner) in self._known:
            return
        if any(type(one) is dict for one in gc.get_referents(owner)):  # who made it may have kept its `__dict__`
            self._match_dict(owner)
        if type(owner) is dict:
            self._alone.add(id(owner))
        self._keep(owner)

    def _keep(self, owner: Any) -> None:
        try:
            self._known[id(owner)] = weakref.ref(owner, partial(self._forget, id(owner)))
        except TypeError:
            if self.keeps:
                self._known[id(owner)] = owner

    def _forget(self, identity: int, _: Any) -> None:
        self._known.pop(identity, None)
        self._dicts.pop(self._dict_of.pop(identity, 0), None)
        for forget in self._forgetting:
            forget(identity)

    def on_end_of_one(self, forget: Callable[[int], None]) -> None:
        """Call a function with the identity of each object that is no more."""
        self._forgetting.append(forget)

    def note_dict(self, owner: Any) -> None:
        """Note whose `__dict__` a dictionary is, as its items are the owner's attributes."""
        self.know(owner)
        self._match_dict(owner)

    def _match_dict(self, owner: Any) -> None:
        try:
            found = object.__getattribute__(owner, "__dict__")
        except (AttributeError, TypeError):
            return
        if type(found) is dict:
            if id(found) in self._alone:
                self.mixed_up = type(owner).__qualname__
            self._dicts[id(found)] = id(owner)
            self._dict_of[id(owner)] = id(found)

    def owner_of(self, value: Any) -> Any:
        """The object whose `__dict__` a value is, if that is known."""
        known = self._known.get(self._dicts.get(id(value), 0))
        return known() if isinstance(known, weakref.ref) else known


class Parts(Generic[T]):
    """Something for each part of an object, made when the part is touched first: in the same order for the same schedule."""

    def __init__(self, identities: Identities, make: Callable[[], T]) -> None:
        self._identities = identities
        self._make = make
        self._by_name: dict[int, dict[str, T]] = {}
        identities.on_end_of_one(self._forget)

    def of(self, owner: Any, name: str) -> T:
        """What was made for a part of an object."""
        parts = self._by_name.get(id(owner))
        if parts is None:
            self._identities.know(owner)
            parts = self._by_name[id(owner)] = {}
        found = parts.get(name)
        if found is None:
            found = parts[name] = self._make()
        return found

    def _forget(self, identity: int) -> None:
        self._by_name.pop(identity, None)
