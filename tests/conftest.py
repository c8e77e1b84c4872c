"""What all tests share: property-based tests are repeatable and are not judged by the clock."""

from __future__ import annotations

import signal

from hypothesis import HealthCheck, settings

collect_ignore = ["language/broken", "conformance/verdicts"]
"""Scenarios that are wrong, or whose verdicts tests look at: not to be collected themselves."""

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts what it puts into the background with SIGINT ignored, and every process of a test would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile(
    "suite", derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("suite")
