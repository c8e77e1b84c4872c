"""Flow, expressions, values and shared variables mean what the same lines of Python mean."""

from __future__ import annotations

from typing import Any

import pytest
from real_runs import Cases, holds, run
from this_python import told_by_python

import scenrun
from scenrun.language.source import decode
from scenrun.program.loaded import load_source

FLOW: Cases = {
    "`else` where nothing was raised, `finally` in any case": (
        """
        main:
          - for: i
            in: range(2)
            do:
              - try: [{log: "try {i}"}, {if: i, then: [{raise: "ValueError: no"}]}]
                except: {ValueError: [{log: "except {error}"}]}
                else: [{log: else}]
                finally: [{log: finally}]
        """,
        ["try 0", "else", "finally", "try 1", "except no", "finally"],
    ),
    "an exception of `else` is not caught by its `except`": (
        """
        main:
          - try:
              - try: []
                except: {ValueError: [{log: wrong}]}
                else: [{raise: "ValueError: else"}]
            except: {ValueError: [{log: "{error}"}]}
        """,
        ["else"],
    ),
    "`break`, `continue` and `return` go through `finally`, from the inside out": (
        """
        behaviours:
          leaves:
            do:
              - for: i
                in: range(5)
                do:
                  - try:
                      - try: [{if: i == 0, then: [{continue: null}]}, {if: i == 1, then: [{return: i * 10}]}]
                        finally: [{log: "inner {i}"}]
                    finally: [{log: "outer {i}"}]
        main:
          - run: {target: leaves, into: x}
          - log: "{x}"
          - while: true
            do: [{try: [{break: null}], finally: [{log: broken}]}]
        """,
        ["inner 0", "outer 0", "inner 1", "outer 1", "10", "broken"],
    ),
    "a value is computed before `finally` runs": (
        """
        state: {x: 1}
        behaviours: {gives: {do: [{try: [{return: x}], finally: [{set: {x: 2}}]}]}}
        main: [{run: {target: gives, into: y}}, {log: "{y} {x}"}]
        """,
        ["1 2"],
    ),
    "a `return` in `finally` swallows the exception": (
        """
        behaviours: {swallows: {do: [{try: [{raise: "ValueError: gone"}], finally: [{return: 5}]}]}}
        main: [{run: {target: swallows, into: y}}, {log: "{y}"}]
        """,
        ["5"],
    ),
    "an exception in `finally` replaces the one before": (
        """
        main:
          - try:
              - try: [{raise: "ValueError: first"}]
                finally: [{raise: "KeyError: second"}]
            except: {ValueError: [{log: first}], KeyError: [{log: "{error}"}]}
        """,
        ["second"],
    ),
    "the first fitting `except` takes it, by Python's hierarchy": (
        """
        main:
          - try: [{set: {x: "{'a': 1}['b']"}}, {log: "{x}"}]
            except: {ArithmeticError: [{log: wrong}], LookupError: [{log: lookup}], KeyError: [{log: late}]}
          - try: [{set: {x: 1 // 0}}, {log: "{x}"}]
            except: {ArithmeticError: [{log: "{error}"}]}
          - try: [{raise: "queue.Empty: x"}]
            except: {queue.Full: [{log: wrong}], Exception: [{log: any}]}
          - try: [{raise: "threading.BrokenBarrierError: x"}]
            except: {RuntimeError: [{log: runtime}]}
          - try: [{raise: "Mine: own"}]
            except: {RuntimeError: [{log: wrong}], Mine: [{log: "{error}"}]}
        """,
        ["lookup", told_by_python("1 // 0"), "any", "runtime", "own"],
    ),
    "an exception in `except` is not caught by its neighbours": (
        """
        main:
          - try:
              - try: [{raise: "KeyError: a"}]
                except: {KeyError: [{raise: "ValueError: b"}], ValueError: [{log: wrong}]}
            except: {ValueError: [{log: "{error}"}]}
        """,
        ["b"],
    ),
    "an exception passes through `run` to the caller": (
        """
        behaviours: {fails: {do: [{raise: "ValueError: inside"}]}}
        main: [{try: [{run: {target: fails}}, {log: never}], except: {ValueError: [{log: "{error}"}]}}]
        """,
        ["inside"],
    ),
    "an assertion can be caught": (
        """
        main:
          - try: [{assert: {that: 1 > 2, message: "one is {1}"}}]
            except: {AssertionError: [{log: "{error}"}]}
          - assert: 1 < 2
        """,
        ["one is 1"],
    ),
    "`for` goes through the items as they were": (
        """
        main:
          - set: {items: "[1, 2]", i: 0}
          - for: i
            in: items
            do: [{append: {to: items, item: i + 10}}]
          - log: "{items} {i}"
          - for: i
            in: "[]"
            do: []
          - log: "{i}"
          - for: key
            in: "{'b': 1, 'a': 2}"
            do: [{log: "{key}"}]
          - for: letter
            in: "'xy'"
            do: [{log: "{letter}"}]
        """,
        ["[1, 2, 11, 12] 2", "2", "b", "a", "x", "y"],
    ),
    "`repeat` counts once, and a negative number is none": (
        """
        main:
          - set: {n: 2}
          - repeat: n
            do: [{set: {n: n + 5}}, {log: "{n}"}]
          - repeat: 0 - 3
            do: [{log: never}]
          - repeat: 0
            do: [{log: never}]
        """,
        ["7", "12"],
    ),
    "`while` asks before each turn": (
        """
        state: {n: 0}
        main:
          - while: n < 3
            do: [{set: {n: n + 1}}, {if: n == 2, then: [{continue: null}]}, {log: "{n}"}]
          - while: n < 3
            do: [{log: never}]
        """,
        ["1", "3"],
    ),
    "a behaviour without `return` gives None": (
        """
        behaviours: {quiet: {do: []}}
        main: [{run: {target: quiet, into: x}}, {log: "{x}"}]
        """,
        ["None"],
    ),
}


@pytest.mark.parametrize("claim", FLOW)
def test_flow_means_what_it_means_in_python(claim: str) -> None:
    """Exceptions, loops and returns, corner by corner."""
    holds(FLOW, claim)


def test_an_assertion_that_leaves_its_thread_is_a_violation() -> None:
    """Not an `exception`: an expectation of the author's is broken."""
    result, _ = run('state: {x: 1}\nthreads: {w: {do: [{assert: {that: x == 2, message: "x is {x}"}}]}}')
    assert (result.verdict, result.findings[0].details["text"]) == ("violated", "x is 1")


def test_an_unknown_local_is_python_s_error() -> None:
    """A local that no step has assigned yet is an UnboundLocalError, by its name in the file."""
    result, _ = run("main: [{if: 1 > 2, then: [{set: {x: 1}}]}, {log: '{x}'}]")
    details = result.findings[0].details
    assert (details["type"], details["text"]) == ("UnboundLocalError", "`x` has no value yet")


EXPRESSIONS = [
    "1 < 2 < 3", "3 > 2 > 2", "1 < 3 > 2 != 1", "not 0 or 1 // 0", "[] and 1 // 0", "0 or '' or 'x'", "1 if [] else 2",
    "7 // -2", "-7 % 3", "2 ** -1", "7 / 2", "True + True", "1 == 1.0", "'1' == 1", "[1, 2] + [3]", "'ab' * 2",
    "[0] * 3",
    "5 & 3 | 8 ^ 1", "~5", "1 << 10 >> 3", "'b' in {'b': 1}", "2 not in [1]", "None is None", "len([]) is not None",
    "[1, [2, 3]][1][-1]", "{'a': [1]}['a'][0]", "len('abc')", "min(3, 1, 2)", "max([4, 9])", "abs(-3)", "sum([1, 2])",
    "sorted([3, 1, 2])", "int('12')", "int(2.9)", "float('1.5')", "str(12)", "bool([])", "round(2.5)",
    "round(2.567, 1)",
    "any([0, 1])", "all([])", "-2 ** 2", "not 1 == 2", "'a' < 'b'", "[1, 2] < [1, 3]", "0.1 + 0.2",
    "round(-0.5)", "'x' 'y'", "1_000", "0x10", "True and 'yes'", "'abc'[1]", "'abc'[-1]", "+3", "1 + 2 * 3 - 4",
]  # fmt: skip


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_has_the_value_that_python_gives_it(expression: str) -> None:
    """The value and its type, as Python's own `eval` finds them."""
    expected = eval(expression)
    result, said = run(f'state: {{x: null}}\nmain:\n  - set: {{x: "{expression}"}}\n  - log: "{{x}}"\n')
    assert said == [str(expected)]
    assert (result.state["x"], type(result.state["x"])) == (expected, type(expected))


@pytest.mark.parametrize("expression", [*EXPRESSIONS, "[1, 2][x]", "'ab'[x] + ['c'][x - 1]", "1 < x"])
def test_an_expectation_has_the_value_that_python_gives_it(expression: str) -> None:
    """In a run, in a simulation and in a search, with its type."""
    expected = eval(expression, {"x": 1})
    scenario: dict[str, Any] = {"scenario": "e", "state": {"x": 1}, "main": [{"log": "{x}"}]}
    scenario["expect"] = {"outcomes": {"observe": [expression], "forbidden": [["nothing like it"]]}}
    for outcome in (
        scenrun.run(scenario).outcome, scenrun.simulate(scenario).outcome, scenrun.explore(scenario).outcomes[0],
    ):  # fmt: skip
        assert outcome is not None
        assert (outcome[0], type(outcome[0])) == (expected, type(expected))


VALUES: Cases = {
    "assignment copies": (
        """
        state: {shared: [1]}
        main: [{set: {mine: shared}}, {append: {to: mine, item: 2}}, {append: {to: shared, item: 3}},
          {log: "{mine} {shared}"}]
        """,
        ["[1, 2] [1, 3]"],
    ),
    "a part that is assigned is the named one's": (
        """
        state: {grid: [[0, 0], [0, 0]]}
        main:
          - set: {row: "grid[0]", "grid[0][1]": 5}
          - set: {"row[0]": 9}
          - log: "{grid} {row}"
          - pop: {from: "grid[0]", into: x}
          - pop: {from: grid, at: 1, into: y}
          - log: "{grid} {x} {y}"
        """,
        ["[[0, 5], [0, 0]] [9, 0]", "[[0]] 5 [0, 0]"],
    ),
    "a mapping takes and loses keys": (
        """
        main:
          - set: {m: "{'a': 1}"}
          - set: {"m['b']": 2}
          - pop: {from: m, at: "'a'", into: x}
          - log: "{m} {x}"
          - try: [{pop: {from: m, at: "'a'"}}]
            except: {KeyError: [{log: "{error}"}]}
          - try: [{set: {l: "[]"}}, {pop: {from: l}}]
            except: {IndexError: [{log: empty}]}
        """,
        ["{'b': 2} 1", "'a'", "empty"],
    ),
    "arguments and results copy": (
        """
        behaviours: {grows: {params: {items: {type: value}}, do: [{append: {to: items, item: 9}}, {return: items}]}}
        main: [{set: {mine: "[1]"}}, {run: {target: grows, args: {items: mine}, into: more}}, {log: "{mine} {more}"}]
        """,
        ["[1] [1, 9]"],
    ),
    "several names are set in the order written": (
        """
        main: [{set: {a: 1, b: a + 1}}, {set: {a: b, b: a}}, {log: "{a} {b}"}]
        """,
        ["2 2"],
    ),
}


@pytest.mark.parametrize("claim", VALUES)
def test_lists_and_mappings_are_values(claim: str) -> None:
    """Where the language departs from Python, it does as it says."""
    holds(VALUES, claim)


def accesses(expression: str) -> list[str]:
    """The shared variables that an expression reads, in order."""
    lines: list[dict[str, Any]] = []
    head = "scenario: s\nstate: {a: 0, b: 1, c: 2, l: [5, 6]}\nmain:\n"
    text = f'{head}  - set: {{x: "{expression}"}}\n  - log: "{{x}} {{a}} {{b}} {{c}} {{l}}"\n'
    scenrun.run(load_source(decode("s.yaml", text.encode())), log=lines.append, level="debug")
    return [line["object"] for line in lines if line["event"] == "variable.read" and line["line"] == 4]


@pytest.mark.parametrize(
    ("expression", "read"),
    [
        ("a + b * c", ["a", "b", "c"]),
        ("a and b", ["a"]),
        ("b and a and c", ["b", "a"]),
        ("a or b or c", ["a", "b"]),
        ("a < b < c", ["a", "b", "c"]),
        ("b < a < c", ["b", "a"]),
        ("a if b else c", ["b", "a"]),
        ("c if a else b", ["a", "b"]),
        ("l[a] + b", ["l", "a", "b"]),
        ("[c, a, max(b, a)]", ["c", "a", "b", "a"]),
        ("a + a", ["a", "a"]),
    ],
)
def test_shared_variables_are_read_in_python_s_order(expression: str, read: list[str]) -> None:
    """Each read is a step of its own, and what short-circuits is not read."""
    assert accesses(expression) == read
