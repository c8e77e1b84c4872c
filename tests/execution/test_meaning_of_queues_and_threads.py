"""Queues, pools, threads and timers mean on real threads what the same calls mean in CPython."""

from __future__ import annotations

from typing import Any

import pytest
from real_runs import Cases, holds, run

import scenrun
from scenrun.language.source import decode
from scenrun.program.loaded import load_source

QUEUES: Cases = {
    "items leave in the order of the queue's kind": (
        """
        sync: {f: queue, l: {queue: {kind: lifo}}, p: {queue: {kind: priority}}, s: {queue: {kind: simple}}}
        main:
          - for: i
            in: "[2, 3, 1]"
            do: [{put: {queue: f, item: i}}, {put: {queue: l, item: i}}, {put: {queue: p, item: i}}, {put: {queue: s,
              item: i}}]
          - repeat: 3
            do:
              - get: {queue: f, into: a}
              - get: {queue: l, into: b}
              - get: {queue: p, into: c}
              - get: {queue: s, into: d}
              - log: "{a} {b} {c} {d}"
        """,
        ["2 1 1 2", "3 3 2 3", "1 2 3 1"],
    ),
    "a full queue raises Full at once or after the time": (
        """
        sync: {q: {queue: {maxsize: 1}}}
        main:
          - put: {queue: q, item: 1}
          - log: "{q.full()} {q.empty()} {q.qsize()}"
          - try: [{put: {queue: q, item: 2, block: false}}]
            except: {queue.Full: [{log: full}]}
          - try: [{put: {queue: q, item: 2, timeout: 1ms}}]
            except: {Full: [{log: full}]}
        """,
        ["True False 1", "full", "full"],
    ),
    "an empty queue raises Empty at once or after the time": (
        """
        sync: {q: queue, s: {queue: {kind: simple}}}
        main:
          - try: [{get: {queue: q, block: false}}]
            except: {queue.Empty: [{log: empty}]}
          - try: [{get: {queue: q, timeout: 1ms}}]
            except: {queue.Empty: [{log: empty}]}
          - try: [{get: {queue: s, block: false}}]
            except: {queue.Empty: [{log: empty}]}
          - try: [{get: {queue: s, timeout: 1ms}}]
            except: {Exception: [{log: empty}]}
          - log: "{q.empty()} {s.qsize()}"
        """,
        ["empty", "empty", "empty", "empty", "True 0"],
    ),
    "`task_done` too often is a ValueError": (
        """
        sync: {q: queue}
        main:
          - put: {queue: q, item: 1}
          - task_done: q
          - join_queue: q
          - try: [{task_done: q}]
            except: {ValueError: [{log: refused}]}
        """,
        ["refused"],
    ),
    "`join_queue` waits for every item to be dealt with": (
        """
        sync: {q: queue}
        threads: {worker: {daemon: true, do: [{while: true, do: [{get: {queue: q, into: i}}, {sleep: 5ms},
          {log: "{i}"}, {task_done: q}]}]}}
        main: [{start: worker}, {for: i, in: range(3), do: [{put: {queue: q, item: i}}]}, {join_queue: q},
          {log: joined}]
        """,
        ["0", "1", "2", "joined"],
    ),
    "items that cannot be compared are a TypeError of the put": (
        """
        sync: {q: {queue: {kind: priority}}}
        main:
          - put: {queue: q, item: 1}
          - try: [{put: {queue: q, item: "'a'"}}]
            except: {TypeError: [{log: refused}]}
        """,
        ["refused"],
    ),
    "a priority queue orders lists by their items": (
        """
        sync: {q: {queue: {kind: priority}}}
        main:
          - put: {queue: q, item: [2, "'a'"]}
          - put: {queue: q, item: [1, "'z'"]}
          - get: {queue: q, into: x}
          - log: "{x[1]}"
        """,
        ["z"],
    ),
    "what is put is a copy": (
        """
        sync: {q: queue}
        main: [{set: {items: "[1]"}}, {put: {queue: q, item: items}}, {append: {to: items, item: 2}}, {get: {queue: q,
          into: got}}, {log: "{got} {items}"}]
        """,
        ["[1] [1, 2]"],
    ),
}


@pytest.mark.parametrize("claim", QUEUES)
def test_queues_mean_what_they_mean_in_python(claim: str) -> None:
    """Queue, LifoQueue, PriorityQueue and SimpleQueue, corner by corner."""
    holds(QUEUES, claim)


POOLS: Cases = {
    "a future has its task's result, as often as it is asked": (
        """
        sync: {p: {pool: {max_workers: 1}}}
        behaviours: {double: {params: {x: {type: value}}, do: [{return: x * 2}]}, nothing: {do: []}}
        main:
          - submit: {pool: p, target: double, args: {x: 21}, into: f}
          - submit: {pool: p, target: nothing, into: g}
          - result: {future: f, into: a}
          - result: {future: f, into: b}
          - result: {future: g, into: c}
          - log: "{a} {b} {c} {f.done()}"
        """,
        ["42 42 None True"],
    ),
    "a task's exception is raised where its result is asked": (
        """
        sync: {p: {pool: {max_workers: 1}}}
        behaviours: {fails: {do: [{raise: "KeyError: gone"}]}}
        main:
          - submit: {pool: p, target: fails, into: f}
          - try: [{result: f}]
            except: {LookupError: [{log: "{error}"}]}
        """,
        ["gone"],
    ),
    "a result that takes too long is a TimeoutError, and can be asked again": (
        """
        sync: {p: {pool: {max_workers: 1}}, e: event}
        behaviours: {waits: {do: [{wait: e}, {return: 1}]}}
        main:
          - submit: {pool: p, target: waits, into: f}
          - try: [{result: {future: f, timeout: 1ms}}]
            except: {TimeoutError: [{log: "late {f.done()}"}]}
          - set_event: e
          - result: {future: f, into: x}
          - log: "{x}"
        """,
        ["late False", "1"],
    ),
    "a task's own TimeoutError is its result": (
        """
        sync: {p: {pool: {max_workers: 1}}}
        behaviours: {fails: {do: [{raise: "TimeoutError: mine"}]}}
        main:
          - submit: {pool: p, target: fails, into: f}
          - try: [{result: {future: f, timeout: 20s}}]
            except: {TimeoutError: [{log: "{error}"}]}
        """,
        ["mine"],
    ),
    "a pending future can be cancelled, and its result is CancelledError at once": (
        """
        sync: {p: {pool: {max_workers: 1}}, e: event, begun: event}
        behaviours: {waits: {do: [{set_event: begun}, {wait: e}]}, quick: {do: [{log: never}]}}
        main:
          - submit: {pool: p, target: waits, into: f}
          - submit: {pool: p, target: quick, into: g}
          - wait: begun
          - cancel: {future: f, into: running}
          - cancel: {future: g, into: pending}
          - cancel: {future: g, into: again}
          - try: [{result: g}]
            except:
              concurrent.futures.CancelledError: [{log: "{running} {pending} {again} {g.cancelled()} {g.done()}"}]
          - set_event: e
          - shutdown: p
          - cancel: {future: f, into: late}
          - log: "{late}"
        """,
        ["False True True True True", "False"],
    ),
    "who waits for a future is woken when it is cancelled": (
        """
        sync: {p: {pool: {max_workers: 1}}, e: event, asked: event}
        behaviours:
          waits: {do: [{wait: e}]}
          quick: {do: []}
          asks: {params: {f: {type: value}}, do: [{set_event: asked}, {try: [{result: f}],
            except: {CancelledError: [{log: cancelled}]}}]}
        main:
          - submit: {pool: p, target: waits, into: _f}
          - submit: {pool: p, target: quick, into: g}
          - spawn: {target: asks, args: {f: g}, into: t}
          - wait: asked
          - sleep: 20ms
          - cancel: {future: g}
          - join: t
          - set_event: e
        """,
        ["cancelled"],
    ),
    "a pool that was shut down takes no more tasks": (
        """
        sync: {p: {pool: {max_workers: 1}}}
        behaviours: {quick: {do: [{log: ran}]}}
        main:
          - with: p
            do: [{submit: {pool: p, target: quick, into: _f}}]
          - log: left
          - try: [{submit: {pool: p, target: quick, into: _f}}]
            except: {RuntimeError: [{log: refused}]}
          - shutdown: p
        """,
        ["ran", "left", "refused"],
    ),
    "a shutdown that does not wait lets the tasks go on": (
        """
        sync: {p: {pool: {max_workers: 1}}, e: event}
        behaviours: {waits: {do: [{wait: e}, {log: ran}]}}
        main:
          - repeat: 2
            do: [{submit: {pool: p, target: waits, into: _f}}]
          - shutdown: {pool: p, wait: false}
          - log: closed
          - set_event: e
        """,
        ["closed", "ran", "ran"],
    ),
    "a shutdown can cancel what has not begun": (
        """
        sync: {p: {pool: {max_workers: 1}}, e: event, begun: event}
        behaviours: {waits: {do: [{set_event: begun}, {wait: e}, {log: ran}]}, quick: {do: [{log: never}]}}
        main:
          - submit: {pool: p, target: waits, into: _f}
          - submit: {pool: p, target: quick, into: g}
          - wait: begun
          - shutdown: {pool: p, wait: false, cancel_futures: true}
          - log: "{g.cancelled()}"
          - set_event: e
          - shutdown: p
        """,
        ["True", "ran"],
    ),
    "a task may submit to its own pool": (
        """
        sync: {p: {pool: {max_workers: 2}}}
        behaviours:
          inner: {do: [{return: 1}]}
          outer: {do: [{submit: {pool: p, target: inner, into: f}}, {result: {future: f, into: x}}, {return: x + 1}]}
        main: [{submit: {pool: p, target: outer, into: f}}, {result: {future: f, into: x}}, {log: "{x}"}]
        """,
        ["2"],
    ),
    "a task cannot wait for its own pool": (
        """
        sync: {p: {pool: {max_workers: 1}}}
        behaviours: {closes: {do: [{shutdown: p}]}}
        main: [{submit: {pool: p, target: closes, into: f}}, {try: [{result: f}],
          except: {RuntimeError: [{log: refused}]}}]
        """,
        ["refused"],
    ),
    "`map` gives the results in the order of the items": (
        """
        sync: {p: {pool: {max_workers: 3}}}
        behaviours: {slow: {params: {x: {type: value}, plus: {type: value}}, do: [{if: x == 0, then: [{sleep: 20ms}]},
          {return: x + plus}]}}
        main: [{map: {pool: p, target: slow, over: range(4), as: x, args: {plus: 10}, into: results}},
          {log: "{results}"}]
        """,
        ["[10, 11, 12, 13]"],
    ),
}


@pytest.mark.parametrize("claim", POOLS)
def test_pools_mean_what_they_mean_in_python(claim: str) -> None:
    """ThreadPoolExecutor and its futures, corner by corner."""
    holds(POOLS, claim)


FAILING_MAP = """
sync: {p: {pool: {max_workers: 1}}}
behaviours: {picky: {params: {x: {type: value}}, do: [{log: "{x}"}, {if: x == 1, then: [{raise: "ValueError: one"}]},
  {sleep: 20ms}, {return: x}]}}
main:
  - try: [{map: {pool: p, target: picky, over: range(9), as: x, into: results}}, {log: "{results}"}]
    except: {ValueError: [{log: "{error}"}]}
  - shutdown: p
  - log: end
"""


def test_a_failure_in_map_cancels_what_has_not_begun() -> None:
    """Tasks that had begun go on to their end; nine items, at most one more than the failed one is run."""
    result, said = run(FAILING_MAP)
    assert said[:2] == ["0", "1"]
    assert "one" in said
    assert said[-1] == "end"
    assert not {"4", "5", "6", "7", "8"} & set(said)
    assert result.verdict == "holds"


def test_a_task_that_nobody_asks_is_reported_with_what_its_pool_swallowed() -> None:
    """Python would lose this exception without a word."""
    result, _ = run(
        """
        sync: {p: {pool: {max_workers: 1}}}
        behaviours: {fails: {do: [{raise: "ValueError: lost"}]}}
        main: [{submit: {pool: p, target: fails, into: _f}}, {shutdown: p}]
        """
    )
    assert result.verdict == "exception"
    assert result.findings[0].details == {"type": "ValueError", "text": "lost", "swallowed": True}


def test_a_map_without_into_asks_nobody() -> None:
    """The results are nobody's, so a failure is reported as swallowed."""
    result, said = run(
        """
        sync: {p: {pool: {max_workers: 1}}}
        behaviours: {picky: {params: {x: {type: value}}, do: [{log: "{x}"}, {assert: x != 1}]}}
        main: [{map: {pool: p, target: picky, over: range(3), as: x}}]
        """
    )
    assert said == ["0", "1", "2"]
    assert [finding.details["swallowed"] for finding in result.findings] == [True]


THREADS: Cases = {
    "a timer fires once, on a thread of its own": (
        """
        sync: {t: {timer: {after: 5ms, target: fires, args: {what: 7}}}}
        behaviours: {fires: {params: {what: {type: value}}, do: [{log: "{what} {name}"}]}}
        main: [{start: t}, {log: "{t.is_alive()}"}, {join: t}, {log: "{t.is_alive()}"}]
        """,
        ["True", "7 t", "False"],
    ),
    "a cancelled timer does not fire": (
        """
        sync: {t: {timer: {after: 20s, target: fires}}, u: {timer: {after: 1ms, target: fires}}}
        behaviours: {fires: {do: [{log: never}]}}
        main: [{start: t}, {cancel: t}, {join: t}, {cancel: u}, {start: u}, {join: u},
          {log: "{t.is_alive()} {u.is_alive()}"}]
        """,
        ["False False"],
    ),
    "cancelling a timer that has fired changes nothing": (
        """
        sync: {t: {timer: {after: 1ms, target: fires}}}
        behaviours: {fires: {do: [{log: fired}]}}
        main: [{start: t}, {join: t}, {cancel: t}, {log: end}]
        """,
        ["fired", "end"],
    ),
    "a timer and a thread start once": (
        """
        sync: {t: {timer: {after: 1ms, target: nothing}}}
        behaviours: {nothing: {do: []}}
        threads: {w: {target: nothing}}
        main:
          - start: t
          - try: [{start: t}]
            except: {RuntimeError: [{log: refused}]}
          - start: w
          - join: w
          - try: [{start: w}]
            except: {RuntimeError: [{log: refused}]}
        """,
        ["refused", "refused"],
    ),
    "a thread cannot join itself, nor one that was not started": (
        """
        threads: {w: {do: [{try: [{join: w}], except: {RuntimeError: [{log: refused}]}}]}}
        main:
          - try: [{join: w}]
            except: {RuntimeError: [{log: early}]}
          - start: w
          - join: w
          - join: w
        """,
        ["early", "refused"],
    ),
    "a join that times out leaves the thread alive": (
        """
        sync: {e: event}
        threads: {w: {do: [{wait: e}]}}
        main: [{log: "{w.is_alive()}"}, {start: w}, {join: {thread: w, timeout: 1ms}}, {log: "{w.is_alive()}"},
          {set_event: e}, {join: w}, {log: "{w.is_alive()}"}]
        """,
        ["False", "True", "False"],
    ),
    "a spawned thread is a value": (
        """
        sync: {e: event}
        behaviours: {waits: {params: {x: {type: value}}, do: [{wait: e}, {log: "{x} {name}"}]}}
        main:
          - spawn: {target: waits, args: {x: 1}, into: t}
          - log: "{t.is_alive()}"
          - set_event: e
          - join: t
          - log: "{t.is_alive()}"
        """,
        ["True", "1 waits#0", "False"],
    ),
    "who joins goes on after the other has ended": (
        """
        threads: {w: {do: [{log: w}]}}
        main: [{start: w}, {join: w}, {log: main}]
        """,
        ["w", "main"],
    ),
    "a group is started and joined whole, or one by one": (
        """
        threads: {w: {count: 2, do: [{log: "{name} {index}"}]}}
        main: [{start: "w[1]"}, {join: "w[1]"}, {start: "w[0]"}, {join: w}, {log: "{w[0].is_alive()}"}]
        """,
        ["w[1] 1", "w[0] 0", "False"],
    ),
}


@pytest.mark.parametrize("claim", THREADS)
def test_threads_and_timers_mean_what_they_mean_in_python(claim: str) -> None:
    """Thread and Timer, corner by corner."""
    holds(THREADS, claim)


def test_an_exception_leaves_one_thread_and_the_others_go_on() -> None:
    """The verdict is `exception`; the thread that joins it goes on, as in Python."""
    result, said = run(
        """
        threads: {w: {do: [{try: [{raise: "ValueError: x"}], finally: [{log: cleaned}]}, {log: never}]}}
        main: [{start: w}, {join: w}, {log: "{w.is_alive()}"}]
        """
    )
    assert said == ["cleaned", "False"]
    finding = result.findings[0]
    assert (result.verdict, finding.thread, finding.details["type"]) == ("exception", "w", "ValueError")


def test_an_exception_of_main_does_not_end_the_others() -> None:
    """As in Python, where the interpreter waits for non-daemon threads."""
    result, said = run('threads: {w: {do: [{sleep: 20ms}, {log: done}]}}\nmain: [{start: w}, {raise: "OSError: x"}]')
    assert said == ["done"]
    assert (result.verdict, result.findings[0].thread) == ("exception", "main")


def test_a_daemon_is_cut_off_before_its_next_step() -> None:
    """The run ends with main; the log says who was cut off."""
    lines: list[dict[str, Any]] = []
    text = """
scenario: s
sync: {begun: event}
threads: {d: {daemon: true, do: [{log: begun}, {set_event: begun}, {sleep: 60s}, {log: never}]}}
main: [{start: d}, {wait: begun}]
"""
    result = scenrun.run(load_source(decode("s.yaml", text.encode())), log=lines.append)
    assert result.verdict == "holds"
    assert [line["message"] for line in lines if line["event"] == "message"] == ["begun"]
    assert [line["thread"] for line in lines if line["event"] == "thread.cut_off"] == ["d"]
