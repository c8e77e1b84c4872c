"""Runs plain functions in threads with a switch between any two bytecodes: a reference that knows no hooks.

One thread runs at a time. Before each bytecode of the files that are traced, a draw says whether another thread goes on.
"""

from __future__ import annotations

import random
import sys
import threading
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any


class OpcodeSchedule:
    """One run, with the seed of its draws."""

    def __init__(self, file: str, seed: int, switching: float) -> None:
        """switching: how probable a switch is before each bytecode."""
        self.file = file
        self.draw = random.Random(seed)
        self.switching = switching
        self.faults: dict[int, str] = {}
        """By thread, the name of the exception that ended it."""
        self._turns: list[threading.Semaphore] = []
        self._running: list[int] = []
        self._all_ended = threading.Event()

    def run(self, bodies: Sequence[Callable[[], Any]]) -> dict[int, str]:
        """Run the functions in threads; gives the exceptions that ended some."""
        self._turns = [threading.Semaphore(0) for _ in bodies]
        self._running = list(range(len(bodies)))
        threads = [threading.Thread(target=self._one, args=(at, body)) for at, body in enumerate(bodies)]
        for one in threads:
            one.start()
        self._turns[self.draw.choice(self._running)].release()
        self._all_ended.wait()
        for one in threads:
            one.join()
        return self.faults

    def _one(self, me: int, body: Callable[[], Any]) -> None:
        self._turns[me].acquire()
        sys.settrace(lambda frame, event, about: self._traced(me, frame))
        try:
            body()
        except Exception as error:  # whatever ends it is part of the outcome
            self.faults[me] = type(error).__name__
        finally:
            sys.settrace(None)
        self._running.remove(me)
        if self._running:
            self._turns[self.draw.choice(self._running)].release()
        else:
            self._all_ended.set()

    def _traced(self, me: int, frame: FrameType) -> Callable[[FrameType, str, Any], Any] | None:
        if frame.f_code.co_filename != self.file:
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = True, False

        def before(frame: FrameType, event: str, about: Any) -> Any:
            if event == "opcode" and len(self._running) > 1 and self.draw.random() < self.switching:
                other = self.draw.choice([one for one in self._running if one != me])
                self._turns[other].release()
                self._turns[me].acquire()
            return before

        return before
