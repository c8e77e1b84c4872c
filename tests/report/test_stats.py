"""The figures of a run from its log: they are those that the run itself counted, and mean what docs/stats.md says."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shipped import counts

import scenrun
from scenrun.report.stats import described
from scenrun.report.stats_rows import rows_of
from scenrun.report.width import columns
from scenrun.trace.analysis import critical_path
from scenrun.trace.analysis.figures import Figures, figures_of
from scenrun.trace.analysis.figures_of_queues import Profile
from scenrun.trace.analysis.spans import spans_of
from scenrun.trace.events import EVENTS

FOLDER = Path(__file__).parents[2] / "scenarios"
SHIPPED = sorted(FOLDER.rglob("*.yaml"))
INITIALLY_LOCKED = ("filled",)
"""Nobody holds it before the first release; the run counts that time, too."""
BY_LINES = ("held", "queued", "served")
"""Times that a log tells by when its lines were written, which on real threads is not when the run took them."""
STEP_S = 1e-6
ROUNDED_S = 1e-9
"""What sums of rounded numbers may be off."""
"""What a step costs in a simulation; an operation that is cut off has begun with its step."""
Log = list[dict[str, Any]]


def log_of(scenario: Any, way: str = "simulate", **options: Any) -> Log:
    """The debug log of a scenario; pipelines are told to stop sooner, as their loops are the same all the time."""
    events: Log = []
    if isinstance(scenario, str | Path):
        options["overrides"] = {**counts(scenario), **({"stop": "5ms"} if "queue_pipeline" in str(scenario) else {})}
    getattr(scenrun, way)(scenario, level="debug", log=events.append, **options)
    return json.loads(json.dumps(events, default=str))


def of_text(text: str) -> Figures:
    """The figures of a simulated scenario."""
    import yaml

    return figures_of(log_of({"scenario": "one", **yaml.safe_load(text)}))


def line(event: str, thread: str, at: float, seq: int, **more: Any) -> dict[str, Any]:
    """One line of a log made by hand."""
    return {"event": event, "thread": thread, "elapsed_s": at, "seq": seq, "run": "r", **more}


def started(*objects: dict[str, Any]) -> dict[str, Any]:
    """The first line of a log made by hand."""
    about = {"log_level": "debug", "objects": list(objects), "gil": True, "cpus": 2}
    return {"event": "run.started", "elapsed_s": 0.0, "seq": 0, "run": "r", **about}


# --- the figures are those that the run counted


def objects_of(figures: Figures) -> dict[str, dict[str, Any]]:
    """All objects by name."""
    tables = (table for name, table in figures.tables.items() if name not in ("threads", "groups", "joins"))
    results = {name.removeprefix("future.result "): one for name, one in figures.tables.get("joins", {}).items()}
    return {**results, **{name: one for table in tables for name, one in table.items()}}


def condition_waits(log: Log) -> int:
    """How often a thread waited on a condition."""
    return sum(event["event"] == "condition.waiting" for event in log)


def interrupted_s(log: Log, thread: str | None = None) -> float:
    """How long interrupts ran, in a thread or in all: the waits that they came into count it in the last line."""
    lines = [event for event in log if thread is None or event.get("thread") == thread]
    times = {
        word: sum(e["elapsed_s"] for e in lines if e["event"] == f"thread.{word}")
        for word in ("interrupted", "resumed")
    }
    return float(times["resumed"] - times["interrupted"])


def cut_off(log: Log) -> tuple[set[str], set[str]]:
    """The threads that waited at the end, and the objects that they waited for."""
    waits = [span for span in spans_of(log) if span.what == "waiting" and span.ended == "cut_off"]
    return {span.thread for span in waits}, {span.object or "" for span in waits}


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_simulated_threads_have_the_figures_of_the_last_line(path: Path) -> None:
    """What each thread lived, waited, slept, worked and said is what the simulator counted, to the microsecond."""
    log = log_of(str(path))
    figures, told = figures_of(log).tables["threads"], log[-1]["figures"]["threads"]
    waiting, _ = cut_off(log)
    lives = Counter(event.get("worker", event["thread"]) for event in log if event["event"] == "thread.started")
    for name, thread in told.items():
        within = STEP_S * max(1, lives[name]) + ROUNDED_S  # a worker lives once for each of its tasks
        within += interrupted_s(log, name)
        mine = figures.get(name, {"lived_s": 0, "sleeping_s": 0, "working_s": 0, "waiting_s": 0, "messages": 0})
        assert mine["messages"] == thread["messages"]
        for key, here in (("lived_s", "lived_s"), ("slept_s", "sleeping_s"), ("worked_s", "working_s")):
            assert mine[here] == pytest.approx(thread[key], abs=within), (name, key)
        if name not in waiting:
            assert mine["waiting_s"] == pytest.approx(thread["waited_s"], abs=within), name


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_simulated_objects_have_the_figures_of_the_last_line(path: Path) -> None:
    """Counts are the same, times agree to a step, percentiles as precisely as the histogram."""
    log = log_of(str(path))
    _, waited_for = cut_off(log)
    within = STEP_S * (1 + condition_waits(log)) + interrupted_s(log)
    compare_objects(figures_of(log), log[-1]["figures"]["objects"], within, leave_out=waited_for)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yaml")), ids=lambda path: path.stem)
def test_real_runs_have_the_figures_of_the_last_line(path: Path) -> None:
    """What a real run counted is what its log tells, whatever times it took."""
    log = log_of(str(path), "run")
    if log[-1]["verdict"] != "holds":
        return  # the figures of a run that is stuck are taken before its last lines
    figures, told = figures_of(log), log[-1]["figures"]
    for name, thread in told["threads"].items():
        mine = figures.tables["threads"].get(name)
        if mine is None or mine["cut_off"]:
            continue  # it never began, or the log ends a moment after the figures
        assert mine["messages"] == thread["messages"]
        assert mine["sleeping_s"] == pytest.approx(thread["slept_s"], abs=1e-6)
        assert mine["waiting_s"] == pytest.approx(thread["waited_s"], abs=1e-6 * len(log))
    counted = {name: {k: v for k, v in one.items() if k not in BY_LINES} for name, one in told["objects"].items()}
    compare_objects(figures, counted, 1e-6 * len(log), leave_out=cut_off(log)[1])


def compare_objects(figures: Figures, told: dict[str, Any], within: float, leave_out: set[str]) -> None:
    """Each figure of the last line is found."""
    found = objects_of(figures)
    for name, one in told.items():
        if name in leave_out or name not in found:
            assert name in leave_out or not any(v for k, v in one.items() if type(v) is int), name
            continue
        for key, value in one.items():
            if isinstance(value, dict):
                if key != "held" or ("semaphore" not in one["kind"] and name not in INITIALLY_LOCKED):
                    compare_samples(found[name][key], value, within, (name, key))
            elif key != "kind":
                assert found[name].get(key, 0) == value, (name, key)


def compare_samples(mine: dict[str, float], told: dict[str, float], within: float, what: Any) -> None:
    """Totals and largest agree; percentiles lie in the same bucket of the histogram, or the next."""
    for key in ("total_s", "max_s"):
        assert mine[key] == pytest.approx(told[key], abs=within + ROUNDED_S), (*what, key)
    for key in ("p50_s", "p99_s"):
        assert mine[key] == pytest.approx(told[key], rel=1 / 8, abs=within), (*what, key)


def test_who_still_waits_for_a_lock_has_asked_for_it() -> None:
    """Of two that asked for a lock one got it at once and one never: half of them had to wait."""
    figures = of_text("sync: {guard: lock}\nthreads: {w: {do: [{acquire: guard}, {acquire: guard}]}}")
    guard = figures.tables["locks"]["guard"]
    assert (guard["acquisitions"], guard["contended"], guard["contended_share"]) == (1, 1, 0.5)


def test_the_mean_size_of_a_queue_is_at_most_its_largest() -> None:
    """Also of a log whose clock goes backwards, so that its first line seems to be its last."""
    log = [
        started({"name": "q", "kind": "fifo", "maxsize": 0}),
        line("thread.started", "a", 5.0, 1),
        line("queue.put", "a", 1.0, 2, object="q", size=1),
        line("queue.put", "a", 4.0, 3, object="q", size=2),
    ]
    queue = figures_of(log).tables["queues"]["q"]
    assert 0 < queue["size_mean"] <= queue["largest"]


# --- the critical path


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_the_path_lasts_from_the_first_line_to_the_last_end(path: Path) -> None:
    """The critical path has no gaps: its places together last as long as the run of the thread that ended last."""
    log = log_of(str(path))
    ends = [e for e in log if e["event"] in ("thread.ended", "thread.failed")]
    if ends:
        begin = next(e["elapsed_s"] for e in log if "thread" in e)
        total = sum(link.seconds for link in figures_of(log).path)
        assert total == pytest.approx(ends[-1]["elapsed_s"] - begin, abs=1e-9)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_folding_changes_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Chains that are put together all the time give the same path as chains that never are."""
    log = log_of(str(path))
    whole = {(k.thread, k.what, k.line, k.object): k.seconds for k in figures_of(log).path}
    monkeypatch.setattr(critical_path, "_FOLD_AT", 50)
    monkeypatch.setattr(critical_path, "_KEPT", 200)
    folded = {(k.thread, k.what, k.line, k.object): k.seconds for k in figures_of(log).path}
    assert folded == pytest.approx(whole)


def test_folding_bounds_what_is_kept() -> None:
    """After many hand-overs no more pieces of chains are kept than lines are remembered."""
    path = critical_path.CriticalPath()
    for seq in range(300_000):
        path.take(line("queue.put", f"t[{seq % 3}]", seq * 1e-6, seq, object="q", line=seq % 7))
    kept: set[int] = set()
    for chain in path._chains.values():
        node = chain.base
        while node is not None and id(node) not in kept:
            kept.add(id(node))
            node = node.parent
    assert len(kept) <= critical_path._FOLD_AT + critical_path._KEPT


def test_the_path_goes_where_the_lock_came_from() -> None:
    """Who waits for a lock is bounded by the work of the one who holds it, and by nothing that it did before."""
    figures = of_text(
        """
        sync: {guard: lock, go: {barrier: {parties: 2}}}
        threads:
          holder: {do: [{with: guard, do: [{wait: {barrier: go}}, {sleep: 30ms}]}]}
          waiter: {do: [{wait: {barrier: go}}, {with: guard, do: [{sleep: 10ms}]}]}
        """
    )
    slept = {(link.thread, link.what): link.seconds for link in figures.path if link.what == "sleeping"}
    assert slept == {
        ("holder", "sleeping"): pytest.approx(0.03, abs=1e-4),
        ("waiter", "sleeping"): pytest.approx(0.01, abs=1e-4),
    }


def test_the_path_of_a_queued_task_goes_through_the_task_that_gave_its_worker_back() -> None:
    """Three tasks one after the other on one worker: the path is all their sleep, not their time in the queue."""
    figures = of_text(
        """
        sync: {crew: {pool: {max_workers: 1}}}
        behaviours: {task: {params: {i: int}, do: [{sleep: 10ms}]}}
        main: [{map: {pool: crew, target: task, over: range(3), as: i, into: _r}}]
        """
    )
    slept = {link.thread: link.seconds for link in figures.path if link.what == "sleeping"}
    assert slept == pytest.approx({"crew#0": 0.01, "crew#1": 0.01, "crew#2": 0.01}, abs=1e-4)


def test_the_path_does_not_go_to_what_was_over_before_it_was_waited_for() -> None:
    """A thread that had ended before it was joined held nobody up; the path is in the one that joins it."""
    log = [
        started(),
        line("thread.started", "main", 0.0, 1),
        line("thread.starting", "main", 0.0, 2, object="a"),
        line("thread.started", "a", 0.0, 3),
        line("work.began", "main", 0.0, 4),
        line("thread.ended", "a", 1.0, 5),
        line("work.ended", "main", 3.0, 6),
        line("thread.joining", "main", 3.0, 7, object="a"),
        line("thread.joined", "main", 3.5, 8, object="a", waited_s=0.5),
        line("thread.ended", "main", 3.5, 9),
    ]
    assert {(k.thread, k.what): k.seconds for k in figures_of(log).path} == {
        ("main", "working"): 3.0,
        ("main", "waking"): 0.5,
    }


def test_what_is_never_released_is_held_up_to_the_last_line() -> None:
    """The run counts a lock as held until it has finished, which is after the lines of its threads."""
    log = [
        started(),
        line("lock.acquired", "a", 1.0, 1, object="guard", acquired=True),
        line("thread.cut_off", "a", 2.0, 2),
        {"event": "run.finished", "run": "r", "seq": 3, "elapsed_s": 9.0, "verdict": "deadlock"},
    ]
    assert figures_of(log).tables["locks"]["guard"]["held"]["total_s"] == pytest.approx(8.0)


def test_a_log_without_threads_has_no_bottleneck() -> None:
    """There is nobody of whom it could be said."""
    assert figures_of([started()]).bound is None


# --- what bounds a run

PIPELINE = """
sync: {{q: {{queue: {{maxsize: 3}}}}}}
threads:
  producer: {{do: [{{repeat: 40, do: [{{sleep: {put}}}, {{put: {{queue: q, item: 1}}}}]}}]}}
  consumer: {{do: [{{repeat: 40, do: [{{get: {{queue: q, into: _x}}}}, {{sleep: {get}}}]}}]}}
"""
POOL = """
sync: {crew: {pool: {max_workers: 2}}}
behaviours: {task: {params: {i: int}, do: [{sleep: 5ms}, {return: i}]}}
main: [{map: {pool: crew, target: task, over: range(10), as: i, into: _r}}]
"""
BOUNDS = {
    "a slow producer": (PIPELINE.format(put="10ms", get="1ms"), "queue_empty", "producer", "q"),
    "a slow consumer": (PIPELINE.format(put="1ms", get="10ms"), "queue_full", "consumer", "q"),
    "a lock": (
        "sync: {guard: lock}\nthreads: {w: {count: 6, do: [{repeat: 5, do: [{with: guard, do: [{sleep: 5ms}]}]}]}}",
        "lock", "w", "guard",
    ),
    "permits": (
        "sync: {permits: {semaphore: {value: 2}}}\n"
        "threads: {w: {count: 9, do: [{repeat: 5, do: [{with: permits, do: [{sleep: 5ms}]}]}]}}",
        "semaphore", None, "permits",
    ),
    "a pool": (POOL, "pool", None, "crew"),
    "the processor": ("threads: {w: {count: 4, do: [{work: 20ms}]}}", "processor", "w", None),
    "sleep": ("threads: {w: {count: 4, do: [{sleep: 20ms}]}}", "sleep", "w", None),
    "a deadlock": ("sync: {guard: lock}\nthreads: {w: {do: [{acquire: guard}, {acquire: guard}]}}", "stuck", None, None),
}  # fmt: skip


@pytest.mark.parametrize("name", BOUNDS)
def test_what_bounds_a_run_is_said_where_it_is_so(name: str) -> None:
    """For each kind of bottleneck a scenario that has it, and the group and object that are to blame."""
    text, kind, group, on = BOUNDS[name]
    bound = of_text(text).bound
    assert bound is not None
    assert (bound.kind, bound.group, bound.object) == (kind, group, on), bound.sentence


def test_nobody_is_blamed_where_each_waits_for_the_other() -> None:
    """Where those who put wait as long as those who get, neither is the bottleneck."""
    figures = of_text(
        """
        sync: {there: {queue: {maxsize: 1}}, back: {queue: {maxsize: 1}}}
        threads:
          one: {do: [{repeat: 20, do: [{put: {queue: there, item: 1}}, {get: {queue: back, into: _x}}, {sleep: 5ms}]}]}
          two: {do: [{repeat: 20, do: [{get: {queue: there, into: _x}}, {sleep: 5ms}, {put: {queue: back, item: 1}}]}]}
        """
    )
    assert figures.bound is not None
    assert figures.bound.kind not in ("queue_empty", "queue_full"), figures.bound.sentence


# --- single figures, from logs made by hand


def test_the_size_of_a_queue_is_weighted_by_time() -> None:
    """One item for two seconds and two for one, in four: the mean is one; empty and full are shares of the time."""
    q = {"name": "q", "kind": "fifo", "maxsize": 2}
    log = [
        started(q),
        line("thread.started", "a", 0.0, 1),
        line("queue.put", "a", 1.0, 2, object="q", size=1),
        line("queue.put", "a", 3.0, 3, object="q", size=2),
        line("queue.got", "b", 4.0, 4, object="q", size=1),
    ]
    queue = figures_of(log).tables["queues"]["q"]
    assert queue["size_mean"] == pytest.approx(1.0)
    assert (queue["empty_share"], queue["full_share"]) == pytest.approx((0.25, 0.25))
    assert queue["throughput_per_s"] == pytest.approx(0.25)


@pytest.mark.parametrize(("kind", "longest"), [("fifo", 2.0), ("lifo", 3.0), ("priority", 4.0)])
def test_items_are_inside_from_their_put_to_their_get(kind: str, longest: float) -> None:
    """Which item is got decides how long it was inside."""
    orders = {"fifo": (3, 2, 1), "lifo": (1, 2, 3), "priority": (1, 3, 2)}
    log = [started({"name": "q", "kind": kind, "maxsize": 0})]
    log += [line("queue.put", "a", at, at + 1, object="q", value=v) for at, v in enumerate((3, 2, 1))]
    log += [line("queue.got", "b", 2.0 + at, 4 + at, object="q", value=v) for at, v in enumerate(orders[kind])]
    inside = figures_of(log).tables["queues"]["q"]["inside"]
    assert inside["total_s"] == pytest.approx(6.0)
    expected = {"fifo": 2.0, "lifo": 4.0, "priority": 3.0}[kind]
    assert inside["max_s"] == pytest.approx(expected)


def test_an_item_got_before_its_put_is_told_was_inside_for_no_time() -> None:
    """On real threads the line of a get may stand before that of the put."""
    log = [started({"name": "q", "kind": "fifo", "maxsize": 0})]
    log += [
        line("queue.putting", "a", 1.0, 1, object="q"),
        line("queue.got", "b", 1.5, 2, object="q", value=7),
        line("queue.put", "a", 2.0, 3, object="q", value=7),
    ]
    queue = figures_of(log).tables["queues"]["q"]
    assert (queue["inside"]["max_s"], queue["puts"], queue["gets"]) == (0.0, 1, 1)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(1e-6, 50.0), st.integers(0, 9)), min_size=1, max_size=60))
def test_a_profile_keeps_the_area(pieces: list[tuple[float, int]]) -> None:
    """However often its bins become wider, the area under a profile is that of what was added."""
    profile, at = Profile(), 0.0
    for length, value in pieces:
        profile.add(at, at + length, value)
        at += length
    assert sum(profile.areas) == pytest.approx(sum(length * value for length, value in pieces), rel=1e-6, abs=1e-9)
    assert all(-1e-9 <= mean <= 9 + 1e-6 for mean in profile.means(at))


def test_the_last_one_at_a_barrier_is_counted() -> None:
    """Who comes last lets the others go on; the table says who did most often."""
    figures = of_text(
        """
        sync: {gate: {barrier: {parties: 2}}}
        threads:
          quick: {do: [{repeat: 3, do: [{sleep: 1ms}, {wait: {barrier: gate}}]}]}
          slow: {do: [{repeat: 3, do: [{sleep: 5ms}, {wait: {barrier: gate}}]}]}
        """
    )
    assert figures.tables["barriers"]["gate"]["last_to_arrive"] == [{"thread": "slow", "times": 3}]


def test_who_signals_with_a_semaphore_holds_no_permit() -> None:
    """Times of holding are told only where those who take permits also give them back."""
    figures = of_text(
        """
        sync: {ready: {semaphore: {value: 0}}, slots: {semaphore: {value: 1}}}
        threads:
          giver: {do: [{sleep: 5ms}, {release: ready}]}
          taker: {do: [{acquire: ready}, {with: slots, do: [{sleep: 3ms}]}]}
        """
    )
    semaphores = figures.tables["semaphores"]
    assert "held" not in semaphores["ready"]
    assert semaphores["slots"]["longest_holder"]["thread"] == "taker"
    assert semaphores["slots"]["held"]["max_s"] == pytest.approx(0.003, abs=1e-4)


def test_a_pool_has_the_time_in_its_queue_and_at_work() -> None:
    """Three tasks of 10 ms for one worker: they wait 0, 10 and 20 ms, and the worker is busy all the time."""
    figures = of_text(
        """
        sync: {crew: {pool: {max_workers: 1}}}
        behaviours: {task: {params: {i: int}, do: [{sleep: 10ms}]}}
        main: [{map: {pool: crew, target: task, over: range(3), as: i, into: _r}}]
        """
    )
    pool = figures.tables["pools"]["crew"]
    assert (pool["tasks"], pool["workers"]) == (3, 1)
    assert pool["queued"]["total_s"] == pytest.approx(0.03, abs=1e-3)
    assert pool["served"]["total_s"] == pytest.approx(0.03, abs=1e-3)
    assert pool["utilisation_share"] > 0.99


# --- any log at all


def texts() -> st.SearchStrategy[Any]:
    """Values that somebody else's line may have where ours has a number or a text."""
    return st.one_of(st.none(), st.booleans(), st.integers(-5, 10**18), st.floats(allow_nan=False, allow_infinity=False),
                     st.text(max_size=6), st.just([]), st.just({}))  # fmt: skip


FIELDS = ("value", "size", "slept_s", "held_s", "n", "pool", "acquired", "message", "question", "type", "text", "verdict",
          "figures", "objects", "threads", "log_level", "cpus", "gil", "scenario")  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_log_breaks_the_figures(data: st.DataObject) -> None:
    """Whatever a log says in fields that a reading lets through, figures come out, and tables of 80 columns."""
    log = []
    for seq in range(data.draw(st.integers(1, 14))):
        event = {"event": data.draw(st.sampled_from(sorted(EVENTS))), "run": "r", "seq": seq,
                 "elapsed_s": data.draw(st.floats(0, 1e18))}  # fmt: skip
        if data.draw(st.booleans()):
            event["thread"] = data.draw(st.sampled_from(["a", "b[1]", "c#2", "\u202e\x1b[2J", "", "宽" * 50]))
        for key in ("object", "group", "step"):
            if data.draw(st.booleans()):
                event[key] = data.draw(st.sampled_from(["q", "q[1]", "", "\x00"]))
        event["waited_s"] = data.draw(st.floats(-1e9, 1e18))
        event |= data.draw(st.dictionaries(st.sampled_from(FIELDS), texts(), max_size=4))
        log.append(event)
    figures = figures_of(log)
    json.dumps(figures.as_dict())
    list(rows_of(figures))
    assert_harmless(described(figures))


def assert_harmless(text: str) -> None:
    """No line is wider than 80 columns or can move a cursor."""
    for shown in text.split("\n"):
        assert columns(shown) <= 80, shown
        assert shown.isprintable(), repr(shown)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_tables_fit_a_terminal(path: Path) -> None:
    """Every scenario's figures fit into 80 columns."""
    assert_harmless(described(figures_of(log_of(str(path)))))


def test_thousands_of_threads_are_cut_visibly() -> None:
    """Those that waited most are shown, and how many are not; the group has them all."""
    figures = of_text("sync: {guard: lock}\nthreads: {w: {count: 2000, do: [{with: guard, do: [{sleep: 1us}]}]}}")
    text = described(figures)
    assert_harmless(text)
    assert "w (2,000)" in text
    assert "and 1,989 more" in text
    assert len(figures.tables["threads"]) == 2001
