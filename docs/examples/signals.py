"""A real bug: a namespace of the package `blinker` 1.9.0 gives two threads two signals of one name.

    pip install blinker==1.9.0
    scenrun check blinker:Namespace --op "signal('a')"
    scenrun check signals:OneAtATime --op "signal('a')" --trace blinker

"Repeated calls with the same name return the same signal", says `signal`; but it looks whether there is one before it makes
one. So what one thread connects to, the other one never sends. On plain threads, with a switch interval of 1 us, two threads
that ask for 400 names get two signals of one of them nearly each time.
"""

import threading

from blinker import Namespace


class OneAtATime(Namespace):
    """The same namespace, mended: one lock for the whole of `signal`."""

    def __init__(self):
        super().__init__()
        self.one = threading.Lock()

    def signal(self, name, doc=None):
        """The signal of a name, one at a time."""
        with self.one:
            return super().signal(name, doc)
