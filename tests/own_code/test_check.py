"""`check`: classes of which it is known whether they are thread-safe, what it says of them, and the scenario that it writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import classes_to_check as classes
import odd_classes as odd
import pytest
from click.testing import CliRunner

import scenrun
from scenrun.errors import UsageError
from scenrun.interface.cli.check import check_command
from scenrun.own_code.checking import check_class as programs_of_a_check
from scenrun.own_code.checking import stress
from scenrun.own_code.checking.arguments import given_calls
from scenrun.own_code.checking.check_class import CheckRequest, check_class, subject_of
from scenrun.own_code.checking.judging import Judge
from scenrun.own_code.histories.operations import Operation
from scenrun.own_code.searching.alone import Alone, Came, Order
from scenrun.own_code.searching.call_executions import CallProgram

MOST = {classes.Buffer: 8}
"""Programs of a shape, where one is not enough to show what is wrong."""


def request(cls: Any, **more: Any) -> CheckRequest:
    """A small check."""
    module = getattr(cls, "__module__", "odd_classes")
    return CheckRequest(f"{module}:{getattr(cls, '__name__', cls)}", **{"time_limit": None, "most": 1, **more})


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Checks of up to two calls in one thread and one in another; more by hand."""
    monkeypatch.setattr(programs_of_a_check, "SHAPES", ((1, 1), (2, 1)))
    monkeypatch.setattr(programs_of_a_check, "ROUNDS", 10)


@pytest.mark.parametrize("cls", classes.KNOWN, ids=lambda cls: cls.__name__)
def test_known_classes_are_judged(cls: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    if cls is classes.Buffer:
        monkeypatch.setattr(programs_of_a_check, "SHAPES", ((1, 1), (1, 1, 1)))
    found = check_class(request(cls, most=MOST.get(cls, 1)))
    assert found.verdict == classes.KNOWN[cls], str(found)
    assert not found.left_out


def test_a_finding_tells_the_calls_and_what_was_allowed() -> None:
    found = check_class(request(classes.Counter))
    text = str(found)
    assert "o.add() || o.add()" in text
    assert "o.add() -> 1, then o.add() -> 2" in text
    assert "add    itself" in text
    assert "value  none of the others" in text


def test_one_object_for_all_and_one_for_each_are_told_apart() -> None:
    """Which of two like objects a pool gave to whom does not matter; that it gave one to both does."""
    assert check_class(request(classes.LockedPool)).verdict == "thread-safe"
    found = check_class(request(classes.Pool)).failing[0]
    assert found.seen[:2] == ("a: o.take() -> <Made A>", "b: o.take() -> <Made A>")


def test_a_result_that_changes_afterwards_is_compared_by_its_type() -> None:
    assert check_class(request(classes.Snapshots)).by_type == ("o.all()",)


def test_what_waits_may_hold_up_others() -> None:
    """A writer that waits for a reader, and a reader that waits for the writer: no fault, and no proof either."""
    found = check_class(request(odd.WriterFirst))
    assert found.verdict == "incomplete"
    assert any("perhaps for it" in why for shape in found.shapes for why, _ in shape.open)


def test_what_belongs_to_a_thread_is_no_fault() -> None:
    """Only who holds it gives it back; one call after another, too, each call is one of its own thread."""
    assert check_class(request(odd.Owned)).verdict == "thread-safe"


def test_calls_alone_are_made_in_their_order_each_by_its_own_thread() -> None:
    add, value = Operation("add"), Operation("value")
    alone = Judge(subject_of(request(classes.Counter))).alone(CallProgram((), finals=(value,)))
    (came,) = alone.came_of((("b", add), ("a", value), ("b", add)))
    assert came == ((1, 1, 2), (2,))
    taken, given = Operation("take"), Operation("give_back")
    alone = Judge(subject_of(request(odd.Owned))).alone(CallProgram(()))
    (others,) = alone.came_of((("a", taken), ("b", taken), ("b", given)))
    assert [str(one) for one in others.results[1:]] == ["Of(type='bool', value='False')", "RuntimeError"]


def test_a_specification_says_what_is_right() -> None:
    assert check_class(request(classes.LockedCounter, spec="classes_to_check:Counter")).verdict == "thread-safe"
    with pytest.raises(UsageError, match="something else than the class, also where one thread uses them"):
        check_class(request(classes.LockedCounter, spec="odd_classes:Backwards"))


def test_operations_are_given() -> None:
    found = check_class(request(classes.Cache, operations=("get('a')", "put(key: 'a', value: 1..2)")))
    assert [str(one) for one in found.probed.kept] == [
        "o.get('a')",
        "o.put(key='a', value=1)",
        "o.put(key='a', value=2)",
    ]


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        ("put(key: 0..1, value: 'a'|'b')", 4),
        ("put(1, [1, 2])", 1),
        ("size", 1),
        ("clear()", 1),
        ("put({'a': 1, 'b': 2})", 1),
    ],
)
def test_a_text_stands_for_calls(text: str, calls: int) -> None:
    assert len(given_calls(text)) == calls


@pytest.mark.parametrize("text", ["put(", "put(x)", "1", "put(0..x)", "put(0..100000, 0..100000)", ""])
def test_a_wrong_text_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        given_calls(text)


def test_what_makes_something_else_is_refused() -> None:
    with pytest.raises(UsageError, match=r"`no_object\(\)` makes a NoneType, and no `Counter`"):
        check_class(request(classes.Counter, make="odd_classes:no_object"))


def test_operations_are_written_as_python_does() -> None:
    assert str(Operation.of("__setitem__", ["a", 1])) == "o['a'] = 1"
    assert str(Operation("size", is_property=True)) == "o.size"
    assert str(Operation.of("put", [1], {"block": False})) == "o.put(1, block=False)"


@pytest.mark.parametrize(
    ("cls", "more"),
    [
        ("queue:Queue", {"operations": ("put(1)", "join()")}),
        ("classes_to_check:LockedLatch", {"operations": ("count_down()",), "invariants": ("o._left >= 0",)}),
        ("odd_classes:Torn", {"operations": ("both = 1",)}),
    ],
)
def test_real_threads_call_all_that_a_search_calls(cls: str, more: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call afterwards may wait for ever; an expression is evaluated, and a property is set."""
    monkeypatch.setattr(stress, "PATIENCE_S", 0.5)
    found = check_class(CheckRequest(cls, time_limit=None, most=1, stress=True, **more))
    assert (found.verdict, found.failing) == ("incomplete", ())


# --- what holds, and what need not


def test_an_invariant_is_looked_at_beside_each_call_and_afterwards() -> None:
    found = check_class(request(classes.Halves, operations=("move()",), invariants=("o.left + o.right == 2",)))
    assert [str(one) for one in found.failing] == ["o.move() || o.left + o.right == 2"]
    found = check_class(request(classes.LockedLatch, operations=("count_down()",), invariants=("o._left >= 0",)))
    assert found.verdict == "thread-safe"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("o._left >= 2", "does not hold where one thread uses it alone, after o.count_down()"),
        ("o.nothing", "raises AttributeError where one thread uses it alone, of a new object"),
        ("left > 1", "is not about the object"),
        ("o._left >=", "is no expression"),
    ],
)
def test_a_wrong_invariant_is_refused(text: str, says: str) -> None:
    with pytest.raises(UsageError) as refused:
        check_class(request(classes.LockedLatch, invariants=(text,)))
    assert says in str(refused.value)


def test_a_method_may_be_no_good_beside_others_by_design() -> None:
    found = check_class(request(classes.Bag, expect_races=("clear",)))
    assert (found.verdict, found.failing, found.expected) == ("thread-safe", (), (("clear", True),))
    assert "clear: fails beside others, as expected" in str(found)
    found = check_class(request(classes.LockedBag, expect_races=("clear",)))
    assert (found.verdict, found.expected) == ("thread-safe", (("clear", False),))
    assert check_class(request(classes.Bag, expect_races=("put",))).verdict == "not thread-safe"
    with pytest.raises(UsageError, match="no call of `clean` is checked; did you mean `clear`"):
        check_class(request(classes.Bag, expect_races=("clean",)))


def test_what_is_not_announced_may_come_before_the_first_step() -> None:
    """A call begins when it is made then: else it could seem to have begun after one that it did not see."""
    assert check_class(request(odd.DictTrick, most=3)).verdict == "incomplete"


def test_what_gives_something_else_each_time_is_no_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each order of several calls comes to something else when it is run once more."""
    real, seen = Alone.run, set()

    def run(self: Alone, order: Order) -> set[Came]:
        found, again = real(self, order), (self, order) in seen
        seen.add((self, order))
        return {came._replace(final="other") for came in found} if again and len(order) > 1 else found

    monkeypatch.setattr(Alone, "run", run)
    found = check_class(request(classes.Counter, operations=("add()",)))
    assert (found.verdict, found.failing) == ("incomplete", ())
    assert "give something else each time" in found.shapes[0].open[0][0]


def test_a_property_is_set_as_well_and_what_is_not_called_is_named() -> None:
    found = check_class(request(odd.Torn))
    assert found.verdict == "not thread-safe"
    assert str(found.failing[0]) == "o.both || o.both = 1"
    assert {one.name for one in found.left_out} == {"later", "__enter__", "__exit__"}
    assert check_class(request(odd.Torn, operations=("both", "both = 1..2"))).verdict == "not thread-safe"


@pytest.mark.parametrize("name", ["TwoAtOnce", "IfInPlaceOfWhile", "Torn"])
def test_what_is_written_shows_the_finding(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shapes = ((1, 1), (1, 1, 1)) if name == "IfInPlaceOfWhile" else ((1, 1),)
    monkeypatch.setattr(programs_of_a_check, "SHAPES", shapes)
    done = CliRunner().invoke(
        check_command, [f"odd_classes:{name}", "--most", "8", "-o", "found.yaml"], standalone_mode=False
    )
    assert done.return_value == 1, done.output
    assert "whose search does not show it" not in done.output
    assert scenrun.explore(tmp_path / "found.yaml", allow_python=True).ok


# --- what cannot be checked


@pytest.mark.parametrize(
    ("cls", "sentence"),
    [
        ("Nothing", "there is no|cannot be found"),
        ("Empty", "no method that can be checked"),
        ("NeedsFunction", "needs arguments, and `callback` takes a function: give --make"),
        ("Raising", r"`Raising\(2\)` raises ValueError: no 2; .*--make"),
        ("queue", "is no class"),
        ("Abstract", "is abstract"),
    ],
)
def test_what_cannot_be_checked_is_said(cls: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        check_class(request(cls))


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("forever", "has not ended after"), ("draws", "something else each time"), ("reads_file", "outside of what can be searched"),
        ("fails", "raises TypeError"), ("manages", "context manager"), ("with_function", "takes a function"),
    ],
)  # fmt: skip
def test_methods_that_are_no_operations_are_left_out(name: str, why: str) -> None:
    found = check_class(request(odd.Odd))
    assert found.verdict == "thread-safe"
    assert [one.why for one in found.left_out if one.name.startswith((name, f"o.{name}")) and why in one.why], (
        found.left_out
    )


def test_items_of_a_generator_are_the_result() -> None:
    found = check_class(request(odd.Odd, operations=("some()",)))
    assert found.verdict == "thread-safe"


def test_an_object_with_threads_of_its_own_needs_all_that_they_may_do() -> None:
    with pytest.raises(UsageError, match="starts threads of its own, and not all that these may do was seen"):
        check_class(request(odd.Worker))


def test_a_thread_that_the_constructor_starts_is_none_of_those_that_call() -> None:
    """It waits for ever, and no call does."""
    found = check_class(request(odd.Collector, most=4))
    assert (found.verdict, found.failing) == ("thread-safe", ())


# --- the command


def test_what_fails_is_a_scenario_that_shows_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(check_command, ["classes_to_check:Registry", "--most", "1"], standalone_mode=False)
    assert done.return_value == 1
    explored = scenrun.explore(tmp_path / "check_registry.yaml", allow_python=True)
    assert explored.ok
    assert explored.verdict == "violated"
    assert "no order of the calls explains" in explored.counterexamples[0].sentence


def test_what_is_left_over_is_shown_by_calls_afterwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both calls return what they may, and an item is lost: a call after them shows that."""
    monkeypatch.chdir(tmp_path)
    CliRunner().invoke(
        check_command, ["classes_to_check:Statistics", "--most", "1", "--op", "add(1)", "--op", "mean()"]
    )
    text = (tmp_path / "check_statistics.yaml").read_text()
    assert "call: o.mean" in text.partition("main:")[2]
    assert scenrun.explore(tmp_path / "check_statistics.yaml", allow_python=True).verdict == "violated"


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (["-o", "."], "cannot be written"),
        (["-o", "x.yaml", "--stress"], "-o is for the scenario"),
        (["--op", "sise"], "there is no such attribute"),
        (["--op", "nothing()"], "has no method `nothing`"),
        (["--time", "soon"], "soon"),
    ],
)
def test_a_wrong_option_is_said(
    given: list[str], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(check_command, ["classes_to_check:Counter", *given], standalone_mode=False)
    assert isinstance(done.exception, UsageError), done
    assert sentence in str(done.exception)


def test_a_file_of_somebody_else_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "check_counter.yaml").write_text("scenario: mine\n")
    done = CliRunner().invoke(check_command, ["classes_to_check:Counter"], standalone_mode=False)
    assert isinstance(done.exception, UsageError)
    assert (tmp_path / "check_counter.yaml").read_text() == "scenario: mine\n"


# --- real threads


@pytest.mark.parametrize("cls", [classes.LockedCounter, classes.LockedPool, odd.Owned], ids=lambda cls: cls.__name__)
def test_real_threads_contradict_no_proof(cls: Any) -> None:
    """They prove nothing themselves, and say so."""
    found = check_class(request(cls, stress=True))
    assert found.verdict == "incomplete", str(found)
    assert not found.failing


def test_real_threads_show_what_needs_no_luck(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two that meet between the read and the write come to what no order of the calls allows: alone, each waits for ever."""
    monkeypatch.setattr(programs_of_a_check, "SHAPES", ((1, 1),))
    found = check_class(request(odd.Meeting, stress=True, operations=("add()",)))
    assert found.verdict == "not thread-safe", str(found)


def test_real_threads_are_not_compared_where_the_clock_decides() -> None:
    found = check_class(request(odd.Clock, stress=True))
    assert not found.failing
    assert "it looks at the clock" in str(found)
