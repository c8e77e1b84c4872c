"""A class conforms to a scenario if each of its executions is one of the scenario's; else the first step that differs is shown."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import classes_to_conform as classes
import pytest
import yaml
from click.testing import CliRunner, Result
from conform_at_random import can_only_differ, compared, other
from programs_twice import TooLarge, Twice, by_code, by_model

import scenrun
from scenrun.errors import UsageError
from scenrun.interface.cli.conform import conform_command
from scenrun.model.machine import FREE, Machine
from scenrun.own_code.conforming.conform import ConformRequest, conform
from scenrun.own_code.conforming.events import ANYTHING, Began, Call, Came, End, Returned, plain
from scenrun.own_code.conforming.model_runs import Compared, ModelRuns
from scenrun.own_code.conforming.result import Conformed

PROGRAMS = 8


def conformed(cls: Any, scenario: Mapping[str, Any], **more: Any) -> Conformed:
    loaded = scenrun.load(scenario)
    about = loaded.scenario.conform
    given = {"calls": about.calls, "objects": about.objects, "time_limit": None, **more}
    return conform(loaded, ConformRequest(f"classes_to_conform:{cls.__name__}", **given))


@pytest.mark.parametrize("pair", classes.PAIRS, ids=lambda pair: pair.cls.__name__)
def test_known_pairs_are_judged(pair: classes.Pair) -> None:
    found = conformed(pair.cls, pair.scenario, strategy="dpor")
    assert found.verdict == ("conforms" if pair.differs is None else "differs"), str(found)
    different = [row for row in found.rows if row.is_different]
    if pair.differs is not None:
        assert [row.code.startswith(pair.differs) for row in different] == [True]
        assert different[0].model.startswith(pair.model)


def test_the_same_program_conforms_to_itself_and_another_one_only_if_it_ends_alike(tmp_path: Path) -> None:
    """More programs by hand (see docs/contributing.md)."""
    alike, different = 0, 0
    for number in range(PROGRAMS):
        twice = Twice(number)
        found = compared(twice, twice, tmp_path, f"same_{number}", 60)
        assert found.verdict != "differs", f"program {number}: {found}"
        alike += found.verdict == "conforms"
        changed = other(twice, number)
        found = compared(twice, changed, tmp_path, f"other_{number}", 60)
        different += found.verdict == "differs"
        if found.verdict == "conforms":
            try:
                model, code = by_model(twice), by_code(changed, tmp_path, f"ends_{number}", 150)
            except TooLarge:
                continue
            assert not can_only_differ(model, code), f"program {number}"
    assert alike
    assert different


# --- what stands for what


def test_methods_and_attributes_of_the_same_name_stand_for_them() -> None:
    found = conformed(classes.Pipe, classes.PIPE, schedules=1, strategy="dpor").counterparts
    assert [(thread, str(call)) for thread, call in found.calls] == [
        ("producer", "o.produce(count=2)"),
        ("consumer", "o.consume()"),
    ]
    assert (found.objects, found.variables, found.alone, found.others) == (
        {"items": "items"},
        {"total": "total"},
        (),
        (),
    )


def test_what_the_class_starts_itself_may_be_any_thread_without_a_method() -> None:
    found = conformed(classes.OnItsOwn, classes.OWN, schedules=1, strategy="dpor").counterparts
    assert (found.threads, found.others, found.objects) == (("main",), ("producer", "consumer"), {"items": "_items"})


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"calls": {"produser": "produce(2)"}}, "has no threads `produser`; did you mean `producer`?"),
        ({"calls": {"producer": "make(2)"}}, "has no method `make`"),
        ({"calls": {"producer": "produce(2"}}, "is no call of a method"),
        ({"calls": {"producer": "produce(open('x'))"}}, "is no plain value"),
        ({"calls": {"producer": "produce(1 // 0)"}}, "ZeroDivisionError"),
        ({"calls": {"producer": "produce(1, 2)"}}, "does not fit the method: too many positional arguments"),
        ({"calls": {"producer": "produce(*[1])"}}, "give each argument by itself"),
        ({"objects": {"itens": "items"}}, "has no shared object or variable `itens`; did you mean `items`?"),
        ({"objects": {"items": "line"}}, "has no such attribute; it has items, total"),
        ({"objects": {"items": "total"}}, "`total` is an int, which cannot stand for `items`, which is a queue"),
        (
            {"objects": {"total": "items.mutex"}},
            "`items.mutex` is a Lock, which cannot stand for `total`, which is a variable",
        ),
    ],
)
def test_what_cannot_stand_for_anything_is_refused(given: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError) as refused:
        conformed(classes.Pipe, classes.PIPE, **given)
    assert says in str(refused.value)


def test_a_class_without_anything_to_compare_is_refused() -> None:
    with pytest.raises(UsageError, match="nothing of classes_to_conform:Gate stands for"):
        conformed(classes.Gate, classes.PIPE, calls={"producer": "let_in()", "consumer": "enter()"})
    with pytest.raises(UsageError, match="has no method that is called like a group of threads"):
        conformed(classes.Gate, classes.PIPE)


def test_what_main_does_needs_a_method() -> None:
    main = [
        {"start": "producer"},
        {"start": "consumer"},
        {"join": "producer"},
        {"put": {"queue": "items", "item": None}},
    ]
    with pytest.raises(UsageError, match=r"main does `put` of `items`.*no method stands for main"):
        conformed(classes.Pipe, {**classes.PIPE, "main": main})


def test_an_array_of_another_length_is_refused() -> None:
    scenario = json.loads(json.dumps(classes.TABLE).replace('"count": 2}}', '"count": 3}}'))
    with pytest.raises(UsageError, match=r"`forks` has 2 items, and the scenario 3: --set sync\.forks\.count=2"):
        conformed(classes.Table, scenario)


def test_a_method_of_the_name_may_be_left_to_the_class() -> None:
    threads = {"work": {"do": [{"with": "guard", "do": [{"set": {"total": "total + 1"}}]}], "count": 2}}
    scenario = {"scenario": "left_to_it", "sync": {"guard": "lock"}, "state": {"total": 0}, "threads": threads}
    found = conformed(classes.InAPool, scenario, calls={"main": "run()", "work": ""}, schedules=1).counterparts
    assert (found.threads, found.others) == (("main",), ("work",))


def test_arguments_of_the_scenario_are_numbers_where_they_are_expressions() -> None:
    scenario = json.loads(json.dumps(classes.PIPE).replace('"args": {"count": 2}', '"args": {"count": "index + 2"}'))
    assert str(conformed(classes.Pipe, scenario, schedules=1).counterparts.calls[0][1]) == "o.produce(count=2)"


# --- what is compared


def test_what_a_scenario_has_no_value_for_is_named() -> None:
    threads = {"work": {"do": [{"with": "guard", "do": [{"set": {"total": 1}}]}]}}
    scenario = {"scenario": "a_set", "sync": {"guard": "lock"}, "state": {"total": 0}, "threads": threads}
    found = conformed(classes.LeavesASet, scenario)
    assert (found.verdict, found.unlike) == ("conforms", ("what is left in total",))
    assert "not compared, as a scenario has no such values: what is left in total" in str(found)


def test_items_need_not_be_compared() -> None:
    assert (
        conformed(classes.OtherItems, classes.PIPE, compare_values=False, strategy="dpor").rows[-1].code
        == "total is 4 at the end"
    )


def test_items_that_are_drawn_are_not_compared() -> None:
    text = json.dumps(classes.PIPE).replace('"item": 1', '"item": "random.randint(1, 9)"')
    found = conformed(classes.OtherItems, json.loads(text), schedules=3, strategy="dpor")
    assert found.values_left_out == "the scenario draws values at random"


def test_values_are_compared_as_a_model_has_them() -> None:
    assert plain((1, "a", None)) == plain([1, "a", None])
    assert plain({"a": [1], "b": 2.0}) == plain({"b": 2.0, "a": (1,)})
    assert len({plain(1), plain(True), plain(1.0)}) == 3
    assert plain(object()) is plain([object()]) is plain({"a": {1}}) is ANYTHING


# --- the runs of the model

STEPS = {
    "scenario": "steps",
    "sync": {"items": "queue", "guard": {"lock": {"initially": "locked"}}},
    "threads": {
        "a": {"do": [{"put": {"queue": "items", "item": 1}}, {"acquire": "guard"}]},
        "b": {"do": [{"get": "items"}]},
    },
}


def runs() -> ModelRuns:
    program = scenrun.load(STEPS).program
    compared = Compared(frozenset(("items", "guard")), frozenset("ab"), frozenset(("item", "n")), results=True)
    return ModelRuns(Machine(program, 0, folded=FREE), compared)


def put(item: Any) -> Began:
    return Began(Call("a", "items", "put", (("item", plain(item)),)))


GET, PUT_CAME = Began(Call("b", "items", "get")), Returned("a", Came(None))


@pytest.mark.parametrize(
    ("events", "explained"),
    [
        ([put(1), PUT_CAME, GET, Returned("b", Came(1))], 4),
        ([GET, put(1), Returned("b", Came(1)), PUT_CAME], 4),
        ([GET, Returned("b", Came(1))], 1),
        ([put(1), PUT_CAME, GET, Returned("b", Came(2))], 3),
        ([put(1), PUT_CAME, GET, Returned("b", Came(error="Empty"))], 3),
        ([put(1), Returned("a", Came(error="Full"))], 1),
        ([put(2), PUT_CAME], 1),
        ([put(ANYTHING), PUT_CAME, GET, Returned("b", Came(ANYTHING))], 4),
    ],
)
def test_a_call_is_a_step_between_its_beginning_and_its_return(events: Any, explained: int) -> None:
    assert runs().explain(events)[1] == explained


def test_who_waits_in_a_call_has_not_made_it() -> None:
    model = runs()
    acquire = Began(Call("a", "guard", "acquire"))
    whole, _ = model.explain([put(1), PUT_CAME, GET, Returned("b", Came(1)), acquire])
    assert model.can_end(whole, End((("b", None),), ("a",)))
    cut, _ = model.explain([GET, put(1), Returned("b", Came(1))])
    assert not model.can_end(cut, End((("b", None),), ("a",)))


# --- the command


def run(folder: Path, scenario: Mapping[str, Any], *arguments: str) -> Result:
    file = folder / "scenario.yaml"
    file.write_text(yaml.safe_dump(dict(scenario)))
    return CliRunner().invoke(conform_command, [str(file), *arguments], standalone_mode=False)


def test_the_command_says_the_verdict_by_its_status(tmp_path: Path) -> None:
    scenario = {**classes.BUFFER, "conform": {**classes.BUFFER["conform"], "against": "classes_to_conform:Buffer"}}
    done = run(tmp_path, scenario)
    assert done.return_value == 0
    assert "conforms" in done.stderr
    done = run(
        tmp_path,
        scenario,
        "--against",
        "classes_to_conform:ForgetsToTell",
        "--call",
        "filler=fill()",
        "--call",
        "drainer=drain()",
    )
    assert done.return_value == 1
    assert "≠ filler" in done.stderr
    done = run(tmp_path, scenario, "--schedules", "1")
    assert done.return_value == 3
    assert "not all were walked: 1 schedule" in done.stderr


def test_the_command_writes_json(tmp_path: Path) -> None:
    arguments = ("--against", "classes_to_conform:Table", "--call", "philosopher=dine(index)", "--json", "-q")
    done = run(tmp_path, classes.TABLE, *arguments)
    told = json.loads(done.stdout)
    assert (told["verdict"], told["bound"], done.stderr) == ("conforms", None, "")
    assert told["calls"] == {"philosopher[0]": "o.dine(0)", "philosopher[1]": "o.dine(1)"}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "which class? give --against"),
        (("--against", "nowhere:Class"), "`nowhere:Class` cannot be found"),
        (("--against", "classes_to_conform:Pipe", "--call", "producer"), "--call is given as NAME=.."),
        (
            ("--against", "classes_to_conform:Pipe", "--object", "items=a", "--object", "items=b"),
            "--object is given twice",
        ),
    ],
)
def test_a_wrong_command_line_is_refused(tmp_path: Path, arguments: tuple[str, ...], says: str) -> None:
    done = run(tmp_path, classes.PIPE, *arguments)
    assert says in str(done.exception)


def test_a_scenario_with_code_of_its_own_is_no_model(tmp_path: Path) -> None:
    scenario = {
        "scenario": "code",
        "objects": {"it": {"python": "classes_to_conform:Pipe"}},
        "threads": {"t": {"do": [{"call": "it.consume"}]}},
    }
    done = run(tmp_path, scenario, "--against", "classes_to_conform:Pipe")
    assert "has `objects` of its own" in str(done.exception)


def test_the_example_of_the_page_is_what_the_page_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first schedules of the class of docs/conform.md; all of them take longer."""
    monkeypatch.chdir(Path(__file__).parents[2] / "docs" / "examples")
    done = CliRunner().invoke(conform_command, ["office.yaml", "--schedules", "20"], standalone_mode=False)
    assert (done.return_value, "none of them differs" in done.stderr) == (3, True)
    hasty = ["--against", "offices:HastyOffice", "--call", "main=run()", "--object", "line=_line"]
    done = CliRunner().invoke(conform_command, ["office.yaml", *hasty], standalone_mode=False)
    assert done.return_value == 1
    assert "≠ main    line.put(None) (offices.py:46)  waits to join clerk[0] (line 28)" in done.stderr


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        (
            {"sync": {"gate": {"barrier": {"parties": 1, "action": "act"}}}, "steps": [{"wait": "gate"}]},
            "`gate` has an action",
        ),
        ({"sync": {"gate": "queue"}, "steps": [{"shutdown": "gate"}, {"run": "act"}]}, "shuts a queue down"),
        (
            {"sync": {"gate": "event"}, "steps": [{"set": {"v": "now()"}}, {"set_event": "gate"}, {"run": "act"}]},
            "reads the clock",
        ),
    ],
)
def test_what_a_comparison_does_not_know_is_refused(parts: dict[str, Any], says: str) -> None:
    """Before anything of the class is imported."""
    scenario = {
        "scenario": "unknown", "sync": parts["sync"], "state": {"v": 0.0}, "behaviours": {"act": {"do": [{"set": {"v": "v + 1"}}]}},
        "threads": {"w": {"do": parts["steps"]}},
    }  # fmt: skip
    with pytest.raises(UsageError, match=says):
        conform(scenrun.load(scenario), ConformRequest("nowhere:Nothing"))
