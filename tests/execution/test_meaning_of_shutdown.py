"""`shutdown` of a queue: what puts, gets and joins come to, in virtual time, in every schedule, and on real threads that have it."""

from __future__ import annotations

import queue
from typing import Any

import pytest

import scenrun
from scenrun.errors import UsageError

HAS_SHUTDOWN = hasattr(queue.Queue, "shutdown")
WAYS = [scenrun.simulate, scenrun.explore, *([scenrun.run] if HAS_SHUTDOWN else [])]


def caught(*steps: Any, name: str = "queue.ShutDown") -> dict[str, Any]:
    """Steps, and a note of how they ended in `seen`."""
    return {
        "try": [*steps, {"append": {"to": "seen", "item": "'done'"}}],
        "except": {name: [{"append": {"to": "seen", "item": "'shut'"}}]},
    }


def scenario(main: list[Any], final: list[str], **threads: Any) -> dict[str, Any]:
    return {
        "scenario": "closing", "sync": {"q": {"queue": {"maxsize": 1}}}, "state": {"seen": []}, "main": main,
        "threads": {name: {"do": steps} for name, steps in threads.items()}, "expect": {"final": [*final, "len(seen) < 9"]},
    }  # fmt: skip


PUT, GET, SHUT, NOW = (
    {"put": {"queue": "q", "item": 1}},
    {"get": "q"},
    {"shutdown": "q"},
    {"shutdown": {"queue": "q", "immediate": True}},
)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("main", "final"),
    [
        ([SHUT, caught(PUT)], ["seen == ['shut']"]),
        ([SHUT, caught({"put": {"queue": "q", "item": 1, "block": False}})], ["seen == ['shut']"]),
        ([SHUT, caught(GET)], ["seen == ['shut']"]),
        ([SHUT, caught({"get": {"queue": "q", "timeout": "1ms"}})], ["seen == ['shut']"]),
        ([PUT, SHUT, caught(GET), caught(GET)], ["seen == ['done', 'shut']"]),
        ([PUT, NOW, caught(GET)], ["seen == ['shut']"]),
        ([PUT, NOW, {"join_queue": "q"}, SHUT], ["q.empty()"]),
        ([PUT, SHUT, caught({"put": {"queue": "q", "item": 2}}, name="Exception")], ["seen == ['shut']", "q.qsize() == 1"]),
        ([PUT, GET, NOW, caught({"task_done": "q"}), {"join_queue": "q"}], ["seen == ['done']"]),
    ],
)  # fmt: skip
def test_what_comes_after_a_shutdown(way: Any, main: list[Any], final: list[str]) -> None:
    result = way(scenario(main, final))
    assert result.verdict == "holds", getattr(result, "findings", result.kinds if hasattr(result, "kinds") else None)


@pytest.mark.parametrize("way", WAYS)
def test_it_frees_everyone_who_waits(way: Any) -> None:
    getters = scenario(
        [{"start": ["a", "b"]}, {"sleep": "5ms"}, SHUT, {"join": ["a", "b"]}], ["seen == ['shut', 'shut']"],
        a=[caught(GET)], b=[caught(GET)],
    )  # fmt: skip
    putters = scenario(
        [PUT, {"start": ["a", "b"]}, {"sleep": "5ms"}, SHUT, {"join": ["a", "b"]}], ["seen == ['shut', 'shut']"],
        a=[caught(PUT)], b=[caught(PUT)],
    )  # fmt: skip
    joiner = scenario(
        [PUT, {"start": "a"}, {"sleep": "5ms"}, NOW, {"join": "a"}],
        ["seen == ['done']"],
        a=[caught({"join_queue": "q"})],
    )
    for one in (getters, putters, joiner):
        assert way(one).verdict == "holds"


def test_items_that_nobody_marks_are_waited_for_still() -> None:
    """An immediate shutdown drops what is in the queue, not what somebody has taken."""
    one = scenario([PUT, GET, PUT, NOW, {"join_queue": "q"}], [])
    assert scenrun.explore(one).verdict == "deadlock"
    assert scenrun.simulate(one).verdict == "deadlock"


@pytest.mark.skipif(HAS_SHUTDOWN, reason="this Python's queues can be shut down")
def test_a_python_without_it_says_so_before_anything_starts() -> None:
    with pytest.raises(UsageError, match=r"from Python 3\.13 on"):
        scenrun.run(scenario([SHUT], []))
