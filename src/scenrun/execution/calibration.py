"""Measures what steps cost on this machine: runs small scenarios on real threads and compares their durations."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from time import perf_counter_ns, process_time_ns
from typing import Any

from msgspec import Struct, field

from scenrun.errors import UsageError
from scenrun.execution.threads.run_program import run_program
from scenrun.program.ir import Program
from scenrun.trace.recorder import Recorder, open_output

Load = Callable[[dict[str, Any]], Program]
"""Compiles a scenario to a program."""
Steps = list[Any]
QUIET, TELLING = "warning", "info"
"""The log levels of the measurements: the first for all probes but those of log lines, the second for these."""
SHARE = 8
"""A probe is compared with itself at this many times fewer turns, so that the time to start and end a run cancels out."""
SLEEP_NS, WORK_NS = 500_000, 200_000
"""The durations of a sleep and of a piece of work in the probes, in nanoseconds."""


class Probe(Struct, frozen=True):
    """A small scenario whose duration grows with its number of turns."""

    turns: int
    body: Steps
    """The steps of a turn, in a loop of the first thread."""
    sync: Mapping[str, Any] = field(default_factory=dict)
    state: Mapping[str, Any] = field(default_factory=dict)
    other: Steps | None = None
    """The steps of a turn of a second thread, if there is one; it makes as many turns."""
    before: Steps = field(default_factory=list)
    after: Steps = field(default_factory=list)
    level: str = QUIET
    begins: bool = False
    """Whether the probe starts threads or tasks, which are empty."""

    def scenario(self, turns: int) -> dict[str, Any]:
        """Returns the scenario with this many turns."""
        threads = {"one": {"do": [*self.before, {"repeat": turns, "do": self.body}, *self.after]}}
        if self.other is not None:
            threads["other"] = {"do": [{"repeat": turns, "do": self.other}]}
        behaviours: dict[str, Any] = {"empty": {"do": []}} if self.begins else {}
        parts = {"sync": dict(self.sync), "state": dict(self.state), "behaviours": behaviours, "threads": threads}
        return {"scenario": "calibration", **{name: part for name, part in parts.items() if part}}


def _put(name: str) -> dict[str, Any]:
    return {"put": {"queue": name, "item": 1}}


def _get(name: str) -> dict[str, Any]:
    return {"get": {"queue": name, "into": "_item"}}


def _spawn(name: str) -> dict[str, Any]:
    return {"spawn": {"target": "empty", "into": name}}


_C, _Q, _POOL = {"c": "condition"}, {"q": "queue"}, {"p": {"pool": {"max_workers": 2}}}
_IN_C = [{"acquire": "c"}, {"release": "c"}]
_SUBMIT = {"submit": {"pool": "p", "target": "empty", "into": "_task"}}
_MANY = tuple(f"made{number}" for number in range(8))
"""Locals for threads that live at the same time: the first few reuse memory and cost less, so several are measured."""
PROBES: dict[str, Probe] = {
    "turn": Probe(100_000, []),
    "ask": Probe(60_000, [{"if": "e.is_set()", "then": []}], {"e": "event"}),
    "set": Probe(60_000, [{"set": {"x": "x + 1"}}], state={"x": 0}),
    "append, pop": Probe(10_000, [{"append": {"to": "x", "item": 1}}, {"pop": {"from": "x", "into": "_y"}}],
                         state={"x": []}),
    "choose": Probe(20_000, [{"choose": {"from": [1, 2], "into": "_x"}}]),
    "atomic": Probe(20_000, [{"atomic": []}]),
    "section": Probe(20_000, [{"section": "s", "do": []}]),
    "lock": Probe(40_000, [{"acquire": "g"}, {"release": "g"}], {"g": "lock"}),
    "rlock": Probe(20_000, [{"acquire": "g"}, {"release": "g"}], {"g": "rlock"}),
    "semaphore": Probe(20_000, [{"acquire": "g"}, {"release": "g"}], {"g": "semaphore"}),
    "put": Probe(15_000, [_put("q")], _Q),
    "put, get": Probe(10_000, [_put("q"), _get("q")], _Q),
    "put, get, task_done": Probe(8_000, [_put("q"), _get("q"), {"task_done": "q"}], _Q),
    "join_queue": Probe(20_000, [{"join_queue": "q"}], _Q),
    "simple put": Probe(20_000, [_put("q")], {"q": {"queue": {"kind": "simple"}}}),
    "simple put, get": Probe(15_000, [_put("q"), _get("q")], {"q": {"queue": {"kind": "simple"}}}),
    "wait": Probe(15_000, [{"wait": "e"}], {"e": {"event": {"initially": "set"}}}),
    "barrier": Probe(8_000, [{"wait": "b"}], {"b": {"barrier": {"parties": 1}}}),
    "set_event": Probe(20_000, [{"set_event": "e"}], {"e": "event"}),
    "clear_event": Probe(20_000, [{"clear_event": "e"}], {"e": "event"}),
    "notify": Probe(15_000, [*_IN_C[:1], {"notify": "c"}, *_IN_C[1:]], _C),
    "notify_all": Probe(15_000, [*_IN_C[:1], {"notify_all": "c"}, *_IN_C[1:]], _C),
    "log": Probe(4_000, [{"log": "a line of usual length"}], level=TELLING),
    "work": Probe(64, [{"work": f"{WORK_NS // 1_000}us"}]),
    "sleep": Probe(64, [{"sleep": f"{SLEEP_NS // 1_000}us"}]),
    "hand over": Probe(2_000, [{"acquire": "ping"}, {"release": "pong"}],
                       {"ping": "lock", "pong": {"lock": {"initially": "locked"}}},
                       other=[{"acquire": "pong"}, {"release": "ping"}]),
    "spawn, join": Probe(120, [*map(_spawn, _MANY), *({"join": name} for name in _MANY)], begins=True),
    "join": Probe(10_000, [{"join": "made"}], before=[_spawn("made")], begins=True),
    "submit": Probe(4_000, [_SUBMIT], _POOL, after=[{"shutdown": "p"}], begins=True),
    "result": Probe(10_000, [{"result": {"future": "_task", "into": "_x"}}], _POOL, before=[_SUBMIT], begins=True),
}  # fmt: skip
"""The probes by name."""


class Measured(Struct, frozen=True):
    """The duration of one turn of a probe, in nanoseconds."""

    wall_ns: float
    cpu_ns: float
    """Processor time of all threads together."""

    @staticmethod
    def median_of(several: Sequence[Measured]) -> Measured:
        """Returns the medians of both times."""
        return Measured(median(one.wall_ns for one in several), median(one.cpu_ns for one in several))


def calibrate(load: Load, *, rounds: int = 7, progress: Callable[[int, int], None] = lambda done, of: None,
              share: float = 1.0) -> dict[str, int]:  # fmt: skip
    """Measures the costs of this machine's steps in nanoseconds: by verb, by operation where kinds differ, and by `OWN_WORDS`.

    `share` is the fraction of the usual number of turns to run: less is faster and less exact. `progress` is called with the
    number of finished rounds and of all rounds.
    """
    return costs_of(measure(load, rounds=rounds, progress=progress, share=share))


def measure(load: Load, *, rounds: int, progress: Callable[[int, int], None], share: float) -> dict[str, Measured]:
    """Measures the duration of a turn of every probe: the median over rounds, each of which runs all probes."""
    pairs = {name: Pair.of(probe, load, share) for name, probe in PROBES.items()}
    found: dict[str, list[Measured]] = {name: [] for name in pairs}
    for number in range(rounds):
        for name, pair in pairs.items():
            found[name].append(pair.measure())
        progress(number + 1, rounds)
    return {name: Measured.median_of(each) for name, each in found.items()}


class Pair(Struct, frozen=True):
    """A probe compiled with few turns and with many."""

    few: Program
    many: Program
    difference: int
    level: str

    @staticmethod
    def of(probe: Probe, load: Load, share: float) -> Pair:
        many = max(SHARE, int(probe.turns * share))
        few = many // SHARE
        return Pair(load(probe.scenario(few)), load(probe.scenario(many)), many - few, probe.level)

    def measure(self) -> Measured:
        (few_wall, few_cpu), (many_wall, many_cpu) = (_time(one, self.level) for one in (self.few, self.many))
        return Measured((many_wall - few_wall) / self.difference, (many_cpu - few_cpu) / self.difference)


def _time(program: Program, level: str) -> tuple[int, int]:
    """Runs a program; returns the wall time until its last line is written, and the processor time, in nanoseconds."""
    output = open_output(os.devnull)
    gc.collect()
    try:
        began, cpu = perf_counter_ns(), process_time_ns()
        result = run_program(
            program,
            lambda run_id: Recorder(run_id, output, level=level, **program.log_options),
            level=level,
        )
        spent = perf_counter_ns() - began, process_time_ns() - cpu
    finally:
        output.leave()
    if not result.ok:
        raise UsageError(
            f"a scenario of the calibration did not end well ({result.findings[0].message}); please try again"
        )
    return spent


def costs_of(measured: Mapping[str, Measured]) -> dict[str, int]:
    """Computes the costs from the durations of turns.

    A turn of a loop costs nothing in a simulation, so its time is added to the steps: the steps of a probe share its turn,
    and none of them gets more than half of one, as loops mostly have two steps or more.
    """
    wall = {name: one.wall_ns for name, one in measured.items()}
    half = wall["turn"] / 2

    def alone(name: str) -> float:
        return wall[name] - half

    def each(name: str) -> float:
        return wall[name] / 2

    in_condition = wall["rlock"]
    costs = {
        "acquire": each("lock"), "release": each("lock"),
        "rlock.acquire": each("rlock"), "rlock.release": each("rlock"),
        "semaphore.acquire": each("semaphore"), "semaphore.release": each("semaphore"),
        "bounded_semaphore.acquire": each("semaphore"), "bounded_semaphore.release": each("semaphore"),
        "put": alone("put"), "get": wall["put, get"] - alone("put"),
        "task_done": wall["put, get, task_done"] - wall["put, get"], "join_queue": alone("join_queue"),
        "simple_queue.put": alone("simple put"), "simple_queue.get": wall["simple put, get"] - alone("simple put"),
        "set": each("set"), "append": each("append, pop"), "pop": each("append, pop"),
        "ask": alone("ask"), "turn": wall["turn"], "choose": alone("choose"), "atomic": alone("atomic"),
        "section": each("section"),
        "wait": alone("wait"), "barrier.wait": alone("barrier"),
        "set_event": alone("set_event"), "clear_event": alone("clear_event"),
        "notify": wall["notify"] - in_condition, "notify_all": wall["notify_all"] - in_condition,
        "log": alone("log"), "join": alone("join"), "result": alone("result"),
        "switch": wall["hand over"] / 2 - wall["lock"],
        "work": wall["work"] - WORK_NS,
        "sleep": measured["sleep"].cpu_ns, "late": wall["sleep"] - SLEEP_NS - measured["sleep"].cpu_ns,
    }  # fmt: skip
    costs["step"] = median(costs[word] for word in ("acquire", "set", "ask", "put", "set_event"))
    costs["spawn"] = wall["spawn, join"] / len(_MANY) - costs["join"] - costs["step"] - costs["switch"]
    costs["submit"] = alone("submit") - 2 * costs["step"]
    costs["start"] = costs["spawn"]
    return {word: max(1, round(nanoseconds)) for word, nanoseconds in costs.items()}
