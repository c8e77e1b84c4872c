"""Explores one scenario in one way in this process, and prints as JSON what the exploring took, without the loading.

Ways: `whole` (everything that `scenrun explore` does), `unshortened` (with stories as they were found), `search` (all
states, no findings), `arrays` and `one` (the same in arrays alone, and one by one), `told` (up to the first finding and its
story), `first` (random schedules up to the first finding), `schedules N`, `memory` (a million states, and the bytes that
the process grew by).
NAME=VALUE overrides.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import scenrun
from scenrun.model.machine import FREE, Machine
from scenrun.program.ir import Program
from scenrun.search.arrays.level_search import LevelSearch
from scenrun.search.explore import explore_program
from scenrun.search.options import SearchOptions
from scenrun.search.portfolio import Portfolio, StateSearchOptions
from scenrun.search.space.breadth_first import Breadth, Limits
from scenrun.search.space.packed import Packed
from scenrun.search.space.visited import Space
from scenrun.search.strategies.campaign import run_campaign

Found = dict[str, Any]
MILLION = 1_000_000


def whole(program: Program, reduction: str) -> Found:
    """The verdict, with the stories of what was found."""
    return _verdict(program, SearchOptions(strategy="states", reduction=reduction))


def unshortened(program: Program, reduction: str) -> Found:
    """The same, with the story of each finding as it was found first."""
    return _verdict(program, SearchOptions(strategy="states", reduction=reduction, shorten=False))


def _verdict(program: Program, how: SearchOptions) -> Found:
    explored = explore_program(program, how=how)
    return {"states": explored.states, "transitions": explored.transitions, "verdict": explored.verdict}


def searched(program: Program, _: str) -> Found:
    """All states, as scenrun searches them: in arrays, if they are many."""
    space = _space(program, Limits())
    return {"states": len(space), "transitions": space.transitions}


def arrays(program: Program, _: str) -> Found:
    """All states, in arrays from the first one on."""
    space = LevelSearch(Packed(Machine(program, program.seed, folded=FREE, forgets=True)), Limits()).run()
    return {"states": len(space), "transitions": space.transitions}


def one_by_one(program: Program, _: str) -> Found:
    """All states one by one, each with the one before it."""
    space = Breadth(Packed(Machine(program, program.seed, folded=FREE, forgets=True)), Limits()).run()
    return {"states": len(space), "transitions": space.transitions}


def _space(program: Program, limits: Limits) -> Space:
    packed = Packed(Machine(program, program.seed, folded=FREE, forgets=True))
    how = StateSearchOptions(limits, reduction="off")
    return Portfolio(packed, how, lambda canonical: lambda space: None).run()


def told(program: Program, _: str) -> Found:
    """The verdict with the story of the first finding, where the search ends."""
    explored = explore_program(program, how=SearchOptions(first=True))
    return {"states": explored.states, "verdict": explored.verdict}


def first(program: Program, _: str) -> Found:
    """Random schedules, one at a time, until one of them shows something."""
    count = 0
    while True:
        campaign = run_campaign(program, strategy="random", seed=count, schedules=1)
        count += 1
        if campaign.findings:
            return {"schedules": count, "verdict": campaign.findings[0].about.kind}


def schedules(program: Program, number: str) -> Found:
    """So many random schedules."""
    campaign = run_campaign(program, strategy="random", schedules=int(number))
    return {"schedules": campaign.schedules, "steps": campaign.steps / campaign.schedules}


def memory(program: Program, _: str) -> Found:
    """A million states, and what the process has grown by, at its end and at its most."""
    before = resident()
    space = _space(program, Limits(states=MILLION))
    states = len(space)
    return {
        "states": states,
        "own": space.bytes / states,
        "grown": (resident() - before) / states,
        "most": (peak() - before) / states,
    }


def resident() -> int:
    """Bytes of memory that this process has now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def peak() -> int:
    """The most that it had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


WAYS: dict[str, Callable[[Program, str], Found]] = {
    "whole": whole, "unshortened": unshortened, "search": searched, "arrays": arrays, "one": one_by_one, "told": told,
    "first": first, "schedules": schedules, "memory": memory,
}  # fmt: skip

if __name__ == "__main__":
    path, way, argument, *settings = sys.argv[1:]
    overrides = {name: int(value) for name, value in (one.split("=") for one in settings)}
    program = scenrun.load(path, overrides=overrides).program
    wall, cpu = time.perf_counter(), time.process_time()
    found = WAYS[way](program, argument)
    found |= {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}
    print(json.dumps(found))
