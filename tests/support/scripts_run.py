"""Runs plain Python scripts many times, each run in a fresh module, and tells how each ended."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_CHILD = r"""
import atexit, concurrent.futures.thread as pools, json, logging, os, sys, threading, time

path, times, limit, interval = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4])
text = open(path).read()
code = compile(text, path, "exec")
logging.disable(logging.CRITICAL)
sys.setswitchinterval(interval)
main_thread, began, raised, at_exit = threading.current_thread(), [0.0], [], []

def tell(**what):
    sys.__stdout__.write(json.dumps(what, default=lambda one: sorted(one) if isinstance(one, set) else repr(one)) + "\n")
    sys.__stdout__.flush()

def watch():
    while True:
        time.sleep(0.05)
        if time.monotonic() - began[0] > limit:
            tell(ended=False, raised=list(raised))
            os._exit(0)

def excepthook(args):
    if args.exc_type is not SystemExit:
        raised.append([args.exc_type.__name__, str(args.exc_value)])

threading.excepthook = excepthook
atexit.register = at_exit.append
began[0] = time.monotonic()
threading.Thread(target=watch, daemon=True).start()
watcher = threading.enumerate()[-1]
for _ in range(times):
    raised.clear(), at_exit.clear()
    began[0] = time.monotonic()
    names = {"__name__": "__main__", "__file__": path}
    try:
        exec(code, names)
    except SystemExit:
        pass
    except BaseException as error:
        raised.append([type(error).__name__, str(error)])
    pools._python_exit()  # as Python does when main has returned: pools first, then the threads that are no daemons
    pools._shutdown = False
    for thread in threading.enumerate():
        if thread is not main_thread and not thread.daemon:
            thread.join()
    for one in at_exit:
        try:
            one()
        except BaseException as error:
            raised.append([type(error).__name__, str(error)])
    seen = names["outcome"]() if "outcome" in names else None
    tell(ended=True, raised=list(raised), outcome=seen)
    if any(thread not in (main_thread, watcher) for thread in threading.enumerate()):
        os._exit(0)  # daemons would go on
os._exit(0)
"""


@dataclass(frozen=True)
class Ended:
    """How one run of a script ended."""

    ended: bool
    """False where it did not end within the limit."""
    raised: tuple[tuple[str, str], ...]
    """The exceptions that left threads, or the main one: the type and the text of each."""
    outcome: Any = None
    """What the script's `outcome` gives, as JSON has it."""


def runs(
    path: Path, times: int, *, limit_s: float, python: str = sys.executable, interval_s: float = 1e-6
) -> list[Ended]:
    """Run a script so many times; no more once one has not ended."""
    found: list[Ended] = []
    while len(found) < times:
        command = [python, "-c", _CHILD, str(path), str(times - len(found)), str(limit_s), str(interval_s)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        told = [json.loads(line) for line in done.stdout.splitlines()]
        assert told, done.stderr
        found += [Ended(one["ended"], tuple(map(tuple, one["raised"])), one.get("outcome")) for one in told]
        if not found[-1].ended:
            break
    return found
