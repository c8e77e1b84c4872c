"""Plain values of a file that know their place in it."""

from __future__ import annotations

from typing import Any

from scenrun.errors import Place


class Mapping(dict[str, Any]):
    """A mapping of the file; `places` has the place of each key and of its value."""

    __slots__ = ("depth", "place", "places", "size")

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place = place
        self.places: dict[str, tuple[Place, Place]] = {}
        self.size = 1
        self.depth = 1


class Sequence(list[Any]):
    """A sequence of the file; `places` has the place of each item."""

    __slots__ = ("depth", "place", "places", "size")

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place = place
        self.places: list[Place] = []
        self.size = 1
        self.depth = 1


class Text(str):
    """A text of the file that knows where it stands and whether it stood in quotes (or a block)."""

    __slots__ = ("place", "quoted")

    place: Place
    quoted: bool

    @classmethod
    def at(cls, place: Place, text: str, *, quoted: bool) -> Text:
        """The text, standing at `place`."""
        self = cls(text)
        self.place = place
        self.quoted = quoted
        return self


def place_of(value: object) -> Place | None:
    """Where a value of the file stands, if it knows."""
    return getattr(value, "place", None)
