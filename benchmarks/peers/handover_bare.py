"""Two threads that hand numbers over through a variable and two locks, as one writes it by hand, without a log."""

from __future__ import annotations

import random
import sys
from threading import Lock, Thread


class Slot:
    """What both threads share."""

    def __init__(self) -> None:
        self.message: int | None = None
        self.may_write = Lock()
        self.may_read = Lock()
        self.may_read.acquire()


def send(slot: Slot, count: int) -> None:
    """Hand so many numbers over, and a sentinel."""
    for _ in range(count):
        message = random.randint(1, 101)
        slot.may_write.acquire()
        slot.message = message
        slot.may_read.release()
    slot.may_write.acquire()
    slot.message = None
    slot.may_read.release()


def receive(slot: Slot) -> None:
    """Take numbers until the sentinel."""
    while True:
        slot.may_read.acquire()
        message = slot.message
        slot.may_write.release()
        if message is None:
            return


def main(count: int) -> None:
    """Run both to their end."""
    slot = Slot()
    threads = [Thread(target=send, args=(slot, count)), Thread(target=receive, args=(slot,))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main(int(sys.argv[1]))
