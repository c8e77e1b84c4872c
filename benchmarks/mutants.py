"""Breaks the model of each primitive, one line at a time, and sees whether the comparison with the real objects notices.

    python benchmarks/mutants.py [--tries 1000] [--only WORD]

A mutant is a line of a file in `primitives/` with another meaning; mutants.yaml lists them. It is caught by random commands
that are given to the model and to real objects (tests/conformance/test_primitives.py and ..._of_threads.py), or by a
little scenario whose real log the model then refuses (tests/support/acceptance.py). Exit status 1 if one survives.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import inspect
import random
import sys
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "support"))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "conformance"))

import acceptance
import test_primitives as primitives
import test_threads as threads
import yaml

import scenrun
from scenrun.execution.threads import threads as real_threads
from scenrun.language.source import decode
from scenrun.program.loaded import load_source
from scenrun.program.primitives.kinds import Kind
from scenrun.program.primitives.registry import KINDS

TRIES = 1_000


@dataclass(frozen=True)
class Mutant:
    """A kind of object with a mistake in its model."""

    what: str
    name: str
    old: str
    new: str
    scenario: str = ""
    """A little scenario that shows it, where random commands cannot."""

    def __str__(self) -> str:
        return f"{self.what}: {self.name}"

    @property
    def kind(self) -> str:
        """The kind whose model is broken."""
        return OF_ORDER.get(self.what, self.what)


OF_ORDER = {"fifo": "queue", "lifo": "queue", "priority": "queue"}
FILES = {
    "bounded_semaphore": "semaphore",
    "simple_queue": "queue",
    "timer": "thread",
    "spawned": "thread",
    "pool": "future",
    "task": "future",
}
SUBJECTS: dict[str, tuple[str, ...]] = {
    "lock": ("lock", "lock, initially locked"),
    "rlock": ("rlock",),
    "semaphore": ("semaphore",),
    "bounded_semaphore": ("bounded semaphore",),
    "condition": ("condition over an rlock", "condition over a lock"),
    "event": ("event",),
    "barrier": ("barrier",),
    "fifo": ("queue", "queue without bound"),
    "lifo": ("lifo queue",),
    "priority": ("priority queue",),
    "simple_queue": ("simple queue",),
    "variable": ("variable", "guarded variable"),
    "section": ("section",),
    "thread": ("threads",),
    "timer": ("timers",),
    "spawned": ("spawned threads",),
    "pool": ("a pool of one, shut", "a pool of two"),
    "future": ("a pool of one", "a pool of two"),
    "own_future": ("future",),
    "task": ("tasks",),
}
"""The subjects of the two tests that show what is broken in a kind."""


def _table() -> tuple[Mutant, ...]:
    rows = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"))
    return tuple(
        Mutant(what, name, row["line"], row["becomes"], row.get("scenario", ""))
        for what, of_kind in rows.items()
        for name, row in of_kind.items()
    )


MUTANTS = _table()


# --- breaking


def broken(mutant: Mutant) -> Kind:
    """The kind as it is with the mistake."""
    module = importlib.import_module(f"scenrun.program.primitives.{FILES.get(mutant.kind, mutant.kind)}")
    source = inspect.getsource(module)
    if source.count(mutant.old) != 1:
        raise ValueError(f"{mutant}: {source.count(mutant.old)} places of {module.__name__} read {mutant.old!r}")
    made = types.ModuleType(module.__name__)
    sys.modules[made.__name__], before = made, module
    try:
        exec(compile(source.replace(mutant.old, mutant.new), f"<{mutant}>", "exec"), vars(made))
    finally:
        sys.modules[made.__name__] = before
    return next(one for one in vars(made).values() if isinstance(one, Kind) and one.name == mutant.kind)


@contextlib.contextmanager
def installed(mutant: Mutant) -> Iterator[None]:
    """The model has the mistake for a while; so have the starts that look up often."""
    before, slice_s = KINDS[mutant.kind], real_threads.SLICE_S
    KINDS[mutant.kind], real_threads.SLICE_S = broken(mutant), 0.005
    try:
        yield
    finally:
        KINDS[mutant.kind], real_threads.SLICE_S = before, slice_s


# --- catching


def _one_of(choice: Any, draw: random.Random) -> Any:
    return draw.choice(choice) if isinstance(choice, list | range) and choice else choice


def _commands(name: str, draw: random.Random) -> Callable[[], None]:
    """Random commands for a subject of one of the tests, ready to be compared."""
    count = draw.randint(1, 24)
    if name in threads.SUBJECTS:
        subject = threads.SUBJECTS[name]
        told = []
        for _ in range(count):
            operation, on, arguments = draw.choice(subject.commands)
            given = tuple(_one_of(argument, draw) for argument in arguments)
            told.append((draw.randrange(6), threads.Command(operation, _one_of(on, draw), given)))
        return lambda: threads.conform(subject, told)
    objects = primitives.SUBJECTS[name]
    done = []
    for _ in range(count):
        cell, operation, arguments = draw.choice(objects.operations)
        given = tuple(_one_of(argument, draw) for argument in arguments)
        done.append((draw.randrange(primitives.ACTORS), (cell, operation, given)))
    return lambda: primitives.conform(objects, done)


def caught(mutant: Mutant, tries: int = TRIES) -> tuple[str, int] | None:
    """What has caught a mutant, after how many tries; None if nothing has."""
    with installed(mutant):
        if mutant.scenario:
            return _caught_by_a_log(mutant)
        draw = random.Random(str(mutant))
        names = SUBJECTS[mutant.what]
        for number in range(tries):
            name = names[number % len(names)]
            try:
                _commands(name, draw)()
            except AssertionError as error:
                if "the model cannot do this" not in str(error):
                    raise
                return f"random commands: {name}", number + 1
    return None


def _caught_by_a_log(mutant: Mutant) -> tuple[str, int] | None:
    text = f"scenario: s\n{mutant.scenario}"
    loaded = load_source(decode("scenario.yaml", text.encode()))
    for number in range(5):
        log: list[dict[str, Any]] = []
        scenrun.run(loaded, level="debug", log=log.append)
        if acceptance.refused(loaded.program, log) is not None:
            return "the log of a scenario", number + 1
    return None


def main() -> int:
    """The table of mutants; 1 if one survives."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tries", type=int, default=TRIES)
    parser.add_argument("--only", default="", help="mutants whose text has this")
    options = parser.parse_args()
    tried = survivors = 0
    for mutant in MUTANTS:
        text = str(mutant)
        if options.only not in text:
            continue
        tried += 1
        found = caught(mutant, options.tries)
        survivors += found is None
        result = f"{found[0]:<42} {found[1]:>4}" if found else "SURVIVES"
        print(f"{text:<64} {result}", flush=True)
    print(f"{survivors} of {tried} mutants survive")
    return int(survivors > 0)


if __name__ == "__main__":
    sys.exit(main())
