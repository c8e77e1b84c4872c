"""Runs plain Python scripts many times, each run in a fresh module, and tells how each ended."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_CHILD = r"""
import atexit, concurrent.futures.thread as pools, json, logging, os, sys, threading, time

times, limit, interval, first, *paths = sys.argv[1:]
times, limit, interval, first = int(times), float(limit), float(interval), int(first)
logging.disable(logging.CRITICAL)
sys.setswitchinterval(interval)
main_thread, began, now, raised, at_exit = threading.current_thread(), [0.0], [""], [], []
told = os.dup(1)
os.dup2(os.open(os.devnull, os.O_WRONLY), 1)

def plain(value):
    return sorted(map(repr, value)) if isinstance(value, set) else "a thread or a future"

def tell(**what):
    os.write(told, (json.dumps(what, default=plain) + "\n").encode())

def said(error):
    # What is asked may fail itself, such as an index that is not there: that is no exception of the program.
    at = error.__traceback__
    while at is not None:
        if at.tb_frame.f_code.co_name in ("check", "check_always", "outcome") and type(error) is not AssertionError:
            return ["AssertionError", "final: it cannot be asked"]
        at = at.tb_next
    return [type(error).__name__, str(error)]

def watch():
    while True:
        time.sleep(0.05)
        if time.monotonic() - began[0] > limit:
            tell(path=now[0], ended=False, raised=list(raised))
            os._exit(0)

def excepthook(args):
    if args.exc_type is not SystemExit:
        raised.append(said(args.exc_value))

threading.excepthook = excepthook
atexit.register = at_exit.append
began[0] = time.monotonic()
threading.Thread(target=watch, daemon=True).start()
watcher = threading.enumerate()[-1]
for path in paths:
  code = compile(open(path).read(), path, "exec")
  now[0] = path
  for _ in range(first if path == paths[0] else 0, times):
      raised.clear(), at_exit.clear()
      began[0] = time.monotonic()
      names = {"__name__": "__main__", "__file__": path}
      try:
          exec(code, names)
      except SystemExit:
          pass
      except BaseException as error:
          raised.append(said(error))
      pools._python_exit()  # as Python does when main has returned: pools first, then the threads that are no daemons
      pools._shutdown = False
      while others := [one for one in threading.enumerate() if one is not main_thread and not one.daemon]:
          for thread in others:
              if thread.is_alive():  # not one that is only about to start
                  thread.join()
      for one in at_exit:
          try:
              one()
          except BaseException as error:
              raised.append(said(error))
      try:
          seen = names["outcome"]() if "outcome" in names else None
      except Exception as error:
          seen = None
          raised.append(said(error))
      tell(path=path, ended=True, raised=list(raised), outcome=seen)
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


def runs_of(
    paths: Iterable[Path], times: int, *, limit_s: float, python: str = sys.executable, interval_s: float = 1e-6
) -> dict[Path, list[Ended]]:
    """Run each of some scripts so many times; one is run no more once it has not ended."""
    left = {str(path): 0 for path in paths}
    found: dict[Path, list[Ended]] = {Path(path): [] for path in left}
    while left:
        first = next(iter(left.values()))
        command = [python, "-c", _CHILD, str(times), str(limit_s), str(interval_s), str(first), *left]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.stdout, done.stderr
        for line in done.stdout.splitlines():
            one = json.loads(line)
            end = Ended(one["ended"], tuple(map(tuple, one["raised"])), one.get("outcome"))
            found[Path(one["path"])].append(end)
            left[one["path"]] += 1
            if not end.ended or left[one["path"]] == times:
                del left[one["path"]]
    return found


def runs(path: Path, times: int, *, limit_s: float) -> list[Ended]:
    """Run a script so many times, no more once it has not ended."""
    return runs_of([path], times, limit_s=limit_s)[path]
