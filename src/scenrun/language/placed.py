"""Mappings, sequences and texts with their places in the file that they were read from."""

from __future__ import annotations

from typing import Any

from scenrun.errors import Place


class Mapping(dict[str, Any]):
    """A mapping of the file; `places` has the place of each key and of its value.

    `size` counts the values in it, and `depth` the levels of nesting, both including itself.
    """

    __slots__ = ("depth", "place", "places", "size")

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place = place
        self.places: dict[str, tuple[Place, Place]] = {}
        self.size = 1
        self.depth = 1


class Sequence(list[Any]):
    """A sequence of the file; `places` has the place of each item; `size` and `depth` are as of a Mapping."""

    __slots__ = ("depth", "place", "places", "size")

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place = place
        self.places: list[Place] = []
        self.size = 1
        self.depth = 1


class Text(str):
    """A text of the file with its place; `quoted` says whether it was in quotes or a block."""

    __slots__ = ("place", "quoted")

    place: Place
    quoted: bool

    @classmethod
    def at(cls, place: Place, text: str, *, quoted: bool) -> Text:
        """A text with this place."""
        self = cls(text)
        self.place = place
        self.quoted = quoted
        return self


def place_of(value: object) -> Place | None:
    """The place of a value of the file; None for a value without one, such as a number."""
    return getattr(value, "place", None)
