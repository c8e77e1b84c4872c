"""Random programs written twice, and compared as a class with its model: the same program conforms, another one mostly does not."""

from __future__ import annotations

import random
import sys
from pathlib import Path

from programs_twice import SHARED, SYNC, Found, Twice

import scenrun
from scenrun.own_code.conforming.conform import ConformRequest, conform
from scenrun.own_code.conforming.result import Conformed


def as_class(twice: Twice) -> str:
    """The program as a class with a method for each thread."""
    made = "\n".join(f"        s.{name} = {text}" for name, (_, text) in SYNC.items())
    zero = "\n".join(f"        s.{name} = 0" for name in SHARED)
    methods = [
        f"    def t{at}(s):\n" + "\n".join(f"        {line}" for _, lines in steps for line in lines.splitlines())
        for at, steps in enumerate(twice.threads)
    ]
    head = f"import queue, threading, time\n\n\nclass Shared:\n    def __init__(s):\n{zero}\n{made}"
    return "\n\n".join([head, *methods]) + "\n"


def other(twice: Twice, seed: int) -> Twice:
    """The same program with one thread of another one in the place of its own."""
    draw, made, donor = random.Random(seed), Twice(0), Twice(1_000_000 + seed)
    made.threads = list(twice.threads)
    made.threads[draw.randrange(len(made.threads))] = draw.choice(donor.threads)
    return made


def compared(model: Twice, code: Twice, folder: Path, name: str, schedules: int) -> Conformed:
    """One program as the model of another one."""
    (folder / f"{name}.py").write_text(as_class(code))
    sys.path.insert(0, str(folder))
    try:
        request = ConformRequest(f"{name}:Shared", strategy="dpor", schedules=schedules, time_limit=None)
        return conform(scenrun.load(model.scenario()), request)
    finally:
        sys.path.remove(str(folder))
        sys.modules.pop(name, None)


def can_only_differ(model: Found, code: Found) -> bool:
    """Whether the code ends as the model never does."""
    return not code.outcomes <= model.outcomes or (code.deadlocks > 0 and model.deadlocks == 0)
