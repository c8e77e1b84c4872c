"""Chooses the threads, locks and queues that a timeline draws when there are more than it has room for."""

from __future__ import annotations

import re
from dataclasses import dataclass

from scenrun.errors import UsageError
from scenrun.report.timeline.survey import Survey
from scenrun.report.words import threads_of

MOST_LOCKS, MOST_QUEUES = 10, 6


@dataclass(frozen=True, slots=True)
class Chosen:
    """The drawn threads, locks and queues in their order, and the numbers of the others."""

    threads: tuple[str, ...]
    locks: tuple[str, ...]
    queues: tuple[str, ...]
    more_threads: int
    more_locks: int
    more_queues: int


def chosen_of(survey: Survey, patterns: tuple[str, ...], most: int) -> Chosen:
    """The selection for a run: at most `most` of the threads that fit the patterns, and the busiest locks and queues.

    Threads keep the order in which they came; those that were blocked when the run ended are preferred, then those of
    findings.
    """
    workers = set(survey.workers.values())
    fitting = [
        name
        for name in survey.threads
        if not patterns or any(fits(name, one, is_worker=name in workers) for one in patterns)
    ]
    if not fitting and patterns:
        raise UsageError(f"no thread fits {' or '.join(patterns)}; there are {_some(list(survey.threads))}")
    told = {survey.lane_of(str(one.get("thread"))) for finding in survey.findings for one in threads_of(finding)}
    by_weight = sorted(fitting, key=lambda name: (name not in survey.blocked, name not in told))
    kept = set(by_weight[:most])
    locks = _busiest({name: (survey.waits[name], survey.holds[name]) for name in survey.locks}, MOST_LOCKS)
    queues = _busiest({name: (times, 0) for name, (_, times) in survey.sizes().items()}, MOST_QUEUES)
    return Chosen(
        tuple(name for name in fitting if name in kept), locks, queues,
        len(survey.threads) - len(kept), len(survey.locks) - len(locks), len(survey.queues) - len(queues),
    )  # fmt: skip


def fits(name: str, pattern: str, *, is_worker: bool = False) -> bool:
    """Whether a thread has this name, belongs to this group or pool, or fits the pattern; `*` is any text, `?` any character."""
    group = name.rpartition("_")[0] if is_worker else re.split(r"[\[#]", name, maxsplit=1)[0]
    wild = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return pattern == group or re.fullmatch(wild, name, re.DOTALL) is not None


def _busiest(weights: dict[str, tuple[int, int]], most: int) -> tuple[str, ...]:
    """The names with the largest weights, sorted."""
    heaviest = sorted(weights, key=lambda name: (-weights[name][0], -weights[name][1], _natural(name)))[:most]
    return tuple(sorted(heaviest, key=_natural))


def _natural(name: str) -> list[tuple[int, str]]:
    """A sort key that puts `forks[2]` before `forks[10]`."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)]


def _some(names: list[str], most: int = 5) -> str:
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return (", ".join(names[:most]) or "none") + more
