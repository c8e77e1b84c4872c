"""Options of a search that cannot be, or would have no effect, are refused the same on the command line, in Python, in sweeps."""

from __future__ import annotations

from typing import Any

import pytest

import scenrun
from scenrun.interface.cli.main import run_cli
from scenrun.search.options import STATELESS, STATES, SearchRequest

SMALL = {"scenario": "small", "threads": {"worker": {"do": [{"log": "hello"}]}}}
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"strategy": "luck"}, "there is no strategy `luck`"),
    ({"time": "slow"}, "there is no time `slow`"),
    ({"reduction": "some"}, "there is no reduction `some`"),
    ({"max_states": 0}, "is at least 1, not 0"),
    ({"strategy": "random", "jobs": 257}, "is at most 256, not 257"),
    ({"strategy": "random", "time": "virtual"}, "leaves time free"),
    ({"strategy": "dpor", "max_states": 5}, "is for the search of states"),
    ({"strategy": "pct", "memory_bytes": 1 << 30}, "is for the search of states"),
    ({"strategy": "pos", "reduction": "on"}, "is for the search of states"),
    ({"strategy": "surw", "symmetry": False}, "is for the search of states"),
    ({"strategy": "delays", "count": True}, "is for the search of states"),
    ({"strategy": "states", "schedules": 5}, "sees all of them"),
    ({"strategy": "states", "jobs": 2}, "sees all of them"),
    ({"strategy": "dpor", "depth": 2}, "is PCT's"),
    ({"bound": 2}, "preemptions and delays"),
    ({"time": "virtual", "reduction": "on"}, "which is searched as a whole"),
    ({"time": "virtual", "symmetry": True}, "which is searched as a whole"),
    ({"reduction": "off", "symmetry": True}, "has no effect without reduction"),
    ({"count": True, "reduction": "on"}, "walks every schedule"),
    ({"cluster": "tcp://127.0.0.1:9", "jobs": 2}, "has no effect with"),
    ({"cluster": "tcp://127.0.0.1:9", "strategy": "dpor"}, "one order of its own"),
]
OF_SWEEPS = ("strategy", "max_states", "schedules", "depth", "bound", "time", "races")


def words_of(options: dict[str, Any]) -> list[str]:
    """The same options as words of a command line."""
    words: list[str] = []
    for name, value in options.items():
        if name == "symmetry":
            words.append("--symmetry" if value else "--no-symmetry")
        elif name == "memory_bytes":
            words += ["--memory", f"{value >> 20}MB"]
        else:
            words += [f"--{name.replace('_', '-')}"] + [str(value)] * (value is not True)
    return words


@pytest.mark.parametrize(("options", "sentence"), REFUSED, ids=str)
def test_python_refuses(options: dict[str, Any], sentence: str) -> None:
    """Before anything is searched, and by the names of the arguments."""
    with pytest.raises(scenrun.UsageError, match=sentence):
        scenrun.explore(SMALL, **options)


@pytest.mark.parametrize(("options", "sentence"), REFUSED, ids=str)
def test_the_command_line_refuses(
    options: dict[str, Any], sentence: str, tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """With exit status 2; click says by itself what is no choice or out of range."""
    path = tmp_path / "small.yaml"
    path.write_text("scenario: small\nthreads: {worker: {do: [{log: hello}]}}\n")
    assert run_cli(["explore", str(path), *words_of(options)]) == 2
    said = capsys.readouterr().err
    assert sentence in said or "Invalid value" in said or "--time" in said


@pytest.mark.parametrize(("options", "sentence"), [one for one in REFUSED if set(one[0]) <= set(OF_SWEEPS)], ids=str)
def test_sweeps_refuse(options: dict[str, Any], sentence: str) -> None:
    """Before any cell is run."""
    with pytest.raises(scenrun.UsageError, match=sentence):
        scenrun.sweep(SMALL, how="explore", seeds=2, **options)


def test_what_is_said_is_what_is_searched() -> None:
    """Each option that has an effect comes through; what was not said is chosen."""
    assert SearchRequest().options().strategy is None
    assert SearchRequest().options().reduction == "auto"
    assert SearchRequest(count=True).options().reduction == "off"
    options = SearchRequest(strategy="pct", depth=5, schedules=7, jobs=2).options()
    assert (options.strategy, options.depth, options.schedules, options.jobs) == ("pct", 5, 7, 2)
    found = SearchRequest(max_states=9, memory_bytes=8 << 20, time_limit_ns=1_500_000_000, time="virtual").options()
    assert (found.limits.states, found.limits.memory, found.limits.seconds, found.is_timed) == (9, 8 << 20, 1.5, True)
    assert SearchRequest().options(memory_bytes=123).limits.memory == 123


@pytest.mark.parametrize("strategy", [STATES, *STATELESS])
def test_every_strategy_takes_what_is_for_all(strategy: str) -> None:
    """Free time, races and a limit of time belong to each."""
    SearchRequest(strategy=strategy, time="free", races=True, time_limit_ns=1, shorten=False).check()
