"""`scenrun trace`: a trace keeps the Trace Event Format's rules, and says what the log says."""

from __future__ import annotations

import io
import json
import re
import tracemalloc
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from traces import (
    SCENARIOS,
    _crossing,
    _loose_arrows,
    broken_rules,
    check_grammar,
    drawn,
    line,
    log_of,
    names_of,
    ns,
    read,
    slices_of,
)

from scenrun.report.lanes import Lanes
from scenrun.report.perfetto import Trace
from scenrun.report.trace_records import OBJECTS
from scenrun.trace.analysis.operations import FREEING

REAL = ["dining_philosophers", "semaphore_pool", "condition_buffer", "thread_pool", "timer"]
STARTING = {"thread.starting", "timer.starting", "thread.spawning", "pool.submitting", "pool.submitted"}
EVIL = (
    '\x1b[31m\u202e </script><!-- "quoted" \' ; # %%{init: {}}%% \\ \n\r\u2028\x00 end 🧵 $$x$$ `code` &lt; p0->>p1: hi'
)


# --- logs and traces


def traced(events: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """The trace of events."""
    file = io.BytesIO()
    trace = Trace(file)
    for event in events:
        trace.take(event)
    trace.close()
    made: dict[str, Any] = json.loads(file.getvalue())
    return made


# --- the format's rules


@pytest.mark.parametrize("name", [path.stem for path in SCENARIOS])
def test_the_trace_of_a_simulated_scenario_keeps_the_rules(name: str, simulated: Any) -> None:
    """Slices nest, arrows have two ends with slices, counters count, tracks have names."""
    assert list(broken_rules(traced(simulated(name)))) == []


@pytest.mark.parametrize("name", REAL)
def test_the_trace_of_a_real_run_keeps_the_rules(name: str, tmp_path: Path) -> None:
    """So do they with the clocks of real threads, which do not agree with the order of the log to the nanosecond."""
    (scenario,) = [path for path in SCENARIOS if path.stem == name]
    assert list(broken_rules(traced(read(log_of(scenario, tmp_path, real=True))))) == []


def test_the_rules_see_what_is_broken() -> None:
    """The check finds crossing slices, and arrows without an end or without a slice."""
    slices = [
        {"ph": "X", "pid": 1, "tid": 10, "ts": ts, "dur": 5, "name": "a", "cat": "c", "args": {}} for ts in (0, 3)
    ]
    arrow = {"ph": "s", "pid": 1, "tid": 10, "ts": 9, "name": "a", "cat": "c", "id": 1}
    assert any("crosses" in rule for rule in _crossing(slices))
    assert {rule.split()[-1] for rule in _loose_arrows([*slices, arrow])} == {"slice", "only"}


# --- what the trace says


@pytest.mark.parametrize("name", ["condition_buffer", "semaphore_pool", "thread_pool", "two_lock_pipeline"])
def test_a_waiting_slice_is_as_long_as_the_log_says(name: str, simulated: Any) -> None:
    """For every line that says how long a thread waited there is the slice, and no other but those cut off."""
    events = simulated(name)
    waited = sorted((e["seq"], ns(e["waited_s"] * 1e6)) for e in events if e.get("waited_s"))
    slices = slices_of(traced(events), "waiting")
    assert waited
    assert sorted((s["args"]["end_seq"], ns(s["dur"])) for s in slices if s["args"]["ended"] != "cut_off") == waited


@pytest.mark.parametrize("name", ["condition_buffer", "semaphore_pool", "thread_pool", "two_lock_pipeline"])
def test_an_arrow_leads_from_the_line_that_freed_to_the_line_that_went_on(name: str, simulated: Any) -> None:
    """Its ends lie on the tracks of the two threads, at the moments of the two lines."""
    events = {e["seq"]: e for e in simulated(name)}
    trace = traced(events.values())
    names = names_of(trace)
    arrows = 0
    for mark, end in pairwise(trace["traceEvents"]):
        if end["ph"] not in "sf":
            continue
        of = events[mark["args"]["seq"]]
        assert names[end["tid"]] == of.get("worker", of["thread"])
        within = of["event"] == "thread.ended"  # the life that ends there
        assert ns(end["ts"]) == ns(of["elapsed_s"] * 1e6) - within
        if end["ph"] == "s":
            assert of["event"] in STARTING | FREEING | {"thread.ended"}
            arrows += 1
    assert arrows >= 4


def test_a_lock_handed_over_has_its_arrow() -> None:
    """B waits for the lock that A releases: one arrow, from A at its release to B at its acquisition."""
    trace = traced(
        [
            line(0, "lock.acquired", 0.0, "A", object="l", acquired=True, waited_s=0.0),
            line(1, "lock.acquiring", 1.0, "B", object="l"),
            line(2, "lock.releasing", 2.0, "A", object="l"),
            line(3, "lock.released", 2.5, "A", object="l", held_s=2.0),
            line(4, "lock.acquired", 3.0, "B", object="l", acquired=True, waited_s=2.0),
        ]
    )
    names = names_of(trace)
    ends = [(r["ph"], names[r["tid"]], r["ts"]) for r in trace["traceEvents"] if r["ph"] in "sf"]
    assert ends == [("s", "A", 2e6), ("f", "B", 3e6)]
    owners = [(s["name"], s["ts"], s["dur"]) for s in slices_of(trace, "holding") if s["pid"] == OBJECTS]
    assert owners == [("A", 0, 2e6), ("B", 3e6, 0)]


def test_an_arrow_never_goes_back_in_time() -> None:
    """Where the clock of who freed is ahead of that of who went on, the arrow ends where it begins."""
    trace = traced(
        [
            line(0, "event.waiting", 1.0, "B", object="e"),
            line(1, "event.setting", 3.000002, "A", object="e"),
            line(2, "event.waited", 3.0, "B", object="e", value=True, waited_s=2.0),
        ]
    )
    assert list(broken_rules(trace)) == []
    assert [r["ts"] for r in trace["traceEvents"] if r["ph"] in "sf"] == [3000002, 3000002]
    assert [s["dur"] for s in slices_of(trace, "waiting")] == [2e6]


def test_slices_of_a_thread_begin_where_the_one_before_ended() -> None:
    """Without the line that announced it, a wait may seem to have begun before the sleep in front of it was over."""
    trace = traced(
        [
            line(0, "thread.started", 0.5),
            line(1, "queue.got", 0.6, object="q", size=0, waited_s=0.3),
            line(2, "sleep.began", 1.0),
            line(3, "sleep.ended", 2.0),
            line(4, "queue.got", 3.0, object="q", size=0, waited_s=1.5),
            line(5, "thread.ended", 4.0),
        ]
    )
    assert list(broken_rules(trace)) == []
    assert [(s["ts"], s["dur"]) for s in slices_of(trace, "waiting")] == [(5e5, 1e5), (2e6, 1e6)]


def test_deadlocked_threads_wait_until_the_run_is_over(simulated: Any) -> None:
    """All philosophers, and main, have a waiting slice that ends with the run."""
    events = simulated("dining_philosophers")
    slices = [s for s in slices_of(traced(events), "waiting") if s["args"]["ended"] == "cut_off"]
    assert {s["track"] for s in slices} == {"main", *(f"philosopher[{n}]" for n in range(5))}
    assert {ns(s["ts"] + s["dur"]) for s in slices} == {ns(events[-1]["elapsed_s"] * 1e6)}


def test_a_finding_is_marked_on_a_track_of_its_own_and_on_its_threads(simulated: Any) -> None:
    """The deadlock stands on `findings`, and on each of the six that are stuck."""
    trace = traced(simulated("dining_philosophers"))
    names = names_of(trace)
    marked = [names[r["tid"]] for r in trace["traceEvents"] if r["ph"] == "i" and r["cat"] == "finding"]
    assert sorted(marked) == ["findings", "main", *(f"philosopher[{n}]" for n in range(5))]


def test_a_counter_has_every_size_of_its_queue(simulated: Any) -> None:
    """It begins with none, and then has the sizes that the log's lines say, in their order."""
    events = simulated("queue_pipeline_fixed")
    sizes = [e["size"] for e in events if e["event"] in ("queue.put", "queue.got") and e["object"] == "pipeline"]
    counted = [r["args"]["size"] for r in traced(events)["traceEvents"] if r["ph"] == "C" and r["name"] == "pipeline"]
    assert counted == [0, *sizes]


def test_a_counter_of_a_log_that_begins_late_begins_with_what_was_there() -> None:
    """Before the first put that is seen there was one item less, before the first get one more."""
    put, got = (
        [r["args"]["size"] for r in traced([line(3, name, 1.0, object="q", size=5)])["traceEvents"] if r["ph"] == "C"]
        for name in ("queue.put", "queue.got")
    )
    assert (put, got) == ([4, 5], [6, 5])


def test_no_more_permits_are_held_at_once_than_there_are(simulated: Any) -> None:
    """A semaphore of three has three tracks, and its counter goes from three to none and back."""
    trace = traced(simulated("semaphore_pool"))
    held = [s for s in slices_of(trace, "holding") if s["args"]["object"] == "connections"]
    lanes = {s["track"] for s in held if s["pid"] == OBJECTS}
    counted = [r["args"]["permits"] for r in trace["traceEvents"] if r["ph"] == "C" and r["name"] == "connections"]
    assert lanes == {"connections", "connections (2)", "connections (3)"}
    assert (counted[0], min(counted), counted[-1]) == (3, 0, 3)


def test_a_span_takes_the_lane_that_has_been_free_for_the_shortest_time() -> None:
    """So that spans which come in the order of their ends need no more lanes than overlap."""
    lanes = Lanes(only=False)
    placed = [lanes.place(*span)[0] for span in [(1, 2), (3, 4), (0, 10), (11, 12), (5, 20)]]
    assert placed == [0, 0, 1, 1, 0]


def test_owners_of_a_lock_never_overlap_whatever_the_clocks_say() -> None:
    """A lock's next owner begins no earlier than the one before ended."""
    lanes = Lanes(only=True)
    assert [lanes.place(0, 10), lanes.place(9, 12), lanes.place(8, 9)] == [(0, 0), (0, 10), (0, 12)]


def test_a_thread_s_holds_lie_on_its_track_where_they_nest(simulated: Any) -> None:
    """A philosopher's life has the fork that it holds, and the hold has its wait for the other one."""
    slices = [
        (s["name"], ns(s["ts"]), ns(s["ts"] + s["dur"]))
        for category in ("alive", "holding", "waiting")
        for s in slices_of(traced(simulated("dining_philosophers")), category)
        if s["track"] == "philosopher[0]"
    ]
    assert [name for name, _, _ in slices] == ["alive", "holds forks[0]", "waits for the others at all_have_one", "waits for forks[1]"]  # fmt: skip
    (_, life, over), (_, held, until), _, (_, waits, end) = slices
    assert life <= held <= waits <= end == until == over


def test_hand_over_hand_the_later_hold_is_on_the_lock_s_track_only() -> None:
    """Slices of one track must not cross; the locks' tracks have both."""
    trace = traced(
        [
            line(0, "lock.acquired", 0.0, object="a", acquired=True),
            line(1, "lock.acquired", 1.0, object="b", acquired=True),
            line(2, "lock.released", 2.0, object="a"),
            line(3, "lock.released", 3.0, object="b"),
        ]
    )
    assert list(broken_rules(trace)) == []
    assert [(s["track"], s["name"]) for s in slices_of(trace, "holding")] == [("a", "main"), ("main", "holds a"), ("b", "main")]  # fmt: skip


def test_a_hold_that_another_thread_ends_cuts_no_slice_of_its_holder() -> None:
    """The holder sleeps while its lock is released: the sleep is whole, the hold on the lock's track only."""
    trace = traced(
        [
            line(0, "lock.acquired", 0.0, "A", object="l", acquired=True),
            line(1, "sleep.began", 1.0, "A"),
            line(2, "lock.released", 2.0, "B", object="l"),
            line(3, "sleep.ended", 3.0, "A"),
        ]
    )
    assert list(broken_rules(trace)) == []
    assert [s["dur"] for s in slices_of(trace, "sleeping")] == [2e6]
    assert [s["track"] for s in slices_of(trace, "holding")] == ["l"]


def test_a_lock_that_outlives_its_holder_is_held_no_longer_on_the_holder_s_track() -> None:
    """A thread ends and never gives its lock back: its hold ends with its life, on the lock's track with the run."""
    trace = traced(
        [
            line(0, "thread.started", 0.0, "A"),
            line(1, "lock.acquired", 1.0, "A", object="l", acquired=True),
            line(2, "thread.ended", 2.0, "A"),
            line(3, "thread.started", 5.0, "B"),
        ]
    )
    assert list(broken_rules(trace)) == []
    assert {s["track"]: s["dur"] for s in slices_of(trace, "holding")} == {"l": 4e6, "A": 1e6}


def test_the_metadata_say_which_run_it_was(simulated: Any) -> None:
    """Scenario, seed and verdict stand at the end of the file."""
    metadata = traced(simulated("dining_philosophers"))["metadata"]
    assert (metadata["scenario"], metadata["seed"], metadata["verdict"]) == ("dining_philosophers", 0, "deadlock")


# --- logs that are not as they should be


def evil_events() -> list[dict[str, Any]]:
    """A run in which every text is an attack."""
    evil, long = EVIL, EVIL * 100
    put = {"object": evil, "size": 1, "waited_s": 0.5, "value": {"a": [evil]}}
    return [
        line(
            0, "run.started", 0.0, scenario=evil, text=long, log_level="debug", objects=[{"name": evil}, 3], threads=7
        ),
        line(1, "thread.starting", 0.0, object=evil, step=long, line=3),
        line(2, "thread.started", 0.1, evil),
        line(3, "queue.putting", 0.2, evil, object=evil),
        line(4, "queue.put", 0.7, evil, **put),
        line(5, "message", 0.8, evil, message=long, fields={evil: long, "n": 1, "x": None, "deep": {"a": [long]}}),
        line(6, "lock.acquired", 0.8, "end", object="end", acquired=True, waited_s=0.0),
        line(7, "thread.failed", 0.9, evil, type=evil, text=long),
        line(8, "finding", 1.0, "end", kind=evil, message=long, threads=[{"thread": evil, "operation": evil}, 5, "x"]),
        line(9, "run.finished", 1.0, verdict=evil, ok="maybe"),
    ]


def test_evil_texts_are_shown_harmlessly_and_cut() -> None:
    """Control characters, direction marks and long texts come out as short printable ones, in both forms."""
    trace = traced(evil_events())
    assert list(broken_rules(trace)) == []
    assert not re.search("[\x00-\x09\x0b-\x1f\u202e\u2028]", json.dumps(trace, ensure_ascii=False))
    assert max(len(r["name"]) for r in trace["traceEvents"]) == 120
    check_grammar(drawn(evil_events()))


def test_two_thousand_threads_have_two_thousand_tracks() -> None:
    """Threads are numbered by first appearance."""
    events = [line(n, "thread.started", n * 1e-6, f"t[{n}]") for n in range(2_000)]
    trace = traced(events)
    assert list(broken_rules(trace)) == []
    names = names_of(trace)
    assert [names[tid] for tid in sorted(names)] == [f"t[{n}]" for n in range(2_000)]
    assert check_grammar(drawn([{**e, "event": "thread.ended"} for e in events])) == 201


@pytest.mark.parametrize("name", ["dining_philosophers", "condition_buffer", "thread_pool", "semaphore_pool"])
def test_a_log_that_begins_late_or_ends_early_still_keeps_the_rules(name: str, simulated: Any) -> None:
    """Wherever it is cut, with and without its first line."""
    events = simulated(name)
    for cut in range(1, len(events), 7):
        for part in (events[:cut], events[cut:]):
            assert list(broken_rules(traced(part))) == [], cut
            check_grammar(drawn(part))


def test_memory_does_not_grow_with_the_log(simulated: Any) -> None:
    """Ten times as many events of the same threads need about as much."""
    events = simulated("condition_buffer")[1:-1]

    def peak(rounds: int) -> int:
        trace = Trace(open("/dev/null", "wb"))  # noqa: SIM115
        tracemalloc.start()
        for number in range(rounds):
            for event in events:
                trace.take({**event, "elapsed_s": event["elapsed_s"] + number})
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        trace.close()
        trace.records._file.close()
        return most

    small, large = peak(100), peak(1_000)
    assert large < small * 1.5
