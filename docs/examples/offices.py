"""An office as office.yaml designs it, and one that closes too early."""

from __future__ import annotations

import queue
import threading


class Office:
    """Takes orders from two clerks, and works until all are done."""

    def __init__(self) -> None:
        self._line: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self.done = 0

    def run(self) -> int:
        """Run for one day; returns how many orders were done."""
        worker = threading.Thread(target=self._work)
        clerks = [threading.Thread(target=self._hand_in) for _ in range(2)]
        worker.start()
        for clerk in clerks:
            clerk.start()
        for clerk in clerks:
            clerk.join()
        self._line.put(None)
        worker.join()
        return self.done

    def _hand_in(self) -> None:
        self._line.put("order")

    def _work(self) -> None:
        while self._line.get() is not None:
            self.done += 1


class HastyOffice(Office):
    """Closes as soon as the clerks have begun."""

    def run(self) -> int:
        """Run for one day; returns how many orders were done."""
        worker = threading.Thread(target=self._work)
        clerks = [threading.Thread(target=self._hand_in) for _ in range(2)]
        for thread in (worker, *clerks):
            thread.start()
        self._line.put(None)
        for thread in (worker, *clerks):
            thread.join()
        return self.done
