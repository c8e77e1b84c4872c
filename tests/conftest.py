"""What all tests share: property-based tests are repeatable and are not judged by the clock."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

collect_ignore = ["language/broken", "conformance/verdicts"]
"""Scenarios that are wrong, or whose verdicts tests look at: not to be collected themselves."""

settings.register_profile(
    "suite", derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("suite")
