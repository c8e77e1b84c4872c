"""What a primitive's file says in words: each wait, a name for each of several phases, and the value of its objects."""

from __future__ import annotations

import pytest

from scenrun.language.primitives import KINDS as DECLARED
from scenrun.program.primitives.registry import KINDS, waiting

COMPILED = {"future": "own_future"}
"""Declared kinds whose name is that of another kind of the model."""
OPERATIONS = {f"{kind.name}.{one.name}": one for kind in KINDS.values() for one in kind.operations}


@pytest.mark.parametrize("name", [name for name, one in OPERATIONS.items() if one.waits])
def test_a_wait_has_words_that_name_its_object(name: str) -> None:
    """Whoever reads a counterexample, a timeline or a diagram is told what is waited for."""
    for in_vain in (False, True):
        said = waiting(name, "thing", in_vain=in_vain)
        assert said.startswith("waits ")
        assert "thing" in said
        assert "waits in" not in said


@pytest.mark.parametrize("name", [name for name, one in OPERATIONS.items() if len(one.phases) > 1])
def test_each_of_several_phases_has_a_name(name: str) -> None:
    """The steps of one wait are told apart, and no two alike."""
    names = [phase.name for phase in OPERATIONS[name].phases]
    assert all(names)
    assert len(set(names)) == len(names)


def test_a_wait_is_said_in_the_same_words_everywhere() -> None:
    """With an end in sight, or without; also of what is no operation, and of what a log makes up."""
    assert waiting("queue.put", "items") == "waits for room in items"
    assert waiting("queue.put", "items", in_vain=True) == "waits for room in items that nobody will make"
    assert waiting("future.result", "f", in_vain=True) == waiting("future.result", "f") == "waits for the result of f"
    assert waiting("sleep", "") == "sleeps"
    assert waiting("made.{up}", "{0}") == "waits in made.{up} of {0}"


@pytest.mark.parametrize("name", [name for name in DECLARED if name != "timer"])
def test_a_kind_that_a_file_declares_says_its_value(name: str) -> None:
    """The player of a counterexample shows every object but timers, which it shows as threads."""
    assert KINDS[COMPILED.get(name, name)].in_words is not None


@pytest.mark.parametrize("name", [name for name, one in OPERATIONS.items() if one.freed_by])
def test_what_frees_a_wait_is_an_operation_of_the_kind_or_its_beginning_or_end(name: str) -> None:
    """A misspelt name would make the deadlock detector certain of what is not so."""
    kind = KINDS[name.partition(".")[0]]
    ends = {"end"} if kind.begin is None else {"end", "begin"}
    assert all(freer in ends or kind.operation(freer) for freer in OPERATIONS[name].freed_by)
