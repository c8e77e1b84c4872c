"""The report of a search for stderr: the verdict, the extent of the search, counterexamples, outcomes and counts."""

from __future__ import annotations

from scenrun.program.findings import REACH
from scenrun.search.counterexample.operation_bars import drawn
from scenrun.search.counterexample.table import table
from scenrun.search.record import Counterexample, SearchRecord

WORTH_A_RATE_S = 1.0
"""Seconds of a search from which on its speed and memory are reported."""
MAX_OUTCOMES = 20
MAX_BESIDE = 5
"""The most races and lock cycles that are listed."""


def describe(found: SearchRecord, saved: dict[int, str], width: int = 120) -> str:
    """The report as text. saved: the schedule files of counterexamples, by number; width: columns of the terminal."""
    lines = [_headline(found), f"  {_searched(found)}"]
    for number, one in enumerate(found.shown):
        lines += ["", *finding_lines(one, width)]
        if number in saved:
            how = "--on threads" if one.code is None else "--allow-python"
            lines.append(f"  see it on real threads: scenrun replay {saved[number]} {how}")
    lines += _more(found)
    lines += _beside(found)
    lines += _outcomes(found)
    lines += _counted(found)
    lines += _any_number(found)
    lines += _covered(found)
    lines += [f"  {note}" for note in found.notes]
    return "\n".join(lines)


def _headline(found: SearchRecord) -> str:
    expected = " and ".join(found.expected)
    what = " and ".join(found.kinds) or found.verdict
    if found.verdict == "incomplete":
        why = f" ({found.bound})" if found.bound else ""
        return f"incomplete{why}: nothing was found, but not everything was searched ({found.scenario})"
    if found.ok and found.verdict == "holds" and found.any_number is not None:
        groups = " and ".join(found.any_number.groups)
        return f"ok: holds for every number of {groups} ({found.scenario}, {found.seconds:.2f} s, seed {found.seed})"
    if found.ok:
        remark = "" if found.verdict == "holds" else ", as expected"
        return f"ok: {what}{remark} ({found.scenario}, {found.seconds:.2f} s, seed {found.seed})"
    return (
        f"not ok: {what}, but the file expects {expected} ({found.scenario}, {found.seconds:.2f} s, seed {found.seed})"
    )


def _searched(found: SearchRecord) -> str:
    """The extent of the search, and whether it was complete."""
    clock = "any sleep may take any time" if found.time_mode == "free" else "in the clock's order"
    parts = []
    if found.any_number is not None:
        parts.append(f"with {_spread(found)}")
    if found.states is not None:
        how = ", reduced" * found.reduced + ", symmetric" * found.symmetric
        parts.append(f"{found.states:,} states, {found.transitions:,} transitions, depth {found.depth}{how}")
    if found.states_per_second is not None and found.seconds >= WORTH_A_RATE_S:
        parts.append(f"{found.states_per_second:,.0f} states/s, {(found.memory_bytes or 0) / (1 << 20):,.0f} MB")
    if found.schedules is not None:
        parts.append(f"{_number(found.schedules, 'schedule')} ({found.strategy})")
    known = found.any_number
    is_closed = found.closed or (known is not None and known.least is None and known.searched > 0)
    whole = "every schedule is among them" if is_closed else f"ended by {found.bound or 'its limits'}"
    return f"{', '.join(parts)}; {whole}; {clock}"


def finding_lines(one: Counterexample, width: int) -> list[str]:
    """A finding with the table of its steps. width: columns of the terminal."""
    steps = len(one.story.steps)
    less = f", shortened from {one.found_with}" if one.found_with > steps else ""
    which = f", schedule {one.schedule + 1:,}" if one.schedule is not None else ""
    time = "" if one.time is None or one.time.is_timeless else f"; {one.time}"
    size = f"{_number(steps, 'step')}, {_number(one.switches, 'switch', 'es')}{less}{which}{time}"
    hint = ["  a thread that need not end says `endless: true`"] if one.about.kind == "livelock" else []
    hint += [f"  {one.with_gil}"] if one.with_gil else []
    return [f"  {one.about.kind}: {one.sentence} ({size})", *table(one, width), *_bars(one, width), *hint]


def _bars(one: Counterexample, width: int) -> list[str]:
    """The calls that no order explains, over time."""
    lines = drawn(one.bars, width)
    return ["", *lines, ""] if lines else []


def _number(number: int, noun: str, ending: str = "s") -> str:
    return f"{number:,} {noun}{ending * (number != 1)}"


def _more(found: SearchRecord) -> list[str]:
    """The numbers of findings without a counterexample, and the required outcomes that are missing."""
    out = []
    for kind, number in found.found.items():
        told = sum(one.about.kind == kind for one in found.counterexamples)
        if number > told > 0:
            out.append(f"  and {number - told:,} more of this kind: {kind}")
    out += [f"  {REACH}: no schedule comes to a state in which {text} holds" for text in found.unreached]
    out += [f"  the outcome {list(outcome)} is required, and no schedule gives it" for outcome in found.missing]
    return out


def _beside(found: SearchRecord) -> list[str]:
    """Races that do not count as findings, and locks that are acquired in different orders."""
    races = () if "race" in found.found else found.races
    told = list(dict.fromkeys(one.sentence() for one in (*races, *found.lock_cycles)))
    more = [f"and {len(told) - MAX_BESIDE:,} more like these (--json has all)"] if len(told) > MAX_BESIDE else []
    return [f"  beside: {text}" for text in told[:MAX_BESIDE]] + [f"  {text}" for text in more]


def _outcomes(found: SearchRecord) -> list[str]:
    if not found.outcomes:
        return []
    shown = ", ".join(str(list(outcome)) for outcome in found.outcomes[:MAX_OUTCOMES])
    more = f" and {len(found.outcomes) - MAX_OUTCOMES:,} more" if len(found.outcomes) > MAX_OUTCOMES else ""
    exact = "exactly these" if found.closed else "at least these"
    return [f"  outcomes ({exact}): {shown}{more}"]


def _spread(found: SearchRecord) -> str:
    """How many replicas the last search had of each group with any number of them."""
    groups = () if found.any_number is None else found.any_number.groups
    return _counts({name: found.overrides[f"threads.{name}.count"] for name in groups})


def _counts(replicas: dict[str, int]) -> str:
    return " and ".join(f"{count} of {name}" for name, count in replicas.items())


def _any_number(found: SearchRecord) -> list[str]:
    """What is known for every number of replicas."""
    known = found.any_number
    if known is None:
        return []
    if known.least is not None:
        is_single = sum(known.least.values()) == len(known.groups)
        fewer = "" if is_single else "with fewer nothing is found, and "
        if known.some is not None:
            fewer = f"some of it is found with {_counts(known.some)} already, and "
        return [f"  this needs {_spread(found)}; {fewer}with more nothing was searched or proved"]
    groups = " and ".join(known.groups)
    ended = f"; with more, the search was ended by {known.ended}" * bool(known.ended)
    searched = f"searched with up to {known.searched} of {groups}{' in all' * (len(known.groups) > 1)}"
    if not known.searched:
        searched, ended = "not searched to the end with any number", f": {known.ended}" * bool(known.ended)
    if known.size is None:
        return [f"  not proved for every number: {known.why}", f"  {searched}, without a finding{ended}"]
    views = f"{known.views:,} views of up to {_number(known.size, 'replica')}"
    return [
        f"  proved for every number of {groups}: no `always` and no `assert` fails, and no exception ends a thread ({views})",
        f"  deadlocks, livelocks and last states: {searched}{ended}",
    ]


def _covered(found: SearchRecord) -> list[str]:
    """What an incomplete search of states covered."""
    covered = found.coverage
    if covered is None:
        return []
    out = [f"  covered: {_number(covered.ends, 'last state')}"]
    if covered.unreached:
        lines = sorted({line for line, _ in covered.unreached})
        shown = ", ".join(f"{line}" for line in lines[:MAX_OUTCOMES])
        more = f" and {len(lines) - MAX_OUTCOMES:,} more" if len(lines) > MAX_OUTCOMES else ""
        out.append(f"  in no visited state a thread has come to line{'s' * (len(lines) != 1)} {shown}{more}")
    if covered.schedules_log10 is not None:
        many = (
            f"{10**covered.schedules_log10:,.0f}"
            if covered.schedules_log10 < 6
            else f"10^{covered.schedules_log10:.0f}"
        )
        out.append(f"  estimated from {_number(covered.probes, 'random schedule')}: about {many} schedules in all")
    if covered.preempted:
        often = ", ".join(f"{name} {times:.1f} times" for name, times in covered.preempted[:MAX_BESIDE])
        out.append(f"  a random schedule preempts {often}")
    return out


def _counted(found: SearchRecord) -> list[str]:
    counted = found.counted
    if counted is None:
        return []
    least = (
        ""
        if counted.least_preemptions is None
        else f"; the least preemptions that show it: {counted.least_preemptions}"
    )
    share = f"{counted.bad:,} of {counted.schedules:,} schedules are bad"
    return [f"  {share}; a random walk hits one with a probability of {counted.bad_probability:.6g}{least}"]
