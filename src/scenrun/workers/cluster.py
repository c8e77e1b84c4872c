"""The connection to a Dask cluster: checks its workers' versions and provides an executor that runs tasks on them."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from contextlib import suppress
from typing import Any

from scenrun.errors import OutputError, UsageError
from scenrun.version import __version__

CONNECT_S = 10.0
"""The longest time for a scheduler to answer, in seconds."""
WORKERS_S = 20.0
"""The longest time without any worker, at the start and later, in seconds."""
_COUNT_S = 2.0
"""The shortest time between two counts of the workers, in seconds."""

_ADDRESS = re.compile(r"((tcp|tls|ws|wss)://)?[^/\s]+:\d{1,5}")


class ClusterLost(OutputError):
    """The scheduler, or all its workers, are gone; results received until then are kept."""

    def __init__(self, message: str) -> None:
        super().__init__(message, midway=True)


class Cluster:
    """A connection to a scheduler with workers of this version of scenrun.

    address: such as `tcp://host:8786`. Raises UsageError where no scheduler answers, where it has no workers, or where a
    worker has another version of scenrun or Python.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self._counted = self._seen = time.monotonic()
        self._client = _connected(address)
        try:
            self._client.wait_for_workers(1, timeout=WORKERS_S)
            self._check_versions()
        except TimeoutError:
            self.close()
            raise UsageError(
                f"the scheduler at {address} has no workers; start some: dask worker {address} --nthreads 1"
            ) from None
        except BaseException:
            self.close()
            raise

    @property
    def jobs(self) -> int:
        """The number of tasks that the cluster runs at the same time, at least 1."""
        return max(1, sum(map(int, self._client.nthreads().values())))

    @property
    def most_on_a_machine(self) -> int:
        """The largest number of these tasks on one machine."""
        on: Counter[str] = Counter()
        for address, threads in self._client.nthreads().items():
            on[address.rpartition(":")[0]] += int(threads)
        return max(on.values(), default=1)

    def executor(self) -> Executor:
        """An executor whose tasks run on the workers; a task whose worker dies is run again on another one.

        A task during which several workers have died raises BrokenExecutor; once the scheduler is gone, all tasks raise
        ClusterLost.
        """
        return _OnCluster(self, self._client.get_executor(pure=False))

    def look(self) -> None:
        """Raise ClusterLost if the scheduler is gone, or has had no worker for WORKERS_S."""
        if self._client.status != "running":
            raise self.lost()
        now = time.monotonic()
        if now - self._counted >= _COUNT_S:
            self._counted = now
            with suppress(OSError, TimeoutError):
                if self._client.nthreads():
                    self._seen = now
                elif now - self._seen >= WORKERS_S:
                    raise ClusterLost(f"all workers of the scheduler at {self.address} are gone")

    def lost(self) -> ClusterLost:
        """The error for a scheduler that is gone."""
        return ClusterLost(f"the scheduler at {self.address} is gone")

    def close(self) -> None:
        """Disconnect; the scheduler and its workers go on."""
        self._client.close(timeout=2)

    def _check_versions(self) -> None:
        mine = versions()
        for worker, found in self._client.run(versions).items():
            if not isinstance(found, dict):
                raise UsageError(f"the worker {worker} has no scenrun: install scenrun {__version__} there")
            for what, version in found.items():
                if version != mine[what]:
                    raise UsageError(
                        f"the worker {worker} has {what} {version}, and this is {what} {mine[what]}; the answer would depend "
                        "on who gives it"
                    )


class _OnCluster(Executor):
    """Wraps Dask's executor and translates its errors to BrokenExecutor and ClusterLost."""

    def __init__(self, cluster: Cluster, dasks: Executor) -> None:
        self.cluster = cluster
        self._dasks = dasks

    def look(self) -> None:
        """Raise ClusterLost if the scheduler is gone, or has had no worker for WORKERS_S."""
        self.cluster.look()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Submit a call to a worker."""
        self.cluster.look()
        outer: Future[Any] = Future()
        outer.set_running_or_notify_cancel()  # a future that is running cannot be cancelled: `_settle` always sets it
        self._dasks.submit(fn, *args, **kwargs).add_done_callback(lambda inner: self._settle(inner, outer))
        return outer

    def _settle(self, inner: Future[Any], outer: Future[Any]) -> None:
        from distributed.scheduler import KilledWorker

        try:
            outer.set_result(inner.result())
        except KilledWorker as error:
            outer.set_exception(BrokenExecutor(str(error)))
        except CancelledError:
            outer.set_exception(self.cluster.lost())
        except BaseException as error:
            outer.set_exception(error)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Shut this executor down without waiting; the cluster goes on."""
        self._dasks.shutdown(wait=False)


def hush() -> None:
    """Silence the loggers of Dask, for commands, which report errors themselves."""
    import logging

    with suppress(ImportError):
        import distributed  # noqa: F401  (it sets the levels of its loggers then)
    for name in list(logging.root.manager.loggerDict):
        if name.partition(".")[0] == "distributed":
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)


def versions() -> dict[str, str]:
    """The versions that must be the same on all machines for results to be the same."""
    import platform

    return {"scenrun": __version__, "Python": ".".join(platform.python_version_tuple()[:2])}


def _connected(address: str) -> Any:
    if not _ADDRESS.fullmatch(address):
        raise UsageError(f"the address of a cluster is written as tcp://host:8786, not {address[:80]}")
    try:
        from distributed import Client
    except ImportError:
        raise UsageError("a cluster needs Dask: pip install 'scenrun[cluster]'") from None
    try:
        connect: Any = Client
        return connect(address, timeout=CONNECT_S, set_as_default=False, name="scenrun")
    except (OSError, TimeoutError, ValueError) as error:
        raise UsageError(f"no scheduler answers at {address}: {str(error).splitlines()[0][:200]}") from None
