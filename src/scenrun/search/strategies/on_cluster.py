"""Has a search's schedules walked by the workers of a cluster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from scenrun.search.options import SearchOptions
from scenrun.workers.cluster import Cluster


@contextmanager
def on_cluster(how: SearchOptions, address: str) -> Iterator[SearchOptions]:
    """The same search with the cluster at an address."""
    cluster = Cluster(address)
    try:
        yield replace(how, jobs=cluster.jobs, make_executor=cluster.executor)
    finally:
        cluster.close()
