"""The character sets of a timeline, block characters and ASCII, with a heavier sign of a state while a lock is held."""

from __future__ import annotations

from dataclasses import dataclass

from scenrun.report.timeline.survey import STATES

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
COLOURS = {"waiting": "33", "sleeping": "2", "working": "34", "calling": "35", "running": "32", "queued": "36"}


@dataclass(frozen=True, slots=True)
class Signs:
    """A character set: one sign per state, in the order of `STATES`."""

    light: str
    heavy: str
    """The signs while the thread holds a lock."""
    levels: str
    """The levels of a queue, from nearly empty to full."""
    line: str
    tick: str
    little: str
    """A lock that is held, or a queue that has items, for less than half of the time."""

    def of(self, state: int | None, heavy: bool) -> str:
        """The sign of a state, given as an index of `STATES`; a space for None."""
        if state is None:
            return " "
        return (self.heavy if heavy else self.light)[state]


BLOCKS = Signs("─·▒○▄:", "═•▓●█:", "▁▂▃▄▅▆▇█", "─", "┬", "·")
ASCII = Signs("-.wc#:", "=,WC@:", "123456789", "-", "+", ".")
assert len(BLOCKS.light) == len(BLOCKS.heavy) == len(ASCII.light) == len(ASCII.heavy) == len(STATES)


def can_say(encoding: str | None) -> bool:
    """Whether an encoding has the block characters."""
    try:
        "".join((BLOCKS.light, BLOCKS.heavy, BLOCKS.levels, BLOCKS.tick, "…")).encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
