"""However a real run of a small scenario ends, the model can end so, too: more than 1,200 scenarios by chance."""

from __future__ import annotations

import json
import sys
from collections import Counter
from typing import Any

import pytest
from ends_compared import Compared, compare, impatient
from hypothesis import assume
from msgspec.structs import replace
from scenarios_at_random import COVERED, verbs_of
from scenarios_drawn import Scenario, each_scenario

from scenrun.program.primitives.kinds import Done
from scenrun.program.primitives.kinds import Phase as Action
from scenrun.program.primitives.registry import KINDS

PARTS, EACH = 8, 105
MOST_STATES = 2_000
SWITCHING_S = (1e-6, 1e-5, 5e-3)
"""Switch intervals: with the smallest, threads come between each other's steps most often."""


@pytest.mark.parametrize("part", range(PARTS))
def test_the_model_can_end_as_the_real_run_did(part: int) -> None:
    """Findings, final variables with what each step gave, and the outcome; what is too large is replaced by another."""
    compared: list[Compared] = []

    def check(scenario: Scenario) -> None:
        sys.setswitchinterval(SWITCHING_S[len(compared) % len(SWITCHING_S)])
        compared.append(compare(scenario, MOST_STATES))
        assume(compared[-1].found != "too large")

    with impatient():
        each_scenario(part, EACH, check)
    different = [str(one) for one in compared if one.found == "different"]
    assert not different, "\n\n".join(different)
    found = Counter(one.found for one in compared)
    assert found["same"] >= EACH
    assert found["too large"] <= EACH // 5


def test_the_scenarios_have_every_verb_and_are_all_different() -> None:
    """A verb that is never drawn would never be compared."""
    verbs: Counter[str] = Counter()
    texts = set()

    def count(scenario: Scenario) -> None:
        verbs.update(set(verbs_of(scenario)))
        texts.add(json.dumps(scenario))

    for part in range(PARTS):
        each_scenario(part, EACH, count)
    assert {verb: verbs[verb] for verb in COVERED if verbs[verb] < 10} == {}
    assert len(texts) >= PARTS * EACH - 20


def _newest(values: Any, me: int, arguments: Any, memo: Any) -> Done | None:
    ((items, *rest),) = values
    return Done(((items[:-1], *rest),), items[-1]) if items else None


def _nothing_said(values: Any, me: int, arguments: Any, memo: Any) -> Done:
    return Done((False,))


def _set_in_time(values: Any, me: int, arguments: Any, memo: Any) -> Done:
    return Done(values, True)


def _never_full(values: Any, me: int, arguments: Any, memo: Any) -> Done:
    ((permits, bound),) = values
    return Done(((permits + 1, bound),))


MUTANTS: dict[str, tuple[str, str, tuple[Action, ...], str]] = {
    "a release of a free lock that says nothing": ("lock", "release", (Action(_nothing_said),), "release"),
    "a wait for an event that never times out": (
        "event",
        "wait",
        (KINDS["event"].operation("wait").phases[0], Action(_set_in_time, _set_in_time)),
        "wait",
    ),
    "a bounded semaphore without a bound": ("bounded_semaphore", "release", (Action(_never_full),), "release"),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_broken_model_is_caught(mutant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison can fail: some real runs end as a model with a mistake cannot."""
    name, broken, phases, verb = MUTANTS[mutant]
    kind = KINDS[name]
    operations = tuple(replace(o, phases=phases) if o.name == broken else o for o in kind.operations)
    monkeypatch.setitem(KINDS, name, replace(kind, operations=operations))
    found: Counter[str] = Counter()

    def check(scenario: Scenario) -> None:
        if not found["different"] and verb in verbs_of(scenario) and name in json.dumps(scenario.get("sync", {})):
            found[compare(scenario, MOST_STATES).found] += 1

    with impatient():
        for part in range(PARTS):
            if not found["different"]:
                each_scenario(part, EACH, check)
    assert found["different"] == 1
