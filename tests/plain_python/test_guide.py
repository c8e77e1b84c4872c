"""Each row of the guide's table of steps and their Python, as a script has it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

import scenrun
from scenrun.plain_python.whole import plain_python

GUIDE = (Path(__file__).parents[2] / "docs" / "guide.md").read_text(encoding="utf-8")
TABLE = GUIDE.partition("| a step | is in Python |")[2].partition("\n\n")[0]
ROWS = re.findall(r"^\| `([^`]+)`(?: with `([^`]+)`)? \| `([^`]+)`", TABLE, re.MULTILINE)
AROUND = """
scenario: around
sync:
  guard: lock
  go: event
  changed: condition
  line: {barrier: {parties: 1}}
  jobs: queue
  crew: {pool: {max_workers: 2}}
state: {total: 0, found: [1]}
behaviours:
  greet: {params: {whom: value}, do: [{log: "{whom}"}]}
  on_term: {do: [{log: "told"}]}
threads:
  helper: {do: [{log: "helping"}]}
main:
- set: {whom: "'you'"}
- start: helper
"""
BEGUN = {
    "result: ": {"submit": {"pool": "crew", "target": "greet", "args": {"whom": 1}, "into": "job"}},
    "release: ": {"acquire": "guard"},
}
"""What stands before a step that needs something."""
WITHIN = {"with", "repeat", "for", "section"}


@pytest.mark.parametrize(("step", "companion", "python"), ROWS, ids=[row[0].split(":")[0] for row in ROWS])
def test_a_step_becomes_the_python_beside_it(step: str, companion: str, python: str) -> None:
    scenario = yaml.safe_load(AROUND)
    if step.startswith("interrupts"):
        scenario |= yaml.safe_load(step)
        python = python.partition("..")[0]
    else:
        written = yaml.safe_load(step.replace("[..]", "[{set: {total: 1}}]")) | yaml.safe_load(companion or "{}")
        if next(iter(written)) in WITHIN:
            written["do"] = [{"log": "inside"}]
        scenario["main"] += [before for begin, before in BEGUN.items() if step.startswith(begin)] + [written]
        if step.startswith("start: "):
            scenario["main"] = [one for one in scenario["main"] if one != {"start": "helper"}] + [written]
    made = plain_python(scenrun.load(scenario)).text
    assert f"\n    {python}" in made, made


def test_the_table_has_most_verbs() -> None:
    assert len(ROWS) >= 30
