"""Has a search's schedules walked by the workers of a cluster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from scenrun.errors import UsageError
from scenrun.search.explore import SAMPLED, SearchOptions
from scenrun.workers.cluster import Cluster


@contextmanager
def on_cluster(how: SearchOptions, address: str) -> Iterator[SearchOptions]:
    """The same search with the cluster at an address. Raises UsageError where it cannot be had or would have no effect."""

    if how.strategy not in (None, *SAMPLED):
        raise UsageError(
            f"a cluster is for strategies that draw schedules, {', '.join(SAMPLED)}; {how.strategy} has an order of its own"
        )
    if how.jobs != 1:
        raise UsageError("a number of jobs has no effect with a cluster, which has as many workers as it has")
    cluster = Cluster(address)
    try:
        yield replace(how, jobs=cluster.jobs, make_executor=cluster.executor)
    finally:
        cluster.close()
