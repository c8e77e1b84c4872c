"""Every real run's debug log against the model: some order of the logged intervals is one that the model can take."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from acceptance import Line, Refused, refused
from ends_compared import impatient
from hypothesis import HealthCheck, Phase, given, settings
from scenarios_at_random import runnable_scenarios

import scenrun
from scenrun.language.source import decode
from scenrun.program.loaded import Loaded, load, load_source

SCENARIOS = sorted((Path(__file__).parents[2] / "scenarios").glob("*.yaml"))
HURRIED_S = 1e-6
"""A switch interval so short that threads come between each other's lines at most places."""


@pytest.fixture(params=[None, HURRIED_S], ids=["as usual", "hurried"])
def hurry(request: pytest.FixtureRequest) -> Iterator[None]:
    """Threads take turns as usual, or as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(request.param or before)
    yield
    sys.setswitchinterval(before)


def loaded(text: str) -> Loaded:
    """A scenario's text."""
    return load_source(decode("scenario.yaml", f"scenario: s\n{text}".encode()))


def log_of(scenario: Loaded, seed: int = 0) -> list[Line]:
    """The lines of a real run at level debug."""
    lines: list[Line] = []
    scenrun.run(scenario, seed=seed, level="debug", log=lines.append, time_limit=30)
    return lines


@pytest.mark.usefixtures("hurry")
@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_the_model_accepts_the_log_of_every_scenario(path: Path) -> None:
    """Each of several runs, whatever its verdict."""
    stop = {"stop": "5ms"} if "queue_pipeline" in path.stem else {}
    scenario = load(path, overrides=stop)
    for seed in range(2):
        assert refused(scenario.program, log_of(scenario, seed)) is None


CORNERS = {
    "an atomic step stands between two others": """
state: {a: 0, b: 0, torn: 0}
threads:
  mover: {count: 2, do: [{repeat: 5, do: [{atomic: [{set: {a: a + 1}}, {set: {b: b + 1}}]}]}]}
  looker: {do: [{repeat: 5, do: [{atomic: [{if: a != b, then: [{set: {torn: torn + 1}}]}]}]}]}
expect: {always: ["a >= 0"]}
""",
    "draws agree, also after a choice": """
threads:
  t: {count: 3, do: [{choose: {from: [1, 2, 3], into: n}}, {set: {x: "random.randint(1, 1000)"}}, {log: "{n} {x}"}]}
""",
    "futures fail, are cancelled, and tell": """
sync: {p: {pool: {max_workers: 1}}}
behaviours:
  slow: {do: [{sleep: 3ms}, {return: 4}]}
  bad: {do: [{raise: "ValueError: no"}]}
main:
  - submit: {pool: p, target: slow, into: a}
  - submit: {pool: p, target: bad, into: b}
  - submit: {pool: p, target: slow, into: c}
  - cancel: {future: c, into: kept}
  - log: "{kept} {a.done()} {c.cancelled()} {b.running()}"
  - try: [{result: {future: b}}]
    except: {ValueError: [{log: "{error}"}]}
  - try: [{result: {future: c}}]
    except: {concurrent.futures.CancelledError: [{log: cancelled}]}
  - result: {future: a, into: x}
  - shutdown: {pool: p}
  - try: [{submit: {pool: p, target: slow, into: _d}}]
    except: {RuntimeError: [{log: "{error}"}]}
  - log: "{x}"
""",
    "timers fire, or are cancelled before and after their start": """
state: {n: 0}
behaviours: {tick: {do: [{set: {n: n + 1}}]}}
sync:
  early: {timer: {after: 1ms, target: tick}}
  late: {timer: {after: 5s, target: tick}}
  never: {timer: {after: 1ms, target: tick}}
main:
  - cancel: never
  - start: early
  - start: late
  - start: never
  - cancel: late
  - log: "{late.is_alive()}"
  - join: early
  - join: late
  - join: never
  - try: [{start: early}]
    except: {RuntimeError: [{log: "{error}"}]}
expect: {final: ["n == 1"]}
""",
    "an operation is announced, and its argument fails": """
sync: {q: queue}
main:
  - try: [{put: {queue: q, item: "1 // 0"}}]
    except: {ZeroDivisionError: [{log: "{error}"}]}
  - put: {queue: q, item: "[][0]"}
expect: {verdict: exception}
""",
    "a fault leaves a thread": """
sync: {l: lock}
threads: {t: {count: 2, do: [{release: l}]}}
expect: {verdict: exception}
""",
    "waits give up in time": """
sync: {c: condition, q: {queue: {maxsize: 1}}, e: event, b: {barrier: {parties: 3}}, s: {semaphore: {value: 0}}}
threads:
  t:
    count: 2
    do:
      - with: c
        do: [{wait: {condition: c, timeout: 1ms, into: woken}}, {notify: c}]
      - try: [{put: {queue: q, item: index, timeout: 1ms}}]
        except: {queue.Full: [{log: full}]}
      - wait: {event: e, timeout: 1ms, into: was_set}
      - acquire: {lock: s, timeout: 1ms, into: got}
      - try: [{wait: {barrier: b, timeout: 1ms}}]
        except: {threading.BrokenBarrierError: [{log: "broken {woken} {was_set} {got}"}]}
""",
    "threads made while running, in sections, with parts of lists": """
state: {items: []}
behaviours:
  add: {params: {n: value}, do: [{section: adding, do: [{append: {to: items, item: n}}, {pop: {from: items, into: x}}, {log: "{x}"}]}]}
main:
  - spawn: {target: add, args: {n: 1}, into: a}
  - spawn: {target: add, args: {n: 2}, into: b}
  - log: '{a.is_alive()} {inside("adding")}'
  - join: a
  - join: b
""",
}  # fmt: skip


@pytest.mark.usefixtures("hurry")
@pytest.mark.parametrize("corner", CORNERS)
def test_the_model_accepts_the_log_of_every_corner(corner: str) -> None:
    """What the scenarios do not show."""
    scenario = loaded(CORNERS[corner])
    for seed in range(4):
        assert refused(scenario.program, log_of(scenario, seed)) is None


def test_the_model_accepts_the_logs_of_scenarios_by_chance() -> None:
    """Every verb but `call`, every kind of object, faults and deadlocks among them, hurried and as usual."""
    differences: list[str] = []
    runs = count()

    @settings(max_examples=120, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(runnable_scenarios())
    def check(scenario: dict[str, Any]) -> None:
        sys.setswitchinterval((HURRIED_S, 5e-3)[next(runs) % 2])
        read = load(scenario)
        found = refused(read.program, log_of(read, scenario.get("seed", 0)))
        differences.extend([] if found is None else [f"{found}\n{scenario}"])

    with impatient():
        check()
    assert not differences, "\n\n".join(differences)


# --- a log that nothing real wrote


TAKING_TURNS = """
sync: {guard: lock, q: {queue: {maxsize: 5}}}
state: {n: 0}
threads:
  putter: {do: [{with: guard, do: [{set: {n: n + 1}}]}, {put: {queue: q, item: 1}}, {put: {queue: q, item: 2}}]}
  getter: {do: [{with: guard, do: [{set: {n: n + 1}}]}, {get: {queue: q, into: a}},
    {get: {queue: q, into: b}}, {log: "{a} {b}"}]}
main: [{start: putter}, {sleep: 20ms}, {start: getter}, {join: getter}, {join: putter}]
"""


def _of(lines: list[Line], thread: str, event: str) -> list[int]:
    return [at for at, line in enumerate(lines) if line.get("thread") == thread and line["event"] == event]


def _swap_items(lines: list[Line]) -> None:
    first, second = _of(lines, "getter", "queue.got")
    lines[first]["value"], lines[second]["value"] = lines[second]["value"], lines[first]["value"]


def _delay(lines: list[Line], late: list[Line], after: int) -> None:
    """Let some lines stand behind another one."""
    anchor = lines[after]
    left = [line for line in lines if not any(line is one for one in late)]
    at = next(at for at, line in enumerate(left) if line is anchor) + 1
    lines[:] = [*left[:at], *late, *left[at:]]


def _get_before_put(lines: list[Line]) -> None:
    putting = _of(lines, "putter", "queue.putting")[0]
    late = [line for line in lines[putting:] if line.get("thread") == "putter"]
    _delay(lines, late, _of(lines, "getter", "queue.got")[0])


def _acquire_twice(lines: list[Line]) -> None:
    releasing = _of(lines, "putter", "lock.releasing")[0]
    late = [line for line in lines[releasing:] if line.get("thread") == "putter"]
    _delay(lines, late, _of(lines, "getter", "lock.acquired")[0])


def _read_what_nobody_wrote(lines: list[Line]) -> None:
    lines[_of(lines, "getter", "variable.read")[0]]["value"] = 0


def _end_with_another_state(lines: list[Line]) -> None:
    lines[-1]["state"] = {"n": 1}


def _acquire_in_vain(lines: list[Line]) -> None:
    lines[_of(lines, "putter", "lock.acquired")[0]]["acquired"] = False


TAMPERED: dict[str, tuple[Any, str, str]] = {
    "two results swapped": (_swap_items, "getter", "queue.got"),
    "an item got before it was put": (_get_before_put, "getter", "queue.got"),
    "a lock acquired twice": (_acquire_twice, "getter", "lock.acquired"),
    "a value read that nobody wrote": (_read_what_nobody_wrote, "getter", "variable.read"),
    "another state at the end": (_end_with_another_state, "the end", "run.finished"),
    "a free lock not got": (_acquire_in_vain, "putter", "lock.acquired"),
}


@pytest.mark.parametrize("what", TAMPERED)
def test_a_tampered_log_is_refused(what: str) -> None:
    """And the refusal says where the model could go no further, and why."""
    tamper, thread, event = TAMPERED[what]
    scenario = loaded(TAKING_TURNS)
    lines = log_of(scenario)
    assert refused(scenario.program, lines) is None
    tamper(lines)
    found = refused(scenario.program, lines)
    assert isinstance(found, Refused)
    assert (found.line.get("thread", "the end"), found.line["event"]) == (thread, event)
    assert found.reasons
    assert f"{thread} {event}" in str(found)
