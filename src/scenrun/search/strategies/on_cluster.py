"""Adapts the options of a search so that the workers of a Dask cluster walk its schedules."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from msgspec.structs import replace

from scenrun.search.options import SearchOptions
from scenrun.workers.cluster import Cluster


@contextmanager
def on_cluster(how: SearchOptions, address: str) -> Iterator[SearchOptions]:
    """The options with the cluster at an address (such as `tcp://host:8786`), which is closed afterwards."""
    cluster = Cluster(address)
    try:
        yield replace(how, jobs=cluster.jobs, make_executor=cluster.executor)
    finally:
        cluster.close()
