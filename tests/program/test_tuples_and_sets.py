"""Tuples and sets as values: what they come to is what CPython gives, but for the order in which a set is gone through."""

from __future__ import annotations

import copy
import itertools
import json
import pickle
import random
from typing import Any

import pytest

import scenrun
from scenrun.program import values
from scenrun.program.sets import Set

MEMBERS = (0, 1, 2, -3, True, False, 1.0, 2.5, float("inf"), "a", "b", "", None, (1, 2), (1, "a"), (), ((1,), None))
WAYS = (scenrun.run, scenrun.simulate, scenrun.explore)


def test_operators_and_methods_are_those_of_pythons_sets() -> None:
    """On sets by chance of all kinds of members: their results, comparisons and members."""
    draw = random.Random(0)
    for _ in range(3_000):
        first, second = (draw.sample(MEMBERS, draw.randrange(6)) for _ in range(2))
        a, b, own_a, own_b = set(first), set(second), Set(first), Set(second)
        for op in ("__or__", "__and__", "__sub__", "__xor__", "union", "intersection", "difference"):
            assert set(getattr(own_a, op)(own_b)) == getattr(a, op)(b), (op, a, b)
        for op in ("__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__", "issubset", "issuperset", "isdisjoint"):
            assert getattr(own_a, op)(own_b) == getattr(a, op)(b), (op, a, b)
        assert len(own_a) == len(a)
        assert all((member in own_a) == (member in a) for member in MEMBERS)
        assert bool(own_a) == bool(a)


def test_the_order_is_that_of_the_members_alone() -> None:
    """However a set came about, and in whatever process."""
    for members in itertools.permutations(("b", 2, None, (1, "a"), 1.5)):
        assert list(Set(members)) == [1.5, 2, "b", None, (1, "a")]
        assert repr(Set(members)) == "{1.5, 2, 'b', None, (1, 'a')}"
        assert values.key(Set(members)) == values.key(Set(members[::-1]))
    assert repr(Set()) == "set()"
    assert values.key(Set([1])) != values.key(Set([True]))
    assert values.key((1, 2)) != values.key([1, 2]) != values.key(Set([1, 2]))


def test_a_set_is_no_member_and_no_key() -> None:
    with pytest.raises(TypeError, match="unhashable"):
        Set([Set()])
    with pytest.raises(TypeError, match="unhashable"):
        hash(Set())
    assert Set() not in Set([1])
    assert pickle.loads(pickle.dumps(Set([1, "a"]))) == Set([1, "a"])
    with pytest.raises(TypeError):
        assert Set() < [1]  # type: ignore[operator]


@pytest.mark.parametrize(
    "asked",
    [
        "(1, 2) < (1, 3) and (1,) + (2,) == (1, 2) and (0,) * 3 == (0, 0, 0)",
        "(1, 2) != [1, 2] and (1, [2])[1] == [2] and (1, 2, 3)[1:] == (2, 3) and len(()) == 0",
        "{1, 2} == {2, 1, 1} and {1} != [1] and {1} | {2} == {1, 2} and {1, 2} & {2} == {2} and {1, 2} - {2} == {1}",
        "{1} < {1, 2} and not {1} < {2} and {1} ^ {2} == {1, 2} and 1 in {1} and 3 not in {1}",
        "set() == set([]) and set('aba') == {'a', 'b'} and set(table) == {'k'} and tuple(table) == ('k',)",
        "list((1, 2)) == [1, 2] and tuple([1, 2]) == (1, 2) and list({2, 1}) == [1, 2] and list('ab') == ['a', 'b']",
        "{x % 2 for x in range(5)} == {0, 1} and sum({1, 2}) == 3 and sorted({3, 1}) == [1, 3] and max({1, 2}) == 2",
        "{1}.union([2, 3]) == {1, 2, 3} and {1, 2}.issuperset({1}) and {1}.isdisjoint([2]) and {1, 2}.difference((2,)) == {1}",
        "(1, 2, 1).count(1) == 2 and (1, 2).index(2) == 1 and (3, 4) in [(3, 4)] and {(3, 4): 5}[(3, 4)] == 5",
        "'%s %d' % ('a', 3) == 'a 3' and str((1,)) == '(1,)' and str(set()) == 'set()' and bool(()) is False",
        "random.choice((1,)) == 1 and any({0, 1}) and all(()) and [x for x in (1, 2)] == [1, 2] and tuple(range(2)) == (0, 1)",
    ],
)
def test_expressions_are_those_of_python(asked: str) -> None:
    """In a run, a simulation and a search; and where it draws nothing, in Python itself."""
    scenario = {"scenario": "values", "state": {"table": {"k": 1}}, "main": [{"assert": asked}, {"assert": "table"}]}
    for way in WAYS:
        assert way(scenario).verdict == "holds"
    assert eval(asked, {"table": {"k": 1}, "random": random})


@pytest.mark.parametrize(
    ("computed", "fault"),
    [
        ("{[1]}", "TypeError"), ("{{1}}", "TypeError"), ("{1} | [2]", "TypeError"), ("{1}[0]", "TypeError"),
        ("{1}.issubset(2)", "TypeError"), ("{set(): 1}", "TypeError"), ("(1, 2).index(3)", "ValueError"), ("set(5)", "TypeError"),
        ("(1,) * 10000000", "OverflowError"), ("random.choice({1})", "TypeError"), ("(1, 2)[5]", "IndexError"),
        ("'%d' % ('a',)", "TypeError"), ("[1].union([2])", "AttributeError"), ("{1} < 2", "TypeError"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_an_exception_of_the_same_kind(computed: str, fault: str) -> None:
    caught = {"try": [{"log": "{seen} {x}"}, {"set": {"x": computed}}], "except": {fault: [{"set": {"seen": True}}]}}
    scenario = {
        "scenario": "values", "state": {"seen": False, "x": None}, "main": [caught], "expect": {"final": ["seen"]},
    }  # fmt: skip
    for way in WAYS:
        assert way(scenario).verdict == "holds", computed


def test_items_of_queues_keep_their_kind() -> None:
    """A priority queue of tuples, as in Python's documentation of `queue`; a `for` over a set; items in the log as lists."""
    lines: list[dict[str, Any]] = []
    scenario = {
        "scenario": "jobs", "sync": {"jobs": {"queue": {"kind": "priority"}}}, "state": {"order": [], "seen": None},
        "threads": {
            "clerk": {
                "do": [
                    {"repeat": 3, "do": [{"get": {"queue": "jobs", "into": "job"}}, {"append": {"to": "order", "item": "job[1]"}}]},
                    {"set": {"seen": "set(order)"}},
                    {"for": "one", "in": "seen", "do": [{"log": "{one}"}]},
                ]
            }
        },
        "main": [
            *({"put": {"queue": "jobs", "item": item}} for item in ("(2, 'b')", "(1, 'c')", "(2, 'a')")),
            {"start": "clerk"}, {"join": "clerk"},
        ],
        "expect": {"final": ["order == ['c', 'a', 'b']", "seen == {'a', 'b', 'c'}"]},
    }  # fmt: skip
    for way in WAYS:
        assert way(copy.deepcopy(scenario)).verdict == "holds"
    result = scenrun.simulate(scenario, level="debug", log=lines.append)
    assert [line["message"] for line in lines if line["event"] == "message"] == ["a", "b", "c"]
    assert result.state["seen"] == Set("abc")
    (last,) = [line for line in lines if line["event"] == "run.finished"]
    assert json.loads(scenrun.trace.json_text.dumps(last["state"])) == {
        "order": ["c", "a", "b"],
        "seen": ["a", "b", "c"],
    }


def test_the_authors_python_gets_and_gives_pythons_own(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "taking_sets.py").write_text(
        "def both(given, pair):\n    assert type(given) is set and type(pair) is tuple\n    return given | {len(pair)}\n"
    )
    args = {"given": "{1, 5}", "pair": "(1, 2)"}
    call = {"call": {"function": "taking_sets:both", "args": args, "into": "seen"}}
    scenario = {
        "scenario": "calls", "state": {"seen": None}, "main": [call], "expect": {"final": ["seen == {1, 2, 5}"]},
    }  # fmt: skip
    assert scenrun.run(scenario, allow_python=True).verdict == "holds"


def test_names_of_files_are_theirs() -> None:
    """A variable may be called `list`, `set` or `tuple`: only calls of them have a meaning."""
    scenario = {
        "scenario": "named", "state": {"list": [1], "tuple": 2}, "main": [{"assert": "list(list) == [1] and tuple == 2"}],
    }  # fmt: skip
    assert scenrun.run(scenario).verdict == "holds"
