"""What a check came to: as data, and as text."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from scenrun.own_code.checking.judging import Judged
from scenrun.own_code.checking.probing import Probed
from scenrun.own_code.checking.subject import LeftOut
from scenrun.own_code.histories.comparable import shown
from scenrun.own_code.histories.operations import Operation
from scenrun.own_code.searching.alone import Alone, Unclear
from scenrun.own_code.searching.call_executions import CallProgram
from scenrun.own_code.telling.unexplained import MOST_ORDERS, allowed_in, bars_of, seen_in
from scenrun.printable import clean
from scenrun.search.counterexample.operation_bars import Bar, drawn
from scenrun.search.properties.linearizability import BLOCKS

WIDEST = 110
"""Columns of the picture of calls."""
MOST_FAILING = 12
"""Programs that fail that are told."""


@dataclass(frozen=True, slots=True)
class Failing:
    """A program that fails, and how."""

    program: CallProgram
    kind: str
    about: str
    seen: tuple[str, ...]
    """What each call returned, in the order in which they began; empty where it is about something else."""
    allowed: tuple[str, ...]
    """What the same calls come to one after another, in each order that was possible."""
    schedules: int
    bars: tuple[Bar, ...] = ()
    """The calls over time."""

    @classmethod
    def of(cls, judged: Judged, alone: Alone) -> Failing:
        """Of a search with a finding. alone: what one thread sees of it."""
        assert judged.finding is not None
        seen: tuple[str, ...] = ()
        allowed: tuple[str, ...] = ()
        if judged.history is not None:
            seen = (*seen_in(judged.history), *_left(judged.program, judged.history.final))
            with suppress(Unclear):  # that no order explains it is certain, and what each comes to is not all known
                allowed = allowed_in(judged.history, alone)
        bars = () if judged.history is None else bars_of(judged.history)
        return cls(judged.program, judged.finding.kind, judged.finding.about, seen, allowed, judged.schedules, bars)

    @property
    def calls(self) -> tuple[Operation, ...]:
        """All of its calls."""
        return tuple([call for one in self.program.threads for call in one])

    def has_any(self, names: Sequence[str]) -> bool:
        """Whether it calls one of some methods."""
        return any(call.name in names for call in self.calls)

    def __str__(self) -> str:
        setup = "; ".join(map(str, self.program.setup))
        return f"{self.program}" + (f"   after {setup}" if setup else "")

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "threads": [[str(call) for call in one] for one in self.program.threads],
            "setup": list(map(str, self.program.setup)), "kind": self.kind, "about": self.about, "seen": list(self.seen),
            "allowed": list(self.allowed),
        }  # fmt: skip


def _left(program: CallProgram, final: Any) -> list[str]:
    """What the final calls returned."""
    if not isinstance(final, tuple):
        return []
    pairs = zip(program.finals, final, strict=False)
    return [f"afterwards: {call} -> {'waits' if result is BLOCKS else shown(result)}" for call, result in pairs]


@dataclass(frozen=True, slots=True)
class Shape:
    """How many programs of a shape were searched."""

    calls: tuple[int, ...]
    searched: int
    proved: int
    of: int
    """How many there are."""
    open: tuple[tuple[str, int], ...] = ()
    """What kept how many from being proved."""
    expected: int = 0
    """How many failed as expected."""

    @property
    def name(self) -> str:
        """`2 x 1`: two calls in one thread, and one in another."""
        return " x ".join(map(str, self.calls))


@dataclass(frozen=True, slots=True)
class Checked:
    """The result of `check`."""

    what: str
    made_by: str
    probed: Probed
    left_out: tuple[LeftOut, ...]
    setups: tuple[tuple[Operation, ...], ...]
    failing: tuple[Failing, ...]
    shapes: tuple[Shape, ...]
    schedules: int
    seed: int
    seconds: float
    is_out_of_time: bool
    by_type: tuple[str, ...]
    """Calls that return what may change afterwards: of their results, only the types were compared."""
    uncontrolled: tuple[str, ...] = ()
    expected: tuple[tuple[str, bool], ...] = ()
    """Methods that were expected to fail beside others, each with whether they did; what these do is not among `failing`."""

    @property
    def verdict(self) -> str:
        """`not thread-safe`, `thread-safe` within the bounds that were searched, or `incomplete`."""
        if self.failing:
            return "not thread-safe"
        is_proved = self.shapes and all(one.searched == one.proved + one.expected for one in self.shapes)
        return "thread-safe" if is_proved and self.shapes[0].searched == self.shapes[0].of else "incomplete"

    @property
    def bounds(self) -> str:
        """What was searched, in words."""
        proved = sum(one.proved for one in self.shapes)
        sizes = [
            f"{'all' if one.searched == one.of else f'{one.searched:,} of'} {one.of:,} of {one.name}"
            for one in self.shapes
            if one.of
        ]
        time = "; the time was up" if self.is_out_of_time else ""
        return f"{proved:,} programs in every schedule: {', '.join(sizes)} calls{time}"

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "class": self.what, "made_by": self.made_by, "verdict": self.verdict, "operations": list(map(str, self.probed.kept)),
            "left_out": [{"operation": one.name, "why": one.why} for one in self.left_out],
            "setups": [list(map(str, one)) for one in self.setups],
            "failing": [one.as_dict() for one in self.failing],
            "shapes": [
                {
                    "calls": list(one.calls), "programs": one.of, "searched": one.searched, "proved": one.proved,
                    "open": dict(one.open),
                }
                for one in self.shapes
            ],
            "schedules": self.schedules, "seed": self.seed, "seconds": round(self.seconds, 6), "out_of_time": self.is_out_of_time,
            "by_type": list(self.by_type), "expected_races": dict(self.expected),
        }  # fmt: skip

    def __str__(self) -> str:
        return "\n".join(map(clean, _lines(self)))


def _lines(found: Checked) -> list[str]:
    programs = sum(one.searched for one in found.shapes)
    counts = f"{programs:,} program{'s' * (programs != 1)}, {found.schedules:,} schedules, {found.seconds:.1f} s"
    out = [f"{found.what} (made by {found.made_by}): {found.verdict}", f"  {counts}"]
    if found.failing:
        out += ["", *_failing_lines(found.failing[0])]
        if len(found.failing) > 1:
            out += ["", f"  {len(found.failing)} programs fail:"]
            out += [f"    {one}" for one in dict.fromkeys(map(str, found.failing[:MOST_FAILING]))]
            if len(found.failing) > MOST_FAILING:
                out.append(f"    and {len(found.failing) - MOST_FAILING} more")
        out += ["", *_table(found)]
    elif found.verdict == "thread-safe":
        out.append(f"  {found.bounds}")
    else:
        out += [f"  {found.bounds}", *_open_lines(found)]
    out += [f"  {name}: {'fails beside others, as expected' if fails else 'was expected to fail, and does not'}"
            for name, fails in found.expected]  # fmt: skip
    if found.left_out:
        out += ["", "  not checked:", *(f"    {one}" for one in found.left_out)]
    if found.by_type:
        out += ["", f"  compared by type alone, as it may change after it is returned: {', '.join(found.by_type)}"]
    return out


def _failing_lines(one: Failing) -> list[str]:
    after = f", after {'; '.join(map(str, one.program.setup))}" if one.program.setup else ""
    out = [f"  at the same time{after}: {one.program}"]
    if one.kind == "deadlock":
        return [*out, f"  {one.about} waits for ever, where one thread alone would not"]
    if not one.seen:
        return [*out, f"  {one.kind}: {one.about}"]
    out += ["  came to:", *(f"    {call}" for call in one.seen)]
    if picture := drawn(one.bars, WIDEST, indent=4):
        out += ["  over time:", *picture]
    orders = one.allowed[:MOST_ORDERS]
    if orders:
        out += ["  one after another, they come to one of:", *(f"    {order}" for order in orders)]
    more = len(one.allowed) - len(orders)
    return [*out, f"    and {more} more"] if more > 0 else out


def _open_lines(found: Checked) -> list[str]:
    reasons: dict[str, int] = {}
    for shape in found.shapes:
        for why, count in shape.open:
            reasons[why] = reasons.get(why, 0) + count
    out = [f"  {count} program{'s' * (count != 1)} not proved: {why}" for why, count in reasons.items()]
    return [*out, "  --time gives more time"] if found.is_out_of_time else out


def _table(found: Checked) -> list[str]:
    """Each method with those that it fails beside."""
    names = list(dict.fromkeys(one.name for one in found.probed.kept))
    beside: dict[str, dict[str, None]] = {name: {} for name in names}
    for failing in found.failing:
        for at, one in enumerate(failing.program.threads):
            for other in failing.program.threads[at + 1 :]:
                for a in one:
                    for b in other:
                        beside.setdefault(a.name, {})[b.name] = None
                        beside.setdefault(b.name, {})[a.name] = None
    width = max(map(len, names))
    out = [f"  {'method'.ljust(width)}  fails beside"]
    for name in names:
        fails = beside[name]
        said = ", ".join(other if other != name else "itself" for other in fails) if fails else "none of the others"
        out.append(f"  {name.ljust(width)}  {said}")
    return out
