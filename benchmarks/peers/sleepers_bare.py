"""Many threads that sleep at the same time, as one writes it by hand."""

from __future__ import annotations

import sys
import time
from threading import Thread


def main(count: int, seconds: float) -> None:
    """Start them all, wait for them all."""
    threads = [Thread(target=time.sleep, args=(seconds,)) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
