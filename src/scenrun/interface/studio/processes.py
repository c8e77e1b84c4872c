"""Processes of their own for jobs: each with limits of memory and time, and killed when another job takes its place."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

from scenrun.interface.studio import work

MEMORY_BYTES = 4 << 30
CPU_S = 300
"""The limits of one job."""
_DIED = "the process ended before it had told all: its memory or its time was up"


def context() -> Any:
    """How processes are begun: as copies of one that has imported everything, where the system can."""
    if sys.platform == "win32":
        return multiprocessing.get_context("spawn")
    made = multiprocessing.get_context("forkserver")
    made.set_forkserver_preload([work.__name__])
    return made


class Job:
    """A job in its process."""

    def __init__(self, how: Any, wanted: dict[str, Any], tell: Callable[[dict[str, Any]], None]) -> None:
        """tell: called with each message, in a thread of its own; the last one is `done` or, without it, `refused`."""
        self._receiver, sender = how.Pipe(duplex=False)
        self._process = how.Process(target=_begin, args=(wanted, sender), daemon=True)
        self._process.start()
        sender.close()
        self._is_over = False
        threading.Thread(target=self._listen, args=(tell,), daemon=True).start()

    def _listen(self, tell: Callable[[dict[str, Any]], None]) -> None:
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

    def end(self) -> None:
        """Kill the process; nothing more is told."""
        self._is_over = True
        self._process.kill()


def _begin(wanted: dict[str, Any], sender: Connection) -> None:
    """Do a job, in its own process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115 - for as long as the process lives
    _limit()
    with suppress(BrokenPipeError, OSError):
        try:
            work.do(wanted, sender.send)
        except MemoryError:
            sender.send({"kind": "refused", "message": "there is not enough memory for this search"})
        except Exception as error:  # a failure of scenrun itself: it is said, and the studio goes on
            sender.send({"kind": "refused", "message": f"scenrun failed: {type(error).__name__}: {error}"})
        sender.send({"kind": "done"})


def _limit() -> None:
    with suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
