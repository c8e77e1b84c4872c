"""The lanes of a run while it goes on: they add up to what the whole log says, however often they are asked for."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

import scenrun
from scenrun.report import live_lanes
from scenrun.report.live_lanes import LiveLanes
from scenrun.trace.analysis.spans import ALIVE, spans_of

MIXED = {
    "scenario": "mixed",
    "sync": {"door": "lock", "items": {"queue": {"maxsize": 2}}},
    "threads": {
        "maker": {"do": [{"repeat": 40, "do": [{"work": "700us"}, {"put": {"queue": "items", "item": 1}}]}]},
        "taker": {"count": 2, "do": [{"repeat": 20, "do": [{"get": {"queue": "items", "into": "x"}}, {"with": "door", "do": [{"sleep": "1ms"}]}]}]},
    },
}  # fmt: skip


def events() -> list[dict[str, Any]]:
    """The events of a run in virtual time."""
    return list(scenrun.simulate(MIXED, keep=True).lines)


def seconds_of(told: list[dict[str, Any]]) -> Counter[tuple[str, str]]:
    """The seconds by thread and way, put together as the page does: what is told again replaces what was told."""
    moments: dict[tuple[int, int], list[float]] = {}
    for one in told:
        if one["again"]:
            moments.clear()
        moments |= {(lane, at): spent for lane, at, *spent in one["moments"]}
    lanes, ways = told[-1]["lanes"], told[-1]["ways"]
    total: Counter[tuple[str, str]] = Counter()
    for (lane, _), spent in moments.items():
        for way, seconds in zip(ways, spent, strict=True):
            total[lanes[lane], way] += seconds
    return total


@pytest.mark.parametrize("asked", [1, 7, 10_000])
@pytest.mark.parametrize("moments", [600, 5])
def test_the_lanes_add_up_to_the_log(monkeypatch: pytest.MonkeyPatch, asked: int, moments: int) -> None:
    """Also where moments become longer while it goes on."""
    monkeypatch.setattr(live_lanes, "MOST_MOMENTS", moments)
    lines, lanes, told = events(), LiveLanes(), []
    for number, event in enumerate(lines, 1):
        lanes.take(event)
        if number % asked == 0:
            told.append(lanes.changes())
    lanes.close()
    told.append(lanes.changes())
    expected: Counter[tuple[str, str]] = Counter()
    lives = {}
    for span in spans_of(lines):
        if span.what in live_lanes.WAYS:
            expected[span.thread, span.what] += span.seconds
        elif span.what == ALIVE:
            lives[span.thread] = [span.begin_s, span.end_s]
    found = seconds_of(told)
    assert {key for key, seconds in expected.items() if seconds > 1e-6} <= set(found)
    for key, seconds in found.items():
        assert seconds == pytest.approx(expected[key], abs=1e-4)
    assert {told[-1]["lanes"][lane]: life for lane, *life in told[-1]["lives"]} == lives
    assert all(at < moments for one in told for _, at, *_ in one["moments"])
    assert (told[-1]["events"], told[-1]["open"]) == (len(lines), [])


def test_what_goes_on_is_told_while_it_does() -> None:
    """A wait that has not ended has begun."""
    lanes, seen = LiveLanes(), set()
    for event in events():
        lanes.take(event)
        told = lanes.changes()
        seen |= {
            (told["lanes"][lane].partition("[")[0], way)
            for lane, way, since in told["open"]
            if since <= told["elapsed_s"]
        }
    assert {("maker", "working"), ("taker", "sleeping"), ("taker", "waiting"), ("main", "waiting")} <= seen


def test_there_are_lanes_for_the_first_threads_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a thousand threads a page shows some, and says how many it does not."""
    monkeypatch.setattr(live_lanes, "MOST_LANES", 2)
    lanes = LiveLanes()
    for event in events():
        lanes.take(event)
    told = lanes.changes()
    assert (len(told["lanes"]), told["left_out"]) == (2, 2)
    assert {lane for lane, *_ in told["moments"]} <= {0, 1}
