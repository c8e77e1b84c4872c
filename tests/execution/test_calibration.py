"""Costs of a machine: measured into a file, read from it with sentences for what is wrong, and charged in simulations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from scenrun import simulate
from scenrun.errors import UsageError
from scenrun.execution.calibration import calibrate
from scenrun.execution.simulator.costs import OPERATIONS, OWN_WORDS, read_costs
from scenrun.interface.cli.calibrate import file_of
from scenrun.interface.cli.main import cli
from scenrun.language.verbs.registry import VERBS
from scenrun.program.loaded import load

SECOND_NS = 1_000_000_000
MEASURED = (
    "acquire", "release", "put", "get", "task_done", "set", "append", "pop", "set_event", "clear_event", "wait", "notify",
    "notify_all", "log", "submit", "result", "start", "spawn", "join", "join_queue", "ask", "sleep", "late", "work",
    "choose", "atomic", "section", "step", "switch", "turn", "semaphore.acquire", "rlock.release",
)  # fmt: skip
PIPELINE = {
    "scenario": "pipeline",
    "sync": {"pipeline": {"queue": {"maxsize": 1}}},
    "threads": {
        "producer": {"do": [{"repeat": 10, "do": [{"put": {"queue": "pipeline", "item": 1}}]}]},
        "consumer": {"do": [{"repeat": 10, "do": [{"get": {"queue": "pipeline", "into": "_item"}}]}]},
    },
}


@pytest.fixture(scope="module")
def measured() -> dict[str, int]:
    """The costs of this machine, from very few turns."""
    return calibrate(lambda scenario: load(scenario).program, rounds=1, share=0.02)


def costs_file(folder: Path, costs: Any) -> Path:
    """A file of costs."""
    path = folder / "costs.yaml"
    path.write_text(yaml.safe_dump(costs), encoding="utf-8")
    return path


def elapsed_with(folder: Path, scenario: dict[str, Any], **costs: str) -> float:
    """How long a simulation takes in virtual time."""
    return simulate(scenario, costs=costs_file(folder, {"costs": costs})).elapsed_s


# --- measuring


def test_every_word_is_measured_and_has_a_cost_above_nothing_and_below_a_second(measured: dict[str, int]) -> None:
    """Whatever the machine does meanwhile, no cost is missing, zero, negative or absurd."""
    assert set(MEASURED) <= set(measured)
    assert all(0 < nanoseconds < SECOND_NS for nanoseconds in measured.values()), measured


def test_every_measured_word_is_one_that_costs_can_be_given_for(measured: dict[str, int]) -> None:
    """No cost is measured for nobody."""
    assert set(measured) <= {*VERBS, *OWN_WORDS, *OPERATIONS}


def test_what_is_measured_is_read_again_as_it_was(measured: dict[str, int], tmp_path: Path) -> None:
    """The file says nanoseconds as fractions of a microsecond, and loses none of them."""
    path = tmp_path / "costs.yaml"
    path.write_text(file_of(measured, 1), encoding="utf-8")
    read = read_costs(path)
    assert list(read) == list(measured)
    assert all(abs(read[word] - measured[word]) <= measured[word] * 1e-5 for word in measured)


def test_the_command_writes_a_file_that_simulate_takes(
    measured: dict[str, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`scenrun calibrate -o FILE`, then `scenrun simulate --costs FILE`."""
    monkeypatch.setattr("scenrun.execution.calibration.calibrate", lambda *_, **__: measured)
    costs, scenario = tmp_path / "costs.yaml", tmp_path / "s.yaml"
    scenario.write_text(yaml.safe_dump(PIPELINE), encoding="utf-8")
    written = CliRunner().invoke(cli, ["calibrate", "-o", str(costs), "--quiet"], standalone_mode=False)
    assert written.return_value == 0
    assert written.output == ""
    done = CliRunner().invoke(
        cli, ["simulate", str(scenario), "--costs", str(costs), "--log", str(tmp_path / "log")], standalone_mode=False
    )
    assert done.return_value == 0, done.output


def test_stdout_has_the_file_and_nothing_else(measured: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Without -o; the comment says where and when, the rest is costs."""
    monkeypatch.setattr("scenrun.execution.calibration.calibrate", lambda *_, **__: measured)
    done = CliRunner().invoke(cli, ["calibrate", "--quiet"], standalone_mode=False)
    assert set(yaml.safe_load(done.output)) == {"costs"}
    assert all(word in done.output for word in ("# machine:", "# python:", "# date:", "# level:"))


def test_a_place_that_cannot_be_written_is_told_before_anything_is_measured(tmp_path: Path) -> None:
    """The folder is missing: a sentence, at once."""
    from scenrun.errors import OutputError

    done = CliRunner().invoke(cli, ["calibrate", "-o", str(tmp_path / "no" / "costs.yaml")], standalone_mode=False)
    assert isinstance(done.exception, OutputError)
    assert "cannot write the costs to" in str(done.exception)


# --- reading


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("costs: {acquier: 1us}", "there is no verb `acquier`; did you mean `acquire`?"),
        ("costs: {semaphore.acquier: 1us}", "did you mean `semaphore.acquire`?"),
        ("costs: {acquire: 1}", "acquire: 1 has no unit"),
        ("costs: {acquire: 1 parsec}", "`parsec` is no unit of time"),
        ("costs: {acquire: -1us}", "a duration is not negative"),
        ("prices: {acquire: 1us}", "has no costs; `scenrun calibrate -o"),
        ("costs: [1us]", "has no costs"),
        ("- 1us", "has no costs"),
        ("costs: {", "has no costs"),
        ("", "has no costs"),
    ],
)
def test_a_wrong_file_gets_a_sentence(text: str, words: str, tmp_path: Path) -> None:
    """The file's name and what is wrong with it."""
    path = tmp_path / "costs.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        read_costs(path)
    assert str(caught.value).startswith(str(path))
    assert words in str(caught.value)


def test_a_file_that_is_not_there_gets_a_sentence(tmp_path: Path) -> None:
    """With its name and the reason."""
    with pytest.raises(UsageError, match="cannot read the costs"):
        read_costs(tmp_path / "none.yaml")


# --- charging


def test_dearer_puts_make_a_pipeline_slower(tmp_path: Path) -> None:
    """Ten puts that cost 1 ms more each take 10 ms more, as there is one processor."""
    cheap, dear = (elapsed_with(tmp_path, PIPELINE, put=cost) for cost in ("1us", "1001us"))
    assert dear - cheap == pytest.approx(10e-3)


def test_a_switch_is_charged_whenever_another_thread_moves(tmp_path: Path) -> None:
    """A queue of one item makes producer and consumer take turns, twice for each item but the first and the last."""
    free, dear = (elapsed_with(tmp_path, PIPELINE, switch=cost) for cost in ("0us", "1ms"))
    assert dear - free >= 20e-3


def test_the_cost_of_an_operation_is_stronger_than_that_of_its_verb(tmp_path: Path) -> None:
    """`semaphore.acquire` beside `acquire`: a lock still costs what the verb does."""
    steps = [{"acquire": "g"}, {"release": "g"}]
    taken = {
        kind: elapsed_with(
            tmp_path,
            {"scenario": "one", "sync": {"g": kind}, "threads": {"t": {"do": steps}}},
            **{"acquire": "1ms", "semaphore.acquire": "5ms", "release": "0us"},
        )
        for kind in ("lock", "semaphore")
    }
    assert taken["semaphore"] - taken["lock"] == pytest.approx(4e-3)


def test_the_scenarios_own_cost_is_stronger_than_a_calibrated_operation(tmp_path: Path) -> None:
    """A file that says what an acquire costs means every acquire."""
    scenario = {
        "scenario": "own", "sync": {"g": "semaphore"}, "costs": {"acquire": "1ms"},
        "threads": {"t": {"do": [{"acquire": "g"}, {"release": "g"}]}},
    }  # fmt: skip
    cheap, dear = (elapsed_with(tmp_path, scenario, **{"semaphore.acquire": cost}) for cost in ("1us", "1s"))
    assert cheap == dear


def test_sleepers_are_late_side_by_side(tmp_path: Path) -> None:
    """Being late takes no processor: ten threads that are 1 ms late are so at the same time."""
    scenario = {"scenario": "late", "threads": {"t": {"count": 10, "do": [{"sleep": "5ms"}]}}}
    punctual, late = (elapsed_with(tmp_path, scenario, late=cost, step="0us") for cost in ("0us", "1ms"))
    assert late - punctual == pytest.approx(1e-3)


def test_who_becomes_ready_waits_for_a_whole_slice(tmp_path: Path) -> None:
    """A sleeper that wakes in the middle of another's time slice gets its turn 5 ms later, and not at the slice's end."""
    scenario = {
        "scenario": "convoy",
        "threads": {
            "sleeper": {"do": [{"sleep": "8ms"}, {"log": "awake"}]},
            "worker": {"do": [{"repeat": 1_000, "do": [{"work": "100us"}]}]},
        },
    }  # fmt: skip
    events: list[dict[str, Any]] = []
    simulate(scenario, costs=costs_file(tmp_path, {"costs": {"step": "0us"}}), log=events.append)
    (awake,) = (event["elapsed_s"] for event in events if event.get("message") == "awake")
    assert awake == pytest.approx(13e-3, abs=2e-4)


def test_a_worker_goes_on_to_its_next_task_without_a_switch(tmp_path: Path) -> None:
    """A pool of one has a hundred tasks: they cost a few switches, not a hundred."""
    scenario = {
        "scenario": "tasks", "sync": {"p": {"pool": {"max_workers": 1}}}, "behaviours": {"empty": {"do": []}},
        "main": [{"repeat": 100, "do": [{"submit": {"pool": "p", "target": "empty", "into": "_f"}}]}, {"shutdown": "p"}],
    }  # fmt: skip
    free, dear = (elapsed_with(tmp_path, scenario, switch=cost) for cost in ("0us", "1ms"))
    assert 1e-3 <= dear - free < 10e-3
