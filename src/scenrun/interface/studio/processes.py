"""Processes of their own for jobs: each with limits of memory and time, and killed when another job takes its place."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from scenrun.interface.studio.jobs.doing import do
from scenrun.interface.studio.jobs.wanted import Tell, Wanted
from scenrun.printable import clean

MEMORY_BYTES = 2 << 30
CPU_S = 300
"""The limits of one job."""
_LEAVING_S = 5.0
_DIED = "the process ended before it had told all: its memory or its time was up"


def context() -> Any:
    """How processes are begun: as copies of one that has imported everything, where the system can."""
    if sys.platform == "win32":
        return multiprocessing.get_context("spawn")
    made = multiprocessing.get_context("forkserver")
    made.set_forkserver_preload(["scenrun.interface.studio.jobs.warm"])
    return made


class Job:
    """A job in its process."""

    def __init__(self, how: Any, wanted: Wanted, tell: Tell, over: Callable[[], None] = lambda: None) -> None:
        """tell: called with each message, in a thread of its own; the last one is `done` or, without it, `refused`.

        over: called at last, in the same thread, when the process has ended.
        """
        self._receiver, sender = how.Pipe(duplex=False)
        # Removed here, as a process that is killed removes nothing.
        self._scratch = tempfile.TemporaryDirectory(prefix="scenrun-", ignore_cleanup_errors=True)
        given: Wanted = {**wanted, "scratch": self._scratch.name}
        self._process = how.Process(target=_begin, args=(given, sender), daemon=True)
        self._process.start()
        sender.close()
        self._is_over = False
        self._listener = threading.Thread(target=self._listen, args=(tell, over), daemon=True)
        self._listener.start()

    def _listen(self, tell: Tell, over: Callable[[], None]) -> None:
        is_done = False
        with suppress(EOFError, OSError):
            while not self._is_over:
                message = self._receiver.recv()
                is_done = message["kind"] == "done"
                if not self._is_over:
                    tell(message)
        if not is_done and not self._is_over:
            tell({"kind": "refused", "message": _DIED})
        self._process.join()
        self._receiver.close()
        self._scratch.cleanup()
        over()

    def end(self) -> None:
        """Kill the process; nothing more is told."""
        self._is_over = True
        self._process.kill()

    def wait(self) -> None:
        """Wait until a job that was ended is no more, and has left nothing behind."""
        self._listener.join(_LEAVING_S)


class WatchedRun:
    """A run and what watches its log as it grows, each in its process, so that watching does not hold up the threads."""

    def __init__(self, how: Any, wanted: Wanted, tell: Tell) -> None:
        """tell: as for a job; beside what the run tells, there are its lanes."""
        self._folder = tempfile.TemporaryDirectory(prefix="scenrun-", ignore_cleanup_errors=True)
        self._left = 2
        self._counting = threading.Lock()
        log = Path(self._folder.name, "log.jsonl")
        log.touch()
        self._watching = Job(how, {"do": "watch", "log": str(log)}, partial(_tell_lanes, tell), self._one_is_over)
        self._has_run = False
        self._running = Job(how, {**wanted, "log": str(log)}, partial(self._tell_run, tell), self._run_is_over)

    def _tell_run(self, tell: Tell, message: dict[str, Any]) -> None:
        self._has_run |= message["kind"] == "ran"
        tell(message)

    def _run_is_over(self) -> None:
        if not self._has_run:  # the line that ends the log never comes
            self._watching.end()
        self._one_is_over()

    def _one_is_over(self) -> None:
        with self._counting:
            self._left -= 1
            if not self._left:
                self._folder.cleanup()

    def end(self) -> None:
        """Kill both processes; nothing more is told."""
        self._running.end()
        self._watching.end()

    def wait(self) -> None:
        """Wait until both are no more."""
        self._running.wait()
        self._watching.wait()


def begin(how: Any, wanted: Wanted, tell: Tell) -> Job | WatchedRun:
    """Begin a job: a run is watched."""
    return WatchedRun(how, wanted, tell) if wanted["do"] == "run" else Job(how, wanted, tell)


def _tell_lanes(tell: Tell, message: dict[str, Any]) -> None:
    if message["kind"] == "lanes":
        tell(message)


def _begin(wanted: Wanted, sender: Connection) -> None:
    """Do a job, in its own process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    tempfile.tempdir = wanted["scratch"]
    sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115 - for as long as the process lives
    _limit()
    with suppress(BrokenPipeError, OSError):
        try:
            do(wanted, sender.send)
        except MemoryError:
            sender.send({"kind": "refused", "message": "there is not enough memory for this search"})
        except Exception as error:  # a failure of scenrun itself: it is said, and the studio goes on
            sender.send({"kind": "refused", "message": clean(f"scenrun failed: {type(error).__name__}: {error}")})
        sender.send({"kind": "done"})


def _limit() -> None:
    with suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
