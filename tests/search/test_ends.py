"""The end of a thread in reduced searches: it is before every join of it, and ordered with all else that looks at the thread."""

from __future__ import annotations

import pytest
import yaml

import scenrun
from scenrun import Explored

STAGES = """
scenario: two_stages
sync: {first_lock: lock, second_lock: lock}
state: {first: 0, second: 0}
threads:
  writer:
    count: 4
    do:
      - with: first_lock
        do: [set: {first: 1}]
      - with: second_lock
        do: [set: {second: "first + 1"}]
  reader:
    count: 4
    do:
      - set: {one: 0, two: 0}
      - with: first_lock
        do: [{if: first == 0, then: [return: null]}, {set: {one: first}}]
      - with: second_lock
        do: [set: {two: second}]
      - assert: two == one + 1
"""
ASKS = """
scenario: asks
state: {done: 0, before: 0, seen: 0}
threads:
  worker: {do: [set: {done: 1}]}
  asker:
    do:
      - set: {before: 1}
      - JOIN
      - set: {seen: "worker.is_alive()"}
expect: {outcomes: {observe: [seen], allowed: [[true], [false]]}}
"""


def explored(text: str, reduction: str) -> Explored:
    return scenrun.explore(yaml.safe_load(text), reduction=reduction, strategy="states")


@pytest.mark.parametrize("join", ["log: asks", "join: {thread: worker, timeout: 1ms}"])
def test_who_asks_whether_a_thread_lives_sees_both_sides_of_its_end(join: str) -> None:
    text = ASKS.replace("JOIN", join)
    whole, reduced = explored(text, "off"), explored(text, "on")
    assert reduced.reduced
    assert not whole.reduced
    assert set(reduced.outcomes) == set(whole.outcomes) == {(True,), (False,)}


def test_ends_that_are_only_joined_are_put_in_one_order() -> None:
    found = explored(STAGES, "on")
    assert found.closed
    assert found.verdict == "violated"
    assert (
        found.states < 4_000
    )  # 12,865 where an end may be met by other replicas' ends, 18,508 where by joins of others
