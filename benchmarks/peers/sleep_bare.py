"""A thread that sleeps for a millisecond again and again, and prints when it was awake, in seconds, as JSON."""

from __future__ import annotations

import json
import sys
import time
from threading import Thread


def sleep_often(times: int, moments: list[float]) -> None:
    """Sleep and note the moment."""
    for _ in range(times):
        time.sleep(0.001)
        moments.append(time.perf_counter())


def main(times: int) -> None:
    """Run the thread to its end."""
    moments: list[float] = []
    thread = Thread(target=sleep_often, args=(times, moments))
    thread.start()
    thread.join()
    print(json.dumps(moments))


if __name__ == "__main__":
    main(int(sys.argv[1]))
