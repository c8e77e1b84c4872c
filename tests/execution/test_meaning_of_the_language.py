"""The language's own words mean what docs/reference.md says: parameters, draws, atomic, expectations, limits, calls."""

from __future__ import annotations

from pathlib import Path

import pytest
from real_runs import Cases, found, holds, run, verdict_of

import scenrun
from scenrun.language.source import decode
from scenrun.program.loaded import load_source

BEHAVIOURS: Cases = {
    "parameters of each type": (
        """
        sync: {q: queue}
        state: {total: 0}
        behaviours:
          typed:
            params:
              n: int
              f: float
              sure: bool
              s: str
              d: duration
              v: {type: value}
              out: {type: variable}
              to: {type: queue}
              e: {type: event, default: null}
              m: {type: int, default: 4}
            do:
              - sleep: d
              - set: {out: n + m}
              - put: {queue: to, item: v}
              - log: "{f} {sure} {s} {e is None}"
        main:
          - set: {three: 3}
          - run: {target: typed, args: {n: three, f: 1.5, sure: true, s: hello, d: 1us, v: [1, 2], out: total, to: q}}
          - get: {queue: q, into: item}
          - log: "{total} {item}"
        """,
        ["1.5 True hello True", "7 [1, 2]"],
    ),
    "an expression is evaluated at each use, with the caller's names; a value once": (
        """
        state: {n: 1}
        behaviours:
          bumps: {do: [{set: {n: n + 1}}]}
          shows: {params: {e: {type: expression}, v: {type: value}}, do: [{log: "{e} {v}"}, {run: bumps},
            {log: "{e} {v}"}]}
        main: [{set: {k: 10}}, {run: {target: shows, args: {e: n + k, v: n + k}}}]
        """,
        ["11 11", "12 11"],
    ),
    "a parameter that is assigned stays the behaviour's own": (
        """
        behaviours: {counts: {params: {n: int}, do: [{set: {n: n + 1}}, {return: n}]}}
        main: [{set: {n_: 1}}, {run: {target: counts, args: {n: n_}, into: m}}, {log: "{n_} {m}"}]
        """,
        ["1 2"],
    ),
    "a value for a new thread is computed by its maker's names at that time": (
        """
        behaviours: {says: {params: {x: {type: value}}, do: [{log: "{x}"}]}}
        main:
          - for: i
            in: range(3)
            do: [{spawn: {target: says, args: {x: i * i}, into: t}}, {join: t}]
        """,
        ["0", "1", "4"],
    ),
    "arrays of every kind": (
        """
        sync:
          a: {lock: {count: 2}}
          r: {rlock: {count: 2}}
          s: {semaphore: {count: 2, value: 1}}
          b: {bounded_semaphore: {count: 2}}
          c: {condition: {count: 2}}
          e: {event: {count: 2}}
          g: {barrier: {count: 2, parties: 1}}
          q: {queue: {count: 2}}
          p: {pool: {count: 2, max_workers: 1}}
          t: {timer: {count: 2, after: 1ms, target: says}}
        behaviours: {says: {do: [{set_event: "e[1]"}]}}
        main:
          - for: i
            in: range(2)
            do:
              - with: "a[i]"
                do: [{with: "r[i]", do: [{with: "s[i]", do: [{with: "b[i]", do: [{with: "c[i]",
                  do: [{notify: "c[i]"}]}]}]}]}]
              - wait: "g[i]"
              - put: {queue: "q[i]", item: i}
              - submit: {pool: "p[i]", target: says, into: f}
              - result: f
          - start: t[1]
          - join: t[1]
          - wait: e[1]
          - acquire: a[0]
          - log: "{a[0].locked()} {a[1].locked()} {e[0].is_set()} {e[1].is_set()} {q[1].qsize()}"
        """,
        ["True False False True 1"],
    ),
    "an index out of range is an IndexError": (
        """
        sync: {a: {lock: {count: 2}}}
        main: [{set: {i: 2}}, {try: [{acquire: "a[i]"}], except: {IndexError: [{log: refused}]}}]
        """,
        ["refused"],
    ),
}


@pytest.mark.parametrize("claim", BEHAVIOURS)
def test_parameters_and_arrays_mean_what_the_language_says(claim: str) -> None:
    """How a behaviour gets its arguments, and objects in rows."""
    holds(BEHAVIOURS, claim)


def test_a_duration_that_is_a_distribution_is_drawn_at_each_use() -> None:
    """Two sleeps of one parameter last differently, and the same again under the same seed."""
    text = """
    behaviours: {naps: {params: {d: duration}, do: [{sleep: d}, {log: "{random.randint(1, 1000000)}"}, {sleep: d},
      {log: "{random.randint(1, 1000000)}"}]}}
    threads: {w: {target: naps, args: {d: {uniform: [1us, 1ms]}}}}
    """
    assert run(text, seed=1)[1] == run(text, seed=1)[1]
    assert run(text, seed=1)[1] != run(text, seed=2)[1]


DRAWS = """
threads: {w: {count: 3, do: [{repeat: 4, do: [{choose: {from: [1, 2, 3, 4, 5], into: x}},
  {log: "{name} {x} {random.hex(4)}"}]}]}}
"""


def test_draws_depend_on_seed_and_thread_alone() -> None:
    """The same seed gives each thread the same draws however the threads are scheduled; threads differ."""
    one, again, other = (sorted(run(DRAWS, seed=seed)[1]) for seed in (5, 5, 6))
    assert one == again
    assert one != other
    first, second = ([line.split(" ", 1)[1] for line in one if line.startswith(name)] for name in ("w[0]", "w[1]"))
    assert first != second


def test_choose_takes_each_alternative_sooner_or_later() -> None:
    """Forty draws of two alternatives hit both; the alternative not taken is not evaluated."""
    _, said = run('main: [{repeat: 40, do: [{choose: {from: ["\'a\'", "\'b\'"], into: x}}, {log: "{x}"}]}]')
    assert set(said) == {"a", "b"}


def test_atomic_steps_are_seen_whole() -> None:
    """No other thread and no `always` sees the state between two steps of an atomic one."""
    result, said = run(
        """
        state: {a: 0, b: 0, torn: 0}
        threads:
          mover: {count: 2, do: [{repeat: 200, do: [{atomic: [{set: {a: a + 1}}, {set: {b: b + 1}}]}]}]}
          looker: {do: [{repeat: 200, do: [{atomic: [{if: a != b, then: [{set: {torn: torn + 1}}]}]}]}]}
        main: [{start: mover}, {start: looker}, {join: mover}, {join: looker}, {log: "{a} {b} {torn}"}]
        expect: {always: ["a == b"]}
        """
    )
    assert said == ["400 400 0"]
    assert result.verdict == "holds"


def test_always_is_checked_wherever_a_step_changes_what_it_names() -> None:
    """A state that lasts for one step is seen; questions of primitives are not checked on real threads."""
    text = """
    sync: {a: lock}
    state: {x: 0, y: 0}
    main: [{set: {x: 5}}, {set: {x: 0}}, {set: {y: 1}}, {with: a, do: []}]
    expect: {always: ["x < 5", "y <= 1", "not a.locked()"], verdict: violated}
    """
    assert found(text) == {"x < 5": "violated", "y <= 1": "holds", "not a.locked()": "not_checked"}


def test_an_always_is_reported_once() -> None:
    """However often it is broken."""
    result, _ = run("state: {x: 0}\nmain: [{repeat: 5, do: [{set: {x: x - 1}}]}]\nexpect: {always: [x >= 0]}")
    assert [(f.kind, f.thread) for f in result.findings] == [("violated", "main")]


def test_inside_counts_the_threads_in_a_section() -> None:
    """A section is left on every way out, and an `always` over it is checked."""
    text = """
    sync: {met: {barrier: {parties: 2}}}
    threads: {w: {count: 2, do: [{try: [{section: critical, do: [{wait: met}, {raise: "ValueError: out"}]}],
      except: {ValueError: []}}]}}
    expect: {always: ['inside("critical") <= 1'], final: ['inside("critical") == 0'], verdict: violated}
    """
    assert found(text) == {'inside("critical") <= 1': "violated", 'inside("critical") == 0': "holds"}


def test_final_is_not_reached_where_the_run_did_not_end_by_itself() -> None:
    """After a deadlock nothing is said of `final`."""
    text = "sync: {e: event}\nstate: {x: 0}\nmain: [{set: {x: 1}}, {wait: e}]\nexpect: {final: [x == 1]}"
    assert found(text) == {"x == 1": "not_reached"}


@pytest.mark.parametrize(
    ("judge", "verdict"),
    [
        ("allowed: [[1, 2]]", "holds"),
        ("allowed: [[2, 1], [0, 0]]", "violated"),
        ("forbidden: [[1, 2]]", "violated"),
        ("forbidden: [[2, 1]]", "holds"),
    ],
)
def test_outcomes_are_judged(judge: str, verdict: str) -> None:
    """What is observed at the end must be among the allowed, and not among the forbidden."""
    text = f"state: {{x: 0, y: 0}}\nmain: [{{set: {{x: 1, y: 2}}}}]\nexpect: {{outcomes: {{observe: [x, y], {judge}}}}}"
    result, _ = run(text)
    assert result.outcome == (1, 2)
    assert result.verdict == verdict


@pytest.mark.parametrize("limits", ["{time: 100ms}", "{steps: 1000}"])
def test_a_limit_makes_the_run_incomplete(limits: str) -> None:
    """Past a limit the run is ended cleanly, and every thread is shown with what it does."""
    text = f"limits: {limits}\nthreads: {{w: {{do: [{{while: true, do: [{{sleep: 50us}}]}}]}}}}"
    result, _ = run(text, time_limit=None)
    assert result.verdict == "incomplete"
    assert {stuck.thread for stuck in result.findings[0].threads} == {"main", "w"}
    assert not result.complete


FUNCTIONS = '''"""Functions that a scenario calls."""


def add(a: int, b: int = 1) -> int:
    """A sum."""
    return a + b


def fail() -> None:
    """An exception of Python's."""
    raise FileNotFoundError("nothing here")
'''


def test_call_runs_the_author_s_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Arguments by name, the result, and an exception that can be caught by its base."""
    (tmp_path / "called_by_scenario.py").write_text(FUNCTIONS)
    monkeypatch.syspath_prepend(str(tmp_path))
    text = """
    main:
      - call: {function: "called_by_scenario:add", args: {a: 2 + 3}, into: x}
      - log: "{x}"
      - try: [{call: "called_by_scenario:fail"}]
        except: {OSError: [{log: "{error}"}]}
    """
    assert run(text, allow_python=True)[1] == ["6", "nothing here"]
    with pytest.raises(scenrun.ScenarioError, match="allow-python"):
        run(text)


def test_what_only_a_search_can_say_is_not_checked_by_a_run() -> None:
    """`race: never` and `required` outcomes are neither confirmed nor refuted."""
    text = """
scenario: x
state: {n: 0}
threads: {a: {do: [{set: {n: 1}}]}}
expect: {race: never, outcomes: {observe: [n], required: [[1]]}}
"""
    result = scenrun.run(load_source(decode("x.yaml", text.encode())))
    assert result.verdict == "holds"
    assert [(c.what, c.found) for c in result.expectations[:2]] == [
        ("race", "not_checked"),
        ("outcomes required", "not_checked"),
    ]


def test_each_run_of_a_behaviour_begins_without_the_locals_of_the_one_before() -> None:
    """As each call of a Python function does: a local that this run has not set has no value."""
    text = """
scenario: x
behaviours:
  once:
    params: {give: value}
    do:
      - if: give
        then: [{set: {mine: 1}}]
      - log: "{mine}"
main:
  - for: i
    in: range(2)
    do: [{run: {target: once, args: {give: i == 0}}}]
expect: {verdict: exception}
"""
    result = scenrun.run(load_source(decode("x.yaml", text.encode())))
    assert result.verdict == "exception"
    assert "UnboundLocalError: `mine` has no value yet" in result.findings[0].message


REVIEWED = {
    "a variable parameter may be an item, read and written": """
        scenario: x
        state: {counts: [5, 6]}
        behaviours: {bump: {params: {v: variable}, do: [{set: {mine: v}}, {set: {v: mine + 1}}]}}
        threads: {t: {target: bump, args: {v: "counts[0]"}}}
        expect: {final: ["counts == [6, 6]"]}
        """,
    "a returned item is read before the cleanups": """
        scenario: x
        state: {items: [10, 20], i: 0, got: 0}
        behaviours:
          b: {do: [{try: [{return: "items[i]"}], finally: [{set: {i: 1}}]}]}
        main: [{run: {target: b, into: r}}, {set: {got: r}}]
        expect: {final: ["got == 10"]}
        """,
    "a fault of a returned expression is raised inside the with": """
        scenario: x
        sync: {guard: lock}
        state: {items: [1], text: null}
        behaviours: {b: {do: [{with: guard, do: [{return: "items[9]"}]}]}}
        main:
          - try: [{run: b}]
            except: {IndexError: [{set: {text: error}}]}
        expect: {final: ["text is not None", "not guard.locked()"]}
        """,
    "no local shadows an object": """
        scenario: x
        sync: {guard: lock}
        main: [{set: {o0: 1}}, {with: guard, do: [{log: "{o0}"}]}]
        """,
    "a range in a part of an expression becomes a list": """
        scenario: x
        state: {total: 1, k: 1}
        main: [{set: {x: "range(3) if k > 0 else [total]"}}, {assert: "x == [0, 1, 2]"}]
        """,
    "a value parameter may be assigned, whatever it was given": """
        scenario: x
        state: {out: 0}
        behaviours:
          outer: {params: {m: value}, do: [{run: {target: inner, args: {n: m}}}]}
          inner: {params: {n: value}, do: [{set: {n: n + 1}}, {set: {out: n}}]}
        main: [{run: {target: outer, args: {m: 3}}}]
        expect: {final: ["out == 4"]}
        """,
    "a way out of an atomic step runs the steps of an outer finally": """
        scenario: x
        state: {n: 0}
        threads:
          t: {do: [{try: [{atomic: [{set: {n: n + 1}}, return]}], finally: [{sleep: 1ms}]}]}
        """,
    "a thread that a variable parameter holds can be joined": """
        scenario: x
        behaviours:
          wait_for_it: {params: {v: variable}, do: [{join: v}]}
        main: [{spawn: {target: worker, args: {duration: 1ms}, into: t}}, {run: {target: wait_for_it, args: {v: t}}}]
        """,
    "behaviours stop by an event called stop where main sets it": """
        scenario: x
        sync: {stop: event, q: queue}
        threads: {p: {target: producer, args: {queue: q, every: 1ms}}}
        main: [{start: p}, {sleep: 5ms}, {set_event: stop}, {join: p}]
        """,
}


@pytest.mark.parametrize("claim", REVIEWED)
def test_what_a_reader_expects_of(claim: str) -> None:
    """Each scenario holds; its claim is its name."""
    result = verdict_of(REVIEWED[claim])
    assert result.verdict == "holds", result.findings


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ('[{if: "False", then: [{set: {x: 1}}]}, {log: "{x}"}]', "UnboundLocalError: `x` has no value yet"),
        (
            '[{set: {x: 2, s: 1}}, {repeat: 16, do: [{set: {x: "x * x if x > 0 else s"}}]}, {log: "{x}"}]',
            "OverflowError",
        ),
    ],
)
def test_a_slip_in_a_thread_is_a_fault_of_the_scenario(steps: str, said: str) -> None:
    """Never an error of scenrun's."""
    result = verdict_of(f"scenario: x\nstate: {{s: 0}}\nmain: {steps}\nexpect: {{final: ['s >= 0']}}\n")
    assert result.verdict == "exception"
    assert said in result.findings[0].message


def test_always_begins_with_the_first_state() -> None:
    """Also where no step changes anything."""
    result = verdict_of("scenario: x\nstate: {x: 0}\nmain: [{log: '{x}'}]\nexpect: {always: ['x == 1']}\n")
    assert result.verdict == "violated"
    assert "broken by the initial state" in result.findings[0].message


def test_an_endless_group_need_not_end() -> None:
    """At its limit of time a run whose other threads have ended holds."""
    text = """
        scenario: x
        limits: {time: 200ms}
        threads:
          beat: {endless: true, do: [{while: true, do: [{sleep: 1ms}]}]}
          once: {do: [{log: "done"}]}
        """
    assert verdict_of(text).verdict == "holds"
    assert verdict_of(text.replace("endless: true, ", "")).verdict == "incomplete"


def test_a_step_on_an_object_that_is_none_is_a_fault() -> None:
    """Only `with` takes none for nothing to hold."""
    text = """
        scenario: x
        behaviours: {b: {params: {e: {type: event, default: null}}, do: [{wait: e}]}}
        threads: {t: {target: b}}
        expect: {verdict: exception}
        """
    assert "`wait` of `e`, which is none here" in verdict_of(text).findings[0].message
