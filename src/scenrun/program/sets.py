"""Sets as values of the language: unchangeable, and gone through in an order that their members alone decide.

Python's own sets are gone through in an order that depends on how they came about and on the process (hashes of texts differ
from one to the next), so that a run could not be repeated. Here numbers come first by size, then texts, None and tuples.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any


class Set:
    """A set of numbers, texts, None, tuples of these, and futures."""

    __slots__ = ("_inside", "_members")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, members: Iterable[Any] = ()) -> None:
        self._inside = frozenset(members)
        self._members = tuple(sorted(self._inside, key=_order))

    def __contains__(self, member: object) -> bool:
        return not isinstance(member, Set) and member in self._inside

    def __iter__(self) -> Iterator[Any]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)

    def __repr__(self) -> str:
        return f"{{{', '.join(map(repr, self._members))}}}" if self._members else "set()"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Set) and self._inside == other._inside

    def __le__(self, other: Any) -> bool:
        return self._inside <= other._inside if isinstance(other, Set) else NotImplemented

    def __lt__(self, other: Any) -> bool:
        return self._inside < other._inside if isinstance(other, Set) else NotImplemented

    def __ge__(self, other: Any) -> bool:
        return self._inside >= other._inside if isinstance(other, Set) else NotImplemented

    def __gt__(self, other: Any) -> bool:
        return self._inside > other._inside if isinstance(other, Set) else NotImplemented

    def __or__(self, other: Any) -> Set:
        return Set(self._inside | other._inside) if isinstance(other, Set) else NotImplemented

    def __and__(self, other: Any) -> Set:
        return Set(self._inside & other._inside) if isinstance(other, Set) else NotImplemented

    def __sub__(self, other: Any) -> Set:
        return Set(self._inside - other._inside) if isinstance(other, Set) else NotImplemented

    def __xor__(self, other: Any) -> Set:
        return Set(self._inside ^ other._inside) if isinstance(other, Set) else NotImplemented

    def __reduce__(self) -> tuple[Any, ...]:
        return Set, (self._members,)

    def union(self, others: Iterable[Any]) -> Set:
        """The members of both."""
        return Set(self._inside.union(others))

    def intersection(self, others: Iterable[Any]) -> Set:
        """The members that both have."""
        return Set(self._inside.intersection(others))

    def difference(self, others: Iterable[Any]) -> Set:
        """The members that the other does not have."""
        return Set(self._inside.difference(others))

    def issubset(self, others: Iterable[Any]) -> bool:
        """Whether the other has all members."""
        return self._inside.issubset(others)

    def issuperset(self, others: Iterable[Any]) -> bool:
        """Whether it has all members of the other."""
        return self._inside.issuperset(others)

    def isdisjoint(self, others: Iterable[Any]) -> bool:
        """Whether they have no member in common."""
        return self._inside.isdisjoint(others)


Set.__name__ = "set"  # the name of the type in the words of an exception, as in Python


def _order(member: Any) -> tuple[Any, ...]:
    """A key that orders members of any kind, whatever set they are in."""
    if isinstance(member, int | float):
        return (0, member != member, member if member == member else 0)
    if isinstance(member, str):
        return (1, member)
    if member is None:
        return (2,)
    if type(member) is tuple:
        return (3, *map(_order, member))
    return (4, str(member))
