"""Futures: what `concurrent.futures` does with them is what a run, a simulation and every schedule show.

What CPython does is asked of CPython in the tests that say so: futures, callbacks, `wait` and `as_completed` of its own.
"""

from __future__ import annotations

import concurrent.futures
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

import scenrun

WAYS = [scenrun.run, scenrun.simulate, scenrun.explore]
NOTE = {"params": {"what": "value"}, "do": [{"append": {"to": "seen", "item": "what"}}]}
INVALID = "concurrent.futures.InvalidStateError"


def noted(name: str, *steps: Any) -> dict[str, Any]:
    """Steps, and a note of an exception of this name that ends them."""
    return {"try": list(steps), "except": {name: [{"append": {"to": "seen", "item": "error"}}]}}


def calls_back(what: Any, future: str = "answer", target: str = "note") -> dict[str, Any]:
    return {"on_done": {"future": future, "target": target, "args": {"what": what}}}


def scenario(main: list[Any], *final: str, **more: Any) -> dict[str, Any]:
    behaviours = {"note": NOTE, **more.pop("behaviours", {})}
    whole = {
        "scenario": "futures", "state": {"seen": []}, "sync": {"answer": "future"}, "behaviours": behaviours,
        "main": main, "expect": {"final": [*final, "len(seen) < 9"]}, **more,
    }  # fmt: skip
    used = str({key: value for key, value in whole.items() if key not in ("behaviours", "sync")})
    used += str([one for name, one in behaviours.items() if name in used])
    whole["behaviours"] = {name: one for name, one in behaviours.items() if f"'{name}'" in used}
    whole["sync"] = {name: one for name, one in whole["sync"].items() if name in used}
    return whole


def pool(main: list[Any], *final: str, workers: int = 1, **more: Any) -> dict[str, Any]:
    return scenario(main, *final, sync={"pool": {"pool": {"max_workers": workers}}, "go": "event"}, **more)


JOB = {"params": {"n": "value"}, "do": [{"wait": "go"}, {"return": "n"}]}
QUICK = {"params": {"n": "value"}, "do": [{"return": "n"}]}


def submit(target: str, n: int, into: str) -> dict[str, Any]:
    return {"submit": {"pool": "pool", "target": target, "args": {"n": n}, "into": into}}


@pytest.mark.parametrize("way", WAYS)
def test_a_result_is_there_for_all_who_ask(way: Any) -> None:
    asks = [{"result": {"future": "answer", "into": "got"}}, {"atomic": [{"set": {"total": "total + got"}}]}]
    threads = {"asks": {"count": 2, "do": asks}, "tells": {"do": [{"set_result": {"future": "answer", "value": 21}}]}}
    one = {
        "scenario": "futures", "state": {"total": 0}, "sync": {"answer": "future"}, "threads": threads,
        "expect": {"final": ["total == 42", "answer.done()", "not answer.cancelled()", "not answer.running()"]},
    }  # fmt: skip
    assert way(one).verdict == "holds"


@pytest.mark.parametrize("way", WAYS)
def test_its_exception_is_that_of_all_who_ask(way: Any) -> None:
    main = [
        {"set_exception": {"future": "answer", "exception": "ValueError: no {1 + 1}"}},
        noted("ValueError", {"result": "answer"}),
        noted("ValueError", {"result": "answer"}),
    ]
    assert way(scenario(main, "seen == ['no 2', 'no 2']")).verdict == "holds"


@pytest.mark.parametrize("way", WAYS)
def test_it_is_completed_once(way: Any) -> None:
    twice = noted(INVALID, {"set_result": "answer"})
    main = [
        {"set_result": "answer"},
        twice,
        noted(INVALID, {"set_exception": {"future": "answer", "exception": "ValueError: x"}}),
    ]
    text = "`answer` is finished already"
    assert way(scenario(main, f"seen == ['{text}', '{text}']")).verdict == "holds"


@pytest.mark.parametrize("way", WAYS)
def test_a_cancelled_one_is_cancelled_for_good(way: Any) -> None:
    main = [
        {"cancel": {"future": "answer", "into": "first"}},
        {"cancel": {"future": "answer", "into": "again"}},
        noted("concurrent.futures.CancelledError", {"result": "answer"}),
        noted(INVALID, {"set_result": "answer"}),
        {"append": {"to": "seen", "item": "[first, again, answer.cancelled()]"}},
    ]
    assert way(scenario(main, "seen == ['', '`answer` is cancelled already', [True, True, True]]")).verdict == "holds"


@pytest.mark.parametrize("way", WAYS)
def test_one_that_is_done_cannot_be_cancelled(way: Any) -> None:
    main = [
        {"set_result": "answer"},
        {"cancel": {"future": "answer", "into": "it"}},
        {"append": {"to": "seen", "item": "it"}},
    ]
    assert way(scenario(main, "seen == [False]")).verdict == "holds"


@pytest.mark.parametrize("way", WAYS)
def test_callbacks_come_in_their_order_and_late_ones_at_once(way: Any) -> None:
    main = [
        calls_back(1), calls_back(2), {"append": {"to": "seen", "item": "0"}}, {"set_result": "answer"}, calls_back(3),
        {"append": {"to": "seen", "item": "4"}},
    ]  # fmt: skip
    assert way(scenario(main, "seen == [0, 1, 2, 3, 4]")).verdict == "holds"


@pytest.mark.parametrize("completes", [{"set_result": "answer"}, {"cancel": {"future": "answer"}}])
@pytest.mark.parametrize("way", WAYS)
def test_callbacks_are_run_by_whoever_completes_it(way: Any, completes: Any) -> None:
    who = {"do": [{"append": {"to": "seen", "item": "name"}}]}
    adds = [{"on_done": {"future": "answer", "target": "who"}}, {"set_event": "added"}]
    threads = {"adds": {"do": adds}, "tells": {"do": [{"wait": "added"}, completes]}}
    one = scenario(
        [], "seen == ['tells']", behaviours={"who": who}, threads=threads, sync={"answer": "future", "added": "event"}
    )
    del one["main"]
    assert way(one).verdict == "holds"


@pytest.mark.parametrize("way", WAYS)
def test_the_callbacks_of_what_is_cancelled_come_before_the_result_of_cancelling(way: Any) -> None:
    """They are run within the call: CPython is asked."""
    future, seen = Future[Any](), []
    future.add_done_callback(lambda _: seen.append(len(seen)))
    seen.append(future.cancel())
    counts = {"params": {"what": "value"}, "do": [{"set": {"n": "n + 1"}}]}
    main = [
        {"on_done": {"future": "answer", "target": "counts", "args": {"what": 0}}},
        {"cancel": {"future": "answer", "into": "n"}}, {"append": {"to": "seen", "item": "n"}},
    ]  # fmt: skip
    one = scenario(main, "seen == [True]", behaviours={"counts": counts}, state={"seen": [], "n": 5})
    assert seen == [0, True]
    assert way(one).verdict == "holds"


@pytest.mark.parametrize("way", WAYS)
def test_the_exception_of_a_callback_goes_no_further(way: Any) -> None:
    fails = {"params": {"what": "value"}, "do": [{"raise": "ValueError: {what}"}]}
    main = [calls_back(1, target="fails"), calls_back(2), {"set_result": "answer"}]
    assert way(scenario(main, "seen == [2]", behaviours={"fails": fails})).verdict == "holds"


def test_the_exception_of_a_callback_is_logged_as_an_error() -> None:
    fails = {"do": [{"raise": "ValueError: it is late"}]}
    main = [{"on_done": {"future": "answer", "target": "fails"}}, {"set_result": "answer"}]
    lines: list[dict[str, Any]] = []
    scenrun.run(scenario(main, behaviours={"fails": fails}), log=lines.append)
    told = [(line["level"], line["message"]) for line in lines if line["event"] == "message"]
    assert told == [("error", "exception calling callback fails: ValueError: it is late")]


@pytest.mark.parametrize("way", WAYS)
def test_system_exit_in_a_callback_is_that_of_whoever_completes(way: Any) -> None:
    exits = {"do": [{"raise": "SystemExit: 1"}]}
    main = [
        {"on_done": {"future": "answer", "target": "exits"}}, calls_back(1),
        noted("SystemExit", {"set_result": "answer"}),
    ]  # fmt: skip
    assert way(scenario(main, "seen == ['1']", behaviours={"exits": exits})).verdict == "holds"


@pytest.mark.parametrize("way", WAYS)
def test_a_callback_may_complete_another_future(way: Any) -> None:
    main = [
        {"on_done": {"future": "answer", "target": "passes_on"}}, calls_back(1, "second"), {"set_result": "answer"}, calls_back(2),
    ]  # fmt: skip
    one = scenario(main, "seen == [1, 2]", behaviours={"passes_on": {"do": [{"set_result": "second"}]}},
                   sync={"answer": "future", "second": "future"})  # fmt: skip
    assert way(one).verdict == "holds"


@pytest.mark.parametrize("way", WAYS)
def test_arguments_are_those_of_when_it_was_added(way: Any) -> None:
    main = [{"for": "n", "in": "range(3)", "do": [calls_back("n * 10")]}, {"set_result": "answer"}]
    assert way(scenario(main, "seen == [0, 10, 20]")).verdict == "holds"


@pytest.mark.parametrize("way", WAYS)
def test_a_worker_is_busy_until_the_callbacks_of_its_task_are_over(way: Any) -> None:
    main = [
        submit("job", 1, "f"), calls_back(2, "f"), submit("notes", 3, "_g"), {"set_event": "go"}, {"shutdown": "pool"},
    ]  # fmt: skip
    notes = {"params": {"n": "value"}, "do": [{"append": {"to": "seen", "item": "n"}}]}
    assert way(pool(main, "seen == [2, 3]", behaviours={"job": JOB, "notes": notes})).verdict == "holds"


@pytest.mark.parametrize("way", WAYS)
def test_the_result_is_there_before_the_callbacks(way: Any) -> None:
    """A callback that asks its own future for its result gets it; one that waits for what comes after it holds the pool up."""
    asks = {
        "params": {"of": "value"},
        "do": [{"result": {"future": "of", "into": "got"}}, {"append": {"to": "seen", "item": "got"}}],
    }
    main = [
        submit("job", 7, "f"), {"on_done": {"future": "f", "target": "asks", "args": {"of": "f"}}}, {"set_event": "go"},
        {"shutdown": "pool"},
    ]  # fmt: skip
    assert way(pool(main, "seen == [7]", behaviours={"job": JOB, "asks": asks})).verdict == "holds"


@pytest.mark.parametrize("way", WAYS)
def test_whoever_cancels_a_task_runs_its_callbacks(way: Any) -> None:
    who = {"do": [{"append": {"to": "seen", "item": "name"}}]}
    main = [
        submit("job", 1, "_f"), submit("job", 2, "g"), {"on_done": {"future": "g", "target": "who"}},
        {"cancel": {"future": "g", "into": "_it"}}, {"append": {"to": "seen", "item": "g.cancelled()"}}, {"set_event": "go"},
        {"shutdown": "pool"},
    ]  # fmt: skip
    assert way(pool(main, "seen == ['main', True]", behaviours={"job": JOB, "who": who})).verdict == "holds"


@pytest.mark.parametrize("way", WAYS)
def test_the_exception_of_a_task_is_that_of_its_future_although_it_has_callbacks(way: Any) -> None:
    fails = {"params": {"n": "value"}, "do": [{"wait": "go"}, {"raise": "ValueError: {n}"}]}
    main = [
        submit("fails", 5, "f"), calls_back(1, "f"), {"set_event": "go"}, noted("ValueError", {"result": "f"}), {"shutdown": "pool"},
    ]  # fmt: skip
    found = way(pool(main, "sorted(str(x) for x in seen) == ['1', '5']", behaviours={"fails": fails}))
    assert found.verdict == "holds"


# --- waits for several


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("when", "done"), [("all_completed", 2), ("first_completed", 1), ("first_exception", 2)])
def test_wait_gives_those_that_are_done(way: Any, when: str, done: int) -> None:
    """Of two tasks, the second waits for what main does only after a wait for the first one."""
    first = [{"set_event": "go"}] if done == 2 else []
    main = [
        submit("quick", 1, "f"), submit("job", 2, "g"), *first,
        {"wait": {"futures": "[f, g]", "return_when": when, "into": "done"}},
        {"append": {"to": "seen", "item": "[len(done), f in done]"}}, {"set_event": "go"}, {"shutdown": "pool"},
    ]  # fmt: skip
    one = pool(main, f"seen == [[{done}, True]]", behaviours={"job": JOB, "quick": QUICK})
    assert way(one).verdict == "holds"


@pytest.mark.parametrize("way", WAYS)
def test_an_exception_ends_the_wait_for_the_first_one(way: Any) -> None:
    fails = {"params": {"n": "value"}, "do": [{"raise": "ValueError: {n}"}]}
    main = [
        submit("fails", 1, "f"), submit("job", 2, "g"), {"wait": {"futures": "[f, g]", "return_when": "first_exception", "into": "done"}},
        {"append": {"to": "seen", "item": "[f in done, g in done]"}}, {"set_event": "go"}, noted("ValueError", {"result": "f"}),
        {"shutdown": "pool"},
    ]  # fmt: skip
    one = pool(main, "seen == [[True, False], '1']", behaviours={"job": JOB, "fails": fails})
    assert way(one).verdict == "holds"


@pytest.mark.parametrize("way", WAYS)
def test_a_wait_that_is_too_short_gives_what_there_is(way: Any) -> None:
    main = [
        submit("job", 1, "f"), {"wait": {"futures": "[f]", "timeout": "1ms", "into": "done"}}, {"append": {"to": "seen", "item": "done"}},
        {"set_event": "go"}, {"shutdown": "pool"},
    ]  # fmt: skip
    assert way(pool(main, "seen == [[]]", behaviours={"job": JOB})).verdict == "holds"


@pytest.mark.parametrize("way", WAYS)
def test_waiting_for_no_future_is_over_at_once(way: Any) -> None:
    main = [{"wait": {"futures": "[]", "into": "done"}}, {"append": {"to": "seen", "item": "done"}}]
    assert way(scenario(main, "seen == [[]]")).verdict == "holds"


CHAIN = {"params": {"n": "value"}, "do": [{"acquire": "turns[n]"}, {"release": "turns[n + 1]"}, {"return": "n"}]}
"""A task that ends, in every schedule, only after the one before it has begun to end."""


def test_as_completed_gives_each_once_in_any_order_that_they_are_done_in() -> None:
    main = [
        submit("quick", 1, "f"), submit("quick", 2, "g"),
        {"for": "one", "as_completed": "[f, g, f]", "do": [{"result": {"future": "one", "into": "n"}}, {"append": {"to": "seen", "item": "n"}}]},
        {"shutdown": "pool"},
    ]  # fmt: skip
    one = pool(main, behaviours={"quick": QUICK}, workers=2)
    one["expect"] = {"outcomes": {"observe": ["seen"]}}
    found = scenrun.explore(one)
    assert sorted(outcome[0] for outcome in found.outcomes) == [[1, 2], [2, 1]]


def test_as_completed_is_in_the_order_in_which_they_were_done_while_it_waited() -> None:
    """One worker: once the loop waits, the first task is done before the second; only those done before it come in any order."""
    main = [
        submit("job", 1, "f"), submit("quick", 2, "g"),
        {"for": "one", "as_completed": "[g, f]", "do": [
            {"result": {"future": "one", "into": "n"}}, {"append": {"to": "seen", "item": "n"}}, {"set_event": "go"},
        ]},
        {"shutdown": "pool"},
    ]  # fmt: skip
    sets = {"sets": {"do": [{"set_event": "go"}]}}
    one = pool([{"start": "sets"}, *main], behaviours={"job": JOB, "quick": QUICK}, threads=sets)
    one["expect"] = {"outcomes": {"observe": ["seen"]}}
    assert sorted(outcome[0] for outcome in scenrun.explore(one).outcomes) == [[1, 2], [2, 1]]
    late = {**one, "main": [*main[:2], {"start": "sets"}, *main[2:]]}
    assert sorted(outcome[0] for outcome in scenrun.explore(late).outcomes) == [[1, 2], [2, 1]]
    waiting = {**one, "main": main}
    del waiting["threads"]
    waiting["main"] = [*main[:2], {"spawn": {"target": "opens"}}, *main[2:]]
    waiting["behaviours"] = {**waiting["behaviours"], "opens": {"do": [{"sleep": "1ms"}, {"set_event": "go"}]}}
    found = scenrun.explore(waiting, time="virtual")
    assert [outcome[0] for outcome in found.outcomes] == [[1, 2]], "time passes only once the loop waits"


@pytest.mark.parametrize("way", [scenrun.simulate, scenrun.run])
def test_as_completed_raises_when_its_time_is_up(way: Any) -> None:
    loop = {
        "for": "one", "as_completed": "[f, g]", "timeout": "20ms",
        "do": [{"result": {"future": "one", "into": "n"}}, {"append": {"to": "seen", "item": "n"}}],
    }  # fmt: skip
    main = [
        submit("quick", 1, "f"),
        submit("job", 2, "g"),
        noted("TimeoutError", loop),
        {"set_event": "go"},
        {"shutdown": "pool"},
    ]
    one = pool(main, "seen == [1, '1 (of 2) futures unfinished']", behaviours={"job": JOB, "quick": QUICK})
    assert way(one).verdict == "holds"


@pytest.mark.parametrize("way", [scenrun.simulate, scenrun.run])
def test_the_time_is_looked_at_only_before_a_wait(way: Any) -> None:
    """A body that outlasts the time-out: what has been done meanwhile is not given any more, as in CPython."""
    loop = {
        "for": "one", "as_completed": "[f, g]", "timeout": "20ms",
        "do": [{"append": {"to": "seen", "item": "one.done()"}}, {"set_event": "go"}, {"sleep": "60ms"}],
    }  # fmt: skip
    main = [submit("quick", 1, "f"), submit("job", 2, "g"), noted("TimeoutError", loop), {"shutdown": "pool"}]
    one = pool(main, "seen == [True, '1 (of 2) futures unfinished']", behaviours={"job": JOB, "quick": QUICK})
    assert way(one).verdict == "holds"


@pytest.mark.parametrize("way", WAYS)
def test_those_who_wait_for_several_see_a_cancelled_one_once_a_worker_comes_to_it(way: Any) -> None:
    main = [
        submit("job", 1, "_f"), submit("job", 2, "g"), {"cancel": {"future": "g", "into": "_it"}},
        {"wait": {"futures": "[g]", "timeout": "2ms", "into": "early"}}, {"set_event": "go"}, {"wait": {"futures": "[g]", "into": "late"}},
        {"append": {"to": "seen", "item": "[g.done(), len(early), len(late)]"}}, {"shutdown": "pool"},
    ]  # fmt: skip
    assert way(pool(main, "seen == [[True, 0, 1]]", behaviours={"job": JOB})).verdict == "holds"


@pytest.mark.parametrize("way", WAYS)
def test_a_task_that_a_pool_drops_is_never_done_to_those_who_wait_for_several(way: Any) -> None:
    main = [
        submit("job", 1, "_f"), submit("job", 2, "g"), {"shutdown": {"pool": "pool", "wait": False, "cancel_futures": True}},
        {"set_event": "go"}, {"wait": {"futures": "[g]"}},
    ]  # fmt: skip
    one = pool(main, behaviours={"job": JOB})
    assert way({**one, "expect": {}, "state": {}}).verdict == "deadlock"


# --- CPython itself


def test_in_cpython_a_cancelled_task_is_done_to_those_who_wait_once_a_worker_comes_to_it() -> None:
    go = threading.Event()
    with ThreadPoolExecutor(1) as real:
        real.submit(go.wait)
        second = real.submit(int)
        assert second.cancel()
        assert concurrent.futures.wait([second], 0.05).done == set()
        go.set()
        assert concurrent.futures.wait([second], 20).done == {second}


def test_in_cpython_a_task_that_a_pool_drops_is_never_done_to_those_who_wait() -> None:
    go = threading.Event()
    real = ThreadPoolExecutor(1)
    real.submit(go.wait)
    second = real.submit(int)
    real.shutdown(wait=False, cancel_futures=True)
    go.set()
    real.shutdown()
    assert second.cancelled()
    assert concurrent.futures.wait([second], 0.05).done == set()


def test_in_cpython_callbacks_are_run_before_the_worker_is_free() -> None:
    seen: list[int] = []
    go = threading.Event()
    with ThreadPoolExecutor(1) as real:
        real.submit(go.wait).add_done_callback(lambda _: seen.append(2))
        real.submit(seen.append, 3)
        go.set()
    assert seen == [2, 3]


def test_in_cpython_who_cancels_a_cancelled_future_runs_no_callback() -> None:
    seen: list[str] = []
    future: Future[int] = Future()
    future.add_done_callback(lambda _: seen.append(threading.current_thread().name))
    assert future.cancel()
    assert future.cancel()
    assert seen == [threading.current_thread().name]


def test_in_cpython_system_exit_in_a_callback_is_that_of_whoever_completes() -> None:
    seen: list[int] = []

    def exits(_: Any) -> None:
        raise SystemExit(1)

    future: Future[int] = Future()
    future.add_done_callback(exits)
    future.add_done_callback(lambda _: seen.append(1))
    with pytest.raises(SystemExit):
        future.set_result(1)
    assert seen == []


def test_on_threads_a_time_out_of_as_completed_is_no_longer_than_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """A real run waits in slices, so that it can be ended: to see what is done already is no wait, however long a slice is."""
    monkeypatch.setattr("scenrun.execution.threads.threads.SLICE_S", 40.0)
    scenario = {
        "scenario": "soon", "sync": {"crew": {"pool": {"max_workers": 1}}, "go": "event"}, "state": {"late": False},
        "behaviours": {"task": {"do": [{"wait": "go"}]}},
        "main": [
            {"submit": {"pool": "crew", "target": "task", "into": "one"}},
            {"try": [{"for": "_x", "as_completed": "[one]", "timeout": "1ms", "do": [{"log": "x"}]}],
             "except": {"TimeoutError": [{"set": {"late": True}}]}},
            {"set_event": "go"},
        ],
        "expect": {"final": ["late"]},
    }  # fmt: skip
    result = scenrun.run(scenario, time_limit="200s")
    assert result.verdict == "holds"
    assert result.elapsed_s < 30
