"""Real runs neither cry wolf, nor hang, nor lose a line, however the machine schedules them: counted over many runs."""

from __future__ import annotations

import argparse
import faulthandler
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import scenrun

PATIENCE_S = 60
"""A run that takes so long hangs: every stack is printed and the benchmark ends."""

SOUND: dict[str, tuple[str, int]] = {
    "lock": (
        """
sync: {guard: lock}
state: {n: 0}
threads:
  adder: {count: 4, do: [{repeat: 15, do: [{with: guard, do: [{set: {n: n + 1}}]}, {log: "{n}"}]}]}
expect: {final: ["n == 60"]}
""",
        60,
    ),
    "lock handed over": (
        """
sync: {ping: lock, pong: {lock: {initially: locked}}}
threads:
  one: {do: [{repeat: 20, do: [{acquire: ping}, {log: ping}, {release: pong}]}]}
  two: {do: [{repeat: 20, do: [{acquire: pong}, {log: pong}, {release: ping}]}]}
""",
        40,
    ),
    "lock tried": (
        """
sync: {guard: lock}
threads:
  trier:
    count: 3
    do:
      - repeat: 10
        do:
          - acquire: {lock: guard, timeout: 1ms, into: got}
          - if: got
            then: [{log: in}, {release: guard}]
            else: [{log: out}]
""",
        30,
    ),
    "rlock": (
        """
sync: {guard: rlock}
state: {n: 0}
threads:
  adder: {count: 4, do: [{repeat: 10, do: [{with: guard, do: [{with: guard, do: [{set: {n: n + 1}}]}]}, {log: "{n}"}]}]}
expect: {final: ["n == 40"]}
""",
        40,
    ),
    "semaphores": (
        """
sync: {slots: {semaphore: {value: 2}}, bounded: {bounded_semaphore: {value: 2}}}
threads:
  user:
    count: 4
    do: [{repeat: 6, do: [{with: slots, do: [{section: inner, do: [{log: in}]}]}, {with: bounded, do: [{log: in}]}]}]
expect: {always: ['inside("inner") <= 2']}
""",
        48,
    ),
    "condition buffer": (
        """
sync: {guard: lock, filled: {condition: {lock: guard}}, emptied: {condition: {lock: guard}}}
state: {items: []}
threads:
  source:
    do:
      - for: i
        in: range(20)
        do:
          - with: guard
            do: [{wait_for: {condition: emptied, until: len(items) < 2}}, {append: {to: items, item: i}},
              {notify: filled}]
  sink:
    count: 2
    do:
      - repeat: 10
        do:
          - with: guard
            do:
              - wait_for: {condition: filled, until: len(items) > 0}
              - pop: {from: items, at: 0, into: item}
              - notify: emptied
              - log: "{item}"
expect: {final: ["items == []"]}
""",
        20,
    ),
    "condition with timeouts": (
        """
sync: {c: condition}
state: {turns: 0}
threads:
  waiter: {count: 3, do: [{repeat: 5, do: [{with: c, do: [{wait: {condition: c, timeout: 2ms}}, {log: woken}]}]}]}
  notifier: {do: [{repeat: 10, do: [{with: c, do: [{notify: {condition: c, n: 2}}, {set: {turns: turns + 1}}]}]},
    {log: done}]}
expect: {final: ["turns == 10"]}
""",
        16,
    ),
    "events": (
        """
sync: {go: {event: {count: 4}}}
threads:
  link: {count: 3, do: [{wait: "go[index]"}, {log: passed}, {set_event: "go[index + 1]"}]}
main: [{start: link}, {set_event: "go[0]"}, {wait: "go[3]"}, {clear_event: "go[3]"}, {log: all}, {join: link}]
""",
        4,
    ),
    "barrier": (
        """
sync: {phase: {barrier: {parties: 4}}}
state: {places: 0}
threads:
  comer:
    count: 4
    do:
      - repeat: 6
        do: [{wait: {barrier: phase, into: place}}, {atomic: [{set: {places: places + place}}]}, {log: "{place}"}]
expect: {final: ["places == 36"]}
""",
        24,
    ),
    "broken barrier": (
        """
sync: {phase: {barrier: {parties: 4}}}
threads:
  comer:
    count: 3
    do:
      - try: [{wait: {barrier: phase, timeout: 5ms}}]
        except: {threading.BrokenBarrierError: [{log: broken}]}
""",
        3,
    ),
    "queue pipeline": (
        """
sync: {first: {queue: {maxsize: 2}}, second: {queue: {kind: lifo, maxsize: 1}}}
threads:
  source: {do: [{for: i, in: range(20), do: [{put: {queue: first, item: i}}]}, {put: {queue: first, item: null}}]}
  middle:
    do:
      - get: {queue: first, into: item}
      - while: item is not None
        do: [{put: {queue: second, item: item}}, {get: {queue: first, into: item}}]
      - put: {queue: second, item: null}
  sink:
    do:
      - get: {queue: second, into: item}
      - while: item is not None
        do: [{log: "{item}"}, {get: {queue: second, into: item}}]
""",
        20,
    ),
    "queue of tasks": (
        """
sync: {tasks: {queue: {kind: priority}}}
threads:
  worker:
    daemon: true
    count: 3
    do: [{while: true, do: [{get: {queue: tasks, into: item}}, {log: "{item}"}, {task_done: tasks}]}]
main: [{start: worker}, {for: i, in: range(20), do: [{put: {queue: tasks, item: i}}]}, {join_queue: tasks}]
""",
        20,
    ),
    "queue with timeouts": (
        """
sync: {q: {queue: {maxsize: 1}}}
threads:
  source:
    do:
      - repeat: 5
        do: [{try: [{put: {queue: q, item: 1, timeout: 1ms}}], except: {queue.Full: []}}, {log: tried}]
  sink:
    do:
      - repeat: 5
        do: [{try: [{get: {queue: q, timeout: 1ms}}], except: {queue.Empty: []}}, {log: tried}]
""",
        10,
    ),
    "simple queue": (
        """
sync: {q: {queue: {kind: simple}}}
threads:
  source: {count: 2, do: [{for: i, in: range(10), do: [{put: {queue: q, item: i}}]}]}
  sink: {count: 2, do: [{repeat: 10, do: [{get: {queue: q, into: item}}, {log: "{item}"}]}]}
""",
        20,
    ),
    "pool": (
        """
sync: {p: {pool: {max_workers: 2}}}
behaviours:
  inner: {params: {x: {type: value}}, do: [{log: inner}, {return: x + 1}]}
  outer: {params: {x: {type: value}}, do: [{submit: {pool: p, target: inner, args: {x: x}, into: f}},
    {result: {future: f, into: y}}, {return: y}]}
main:
  - for: i
    in: range(6)
    do: [{submit: {pool: p, target: outer, args: {x: i}, into: f}}, {result: {future: f, into: y}}, {log: "{y}"}]
  - shutdown: p
""",
        12,
    ),
    "pool map": (
        """
sync: {p: {pool: {max_workers: 3}}}
behaviours: {square: {params: {x: {type: value}}, do: [{log: "{x}"}, {return: x * x}]}}
main:
  - with: p
    do: [{map: {pool: p, target: square, over: range(10), as: x, into: squares}}, {assert: "sum(squares) == 285"}]
""",
        10,
    ),
    "pool cancelled": (
        """
sync: {p: {pool: {max_workers: 1}}}
behaviours: {nap: {do: [{sleep: 1ms}]}}
main:
  - repeat: 5
    do:
      - submit: {pool: p, target: nap, into: f}
      - submit: {pool: p, target: nap, into: g}
      - cancel: {future: g}
      - try: [{result: g}]
        except: {concurrent.futures.CancelledError: []}
      - result: f
      - log: turn
  - submit: {pool: p, target: nap, into: _f}
  - submit: {pool: p, target: nap, into: _g}
  - shutdown: {pool: p, cancel_futures: true}
  - log: closed
""",
        6,
    ),
    "declared tasks": (
        """
sync: {p: {pool: {max_workers: 2}}}
threads:
  task: {count: 6, pool: p, do: [{log: "{index}"}]}
  starter: {do: [{start: task}]}
  joiner: {do: [{while: "not task[5].is_alive() and not over", do: [{sleep: 100us}]}, {join: "task[5]"}]}
state: {over: false}
main: [{start: starter}, {start: joiner}, {join: starter}, {set: {over: true}}, {join: task}]
""",
        6,
    ),
    "timers": (
        """
sync:
  soon: {timer: {after: 2ms, target: says}}
  never: {timer: {after: 20s, target: says}}
  before: {timer: {after: 1ms, target: says}}
  racing: {timer: {after: 1ms, target: ends}}
behaviours: {says: {do: [{log: fired}]}, ends: {do: []}}
main: [{cancel: before}, {start: soon}, {start: never}, {start: before}, {start: racing}, {sleep: 1ms},
  {cancel: racing}, {join: soon}, {cancel: never}]
""",
        1,
    ),
    "daemons": (
        """
sync: {never: event, guard: lock}
threads:
  sleeper: {daemon: true, count: 2, do: [{while: true, do: [{with: guard, do: [{sleep: 200us}]}]}]}
  blocked: {daemon: true, do: [{wait: never}]}
main: [{start: sleeper}, {start: blocked}, {sleep: 2ms}, {with: guard, do: [{log: in}]}]
""",
        1,
    ),
    "spawned": (
        """
behaviours: {says: {params: {x: {type: value}}, do: [{log: "{x}"}]}}
main:
  - for: i
    in: range(8)
    do: [{spawn: {target: says, args: {x: i}, into: t}}, {join: t}]
""",
        8,
    ),
    "atomic": (
        """
state: {a: 0, b: 0}
threads: {both: {count: 3, do: [{repeat: 10, do: [{atomic: [{set: {a: a + 1}}, {set: {b: b - 1}}]}]}, {log: done}]}}
expect: {always: ["a + b == 0"], final: ["a == 30"]}
""",
        3,
    ),
}
"""Scenarios that are sound under every schedule, each with the messages that it logs."""

HANGING: dict[str, str] = {
    "lock": "sync: {a: lock}\nmain: [{acquire: a}, {acquire: a}]\n",
    "locks in a circle": """
sync: {a: lock, b: lock, met: {barrier: {parties: 2}}}
threads:
  left: {do: [{acquire: a}, {wait: met}, {acquire: b}]}
  right: {do: [{acquire: b}, {wait: met}, {acquire: a}]}
""",
    "rlock": """
sync: {a: rlock, held: event}
threads: {taker: {do: [{acquire: a}, {set_event: held}]}}
main: [{start: taker}, {wait: held}, {acquire: a}]
""",
    "semaphore": "sync: {a: {semaphore: {value: 2}}}\nthreads: {taker: {count: 3, do: [{acquire: a}]}}\n",
    "bounded semaphore": "sync: {a: bounded_semaphore}\nthreads: {taker: {count: 2, do: [{acquire: a}]}}\n",
    "condition": """
sync: {c: condition}
threads: {waiter: {count: 3, do: [{with: c, do: [{wait: c}]}]}}
""",
    "condition's lock": """
sync: {a: lock, c: {condition: {lock: a}}}
threads: {keeper: {do: [{acquire: a}, {notify: c}]}}
main: [{acquire: c}, {start: keeper}, {wait: c}]
""",
    "event": "sync: {e: event}\nthreads: {waiter: {count: 2, do: [{wait: e}]}}\n",
    "barrier": "sync: {b: {barrier: {parties: 3}}}\nthreads: {comer: {count: 5, do: [{wait: b}]}}\n",
    "empty queue": """
sync: {q: queue}
threads: {taker: {count: 2, do: [{get: {queue: q}}]}, giver: {do: [{put: {queue: q, item: 1}}]}}
""",
    "full queue": "sync: {q: {queue: {maxsize: 2}}}\nthreads: {giver: {count: 3, do: [{put: {queue: q, item: 1}}]}}\n",
    "priority queue": "sync: {q: {queue: {kind: priority}}}\nthreads: {taker: {count: 2, do: [{get: q}]}}\n",
    "simple queue": """
sync: {q: {queue: {kind: simple}}}
threads: {taker: {count: 3, do: [{get: q}]}, giver: {do: [{put: {queue: q, item: 1}}, {put: {queue: q, item: 2}}]}}
""",
    "queue's tasks": """
sync: {q: queue}
threads: {taker: {do: [{get: q}]}}
main: [{start: taker}, {put: {queue: q, item: 1}}, {join_queue: q}]
""",
    "joins": """
sync: {go: event}
threads: {left: {do: [{wait: go}, {join: right}]}, right: {do: [{wait: go}, {join: left}]}}
main: [{start: left}, {start: right}, {set_event: go}]
""",
    "future": """
sync: {e: event, p: {pool: {max_workers: 2}}}
behaviours: {waits: {do: [{wait: e}]}}
main: [{submit: {pool: p, target: waits, into: f}}, {result: f}]
""",
    "pool in itself": """
sync: {p: {pool: {max_workers: 1}}}
behaviours: {inner: {do: []}, outer: {do: [{submit: {pool: p, target: inner, into: f}}, {result: f}]}}
main: [{submit: {pool: p, target: outer, into: f}}, {result: f}]
""",
    "pool's shutdown": """
sync: {e: event, p: {pool: {max_workers: 2}}}
behaviours: {waits: {do: [{wait: e}]}}
main: [{with: p, do: [{repeat: 4, do: [{submit: {pool: p, target: waits, into: _f}}]}]}]
""",
    "full pool": """
sync: {p: {pool: {max_workers: 2}}, b: {barrier: {parties: 3}}}
threads: {task: {count: 3, pool: p, do: [{wait: b}]}}
""",
    "timer": """
sync: {e: event, t: {timer: {after: 1ms, target: waits}}}
behaviours: {waits: {do: [{wait: e}]}}
main: [{start: t}, {join: t}]
""",
    "spawned": """
sync: {q: queue}
behaviours: {waits: {do: [{get: q}]}}
main: [{spawn: {target: waits, into: t}}, {join: t}]
""",
}
"""Scenarios that end in a deadlock under every schedule."""


@dataclass(slots=True)
class Count:
    """What came of the runs of one kind."""

    runs: int = 0
    wrong: list[str] = field(default_factory=list)
    slowest_s: float = 0.0


@contextmanager
def loaded_cores(processes: int) -> Iterator[None]:
    """Keep so many processors busy."""
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(processes)]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


def complaints(lines: list[dict[str, Any]], verdict: str, messages: int | None) -> list[str]:
    """What is wrong with the log of one run."""
    out = []
    if [line["seq"] for line in lines] != list(range(len(lines))):
        out.append("a line is lost")
    if [n for n, line in enumerate(lines) if line["event"] == "run.finished"] != [len(lines) - 1]:
        return [*out, "`run.finished` is not the last line"]
    if lines[-1]["verdict"] != verdict:
        said = "; ".join(finding["message"] for finding in lines[-1]["findings"])
        out.append(f"the verdict is {lines[-1]['verdict']}, not {verdict} ({said})")
    if lines[-1].get("not_ended"):
        out.append(f"left behind: {lines[-1]['not_ended']}")
    seen = sum(line["event"] == "message" for line in lines)
    if messages is not None and seen != messages:
        out.append(f"{seen} messages, not {messages}")
    return out


def in_process(loaded: scenrun.Loaded, verdict: str, messages: int | None, chance: random.Random) -> list[str]:
    """One run in this process, at a switch interval drawn between 1 us and 5 ms."""
    lines: list[dict[str, Any]] = []
    before = set(threading.enumerate())
    sys.setswitchinterval(10 ** chance.uniform(-6, -2.3))
    scenrun.run(loaded, log=lines.append, level=chance.choice(["info", "debug"]), time_limit=PATIENCE_S / 2)
    left = set(threading.enumerate()) - before
    return complaints(lines, verdict, messages) + ([f"threads left: {left}"] if left else [])


def by_command(path: Path, verdict: str, messages: int | None) -> list[str]:
    """One run through the command line."""
    done = subprocess.run(
        [sys.executable, "-m", "scenrun", "run", str(path)], capture_output=True, timeout=PATIENCE_S, check=False
    )
    wanted = 0 if verdict == "holds" else 1
    if done.returncode != wanted:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        return [f"the exit status is {done.returncode}, not {wanted}: {said[-1] if said else ''}"]
    return complaints([json.loads(line) for line in done.stdout.splitlines()], verdict, messages)


def measure(
    kinds: dict[str, tuple[str, int | None]],
    verdict: str,
    runs: int,
    commands: int,
    folder: Path,
    chance: random.Random,
) -> dict[str, Count]:
    """Run the kinds in turn until there were `runs` runs, of which `commands` through the command line."""
    counts = {name: Count() for name in kinds}
    paths = {name: folder / f"{verdict}_{number}.yaml" for number, name in enumerate(kinds)}
    for name, (text, _) in kinds.items():
        paths[name].write_text(f"scenario: s\n{text.lstrip()}")
    loaded = {name: scenrun.load(path) for name, path in paths.items()}
    names = list(kinds)
    for number in range(runs):
        name = names[number % len(names)]
        faulthandler.dump_traceback_later(2 * PATIENCE_S, exit=True)
        began = time.monotonic()
        if number < commands:
            wrong = by_command(paths[name], verdict, kinds[name][1])
        else:
            wrong = in_process(loaded[name], verdict, kinds[name][1], chance)
        count = counts[name]
        count.runs += 1
        count.wrong += wrong
        count.slowest_s = max(count.slowest_s, time.monotonic() - began)
    faulthandler.cancel_dump_traceback_later()
    return counts


def show(title: str, counts: dict[str, Count]) -> None:
    """A table on the terminal."""
    print(f"\n{title:<28}{'runs':>8}{'wrong':>8}{'slowest':>11}")
    for name, count in counts.items():
        print(f"  {name:<26}{count.runs:>8,}{len(count.wrong):>8,}{count.slowest_s:>9.2f} s")
        for complaint in count.wrong[:3]:
            print(f"      {complaint}")
        if len(count.wrong) > 3:
            print(f"      and {len(count.wrong) - 3} more")
    runs, wrong = sum(c.runs for c in counts.values()), sum(len(c.wrong) for c in counts.values())
    print(f"  {'all':<26}{runs:>8,}{wrong:>8,}{max(c.slowest_s for c in counts.values()):>9.2f} s")


def as_json(counts: dict[str, Count]) -> dict[str, Any]:
    """The same for a program."""
    return {name: {"runs": c.runs, "wrong": c.wrong, "slowest_s": round(c.slowest_s, 3)} for name, c in counts.items()}


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sound", type=int, default=440, help="runs of scenarios that must hold (440)")
    parser.add_argument("--hanging", type=int, default=105, help="runs of scenarios that must deadlock (105)")
    parser.add_argument("--commands", type=int, default=22, help="of each sort, runs through the command line (22)")
    parser.add_argument("--full", action="store_true", help="10,000 sound and 1,000 hanging runs")
    parser.add_argument("--busy", type=int, default=os.cpu_count() or 1, help="processes that keep the cores busy")
    parser.add_argument("--seed", type=int, default=0, help="of the switch intervals")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    given = parser.parse_args()
    if given.full:
        given.sound, given.hanging = 10_000, 1_000
    return given


def main() -> int:
    """Exit status 1 if anything was wrong."""
    given = arguments()
    chance = random.Random(given.seed)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, loaded_cores(given.busy):
        sound = measure(dict(SOUND), "holds", given.sound, given.commands, Path(folder), chance)
        hanging = measure(
            {name: (text, None) for name, text in HANGING.items()},
            "deadlock", given.hanging, given.commands, Path(folder), chance,
        )  # fmt: skip
    took_s = round(time.monotonic() - began, 1)
    if given.json:
        about = {"python": sys.version.split()[0], "cpus": os.cpu_count(), "busy": given.busy, "took_s": took_s}
        print(json.dumps({**about, "sound": as_json(sound), "hanging": as_json(hanging)}, indent=1))
    else:
        show("must hold", sound)
        show("must deadlock", hanging)
        print(f"\nPython {sys.version.split()[0]}, {given.busy} busy processes, {took_s} s")
    return int(any(count.wrong for count in (*sound.values(), *hanging.values())))


if __name__ == "__main__":
    sys.exit(main())
