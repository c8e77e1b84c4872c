"""A pool of workers for jobs of one kind: processes of this machine, or an executor such as a cluster's."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
import time
import traceback
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future
from concurrent.futures import wait as wait_for
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any, Generic, TypeVar

from scenrun.errors import InternalError
from scenrun.workers.processes import start_method

J = TypeVar("J")
R = TypeVar("R")
LOOK_S = 0.2
"""The most seconds until `Pool.results` yields None, where no result comes."""
PATIENCE_S = 2.0
"""The seconds that idle processes may take to end before they are terminated, and terminated ones before they are killed."""


@dataclass(frozen=True, slots=True)
class Last(Generic[R]):
    """A result after which its process must do no other job, such as one whose threads are left over."""

    result: R


@dataclass(frozen=True, slots=True)
class Done(Generic[J, R]):
    """A job with its result; None if its worker died over it."""

    job: J
    result: R | None
    took_s: float
    """The seconds since the job was sent."""


class Pool(ABC, Generic[J, R]):
    """Workers that do jobs and that begin when there is one; leaving the pool as a context ends them.

    prepare: called once by each worker; what it returns does its jobs. It and the jobs are pickled.
    """

    at_once = 1
    """The number of jobs that a worker is sent before the first of them has ended."""

    def __init__(self, prepare: Callable[[], Callable[[J], R | Last[R]]], jobs: int) -> None:
        self.prepare = prepare
        self.jobs = jobs
        """The number of workers."""
        self._busy: dict[Any, tuple[J, float]] = {}
        """What does each of the jobs that are being done, with the job and the time of its sending."""
        self._interrupted: list[J] = []
        """Jobs whose results were lost by an interruption; they are done again."""

    def results(self, following: Callable[[], J | None]) -> Iterator[Done[J, R] | None]:
        """The jobs in the order in which they end, until all are done; None whenever all that has come was given.

        That is at the latest each LOOK_S, and the moment at which a caller loses nothing by leaving.

        following: the next job, or None if there is none now; asked whenever a worker has nothing to do. What a job raises is
        raised here. After an interruption another call goes on with the jobs that are being done.
        """
        while True:
            while len(self._busy) < self.jobs * self.at_once:
                job = self._interrupted.pop() if self._interrupted else following()
                if job is None:
                    break
                self._send(job)
            if not self.is_busy:
                return
            yield from self._heard()
            yield None

    @property
    def is_busy(self) -> bool:
        """Whether jobs are being done."""
        return bool(self._busy)

    @abstractmethod
    def _send(self, job: J) -> None:
        """Sends a job to a worker."""

    @abstractmethod
    def _heard(self) -> Iterator[Done[J, R]]:
        """The jobs that have ended, at the latest after LOOK_S; there may be none."""

    @abstractmethod
    def end(self) -> None:
        """Ends the workers and what they do; a job that is sent later begins with new ones."""

    def __enter__(self) -> Pool[J, R]:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()


# --- processes of this machine


class Processes(Pool[J, R]):
    """A pool of processes, each with a pipe and one job at a time, so that a dead one is known to have died over its job."""

    def __init__(self, prepare: Callable[[], Callable[[J], R | Last[R]]], jobs: int) -> None:
        super().__init__(prepare, jobs)
        self._idle: list[_Process] = []

    def _send(self, job: J) -> None:
        process = self._idle.pop() if self._idle else self._begun()
        self._busy[process] = job, time.perf_counter()  # before it is sent: an interruption must not leave it as idle
        try:
            process.connection.send(job)
        except OSError:  # it has died meanwhile, over no job
            del self._busy[process]
            process.end()
            self._send(job)

    def _begun(self) -> _Process:
        return _Process(self.prepare, [one.connection for one in (*self._idle, *self._busy)])

    def _heard(self) -> Iterator[Done[J, R]]:
        ready = wait([one.connection for one in self._busy], LOOK_S)
        for process in [one for one in self._busy if one.connection in ready]:
            yield self._heard_from(process)

    def _heard_from(self, process: _Process) -> Done[J, R]:
        job, began = self._busy[process]
        try:
            answer = process.connection.recv()
        except (EOFError, OSError):
            del self._busy[process]
            process.end()
            return Done(job, None, time.perf_counter() - began)
        except BaseException:  # interrupted: the rest of the answer is in the pipe
            del self._busy[process]
            self._interrupted.append(job)
            process.end()
            raise
        del self._busy[process]
        if isinstance(answer, Last):
            process.end()
            return Done(job, answer.result, time.perf_counter() - began)
        self._idle.append(process)
        if isinstance(answer, _Raised):
            raise answer.error
        return Done(job, answer, time.perf_counter() - began)

    def end(self) -> None:
        """Ends idle processes patiently, and busy ones at once."""
        for one in self._busy:
            one.process.terminate()
        _end([*self._idle, *self._busy], PATIENCE_S)
        self._idle.clear()
        self._busy.clear()


class _Process:
    """A worker process, and this end of the pipe to it."""

    def __init__(self, prepare: Callable[[], Callable[[Any], Any]], others: list[Connection]) -> None:
        method = start_method()
        context: Any = multiprocessing.get_context(method)
        self.connection, theirs = context.Pipe()
        # A forked process has copies of these, which would keep the pipes open when this process has ended.
        inherited = (*others, self.connection) if method == "fork" else ()
        self.process = context.Process(target=_serve, args=(theirs, prepare, inherited))
        self.process.start()
        theirs.close()

    def end(self) -> None:
        """Enforces the end of the process."""
        _end([self], 0.0)


def _end(processes: list[_Process], patience_s: float) -> None:
    """Waits so long, for all together, for the end of processes, and then enforces it."""
    for one in processes:
        one.connection.close()
    for one in (left := _alive_after(processes, patience_s)):
        one.process.terminate()
    for one in _alive_after(left, PATIENCE_S):  # it ignores the signal, or the operating system has stopped it
        one.process.kill()
    for one in processes:
        one.process.join()


def _alive_after(processes: list[_Process], seconds: float) -> list[_Process]:
    """Those of some processes that have not ended after so many seconds."""
    end = time.monotonic() + seconds
    alive = [one for one in processes if one.process.is_alive()]
    while alive and (left := end - time.monotonic()) > 0:
        wait([one.process.sentinel for one in alive], left)
        alive = [one for one in alive if one.process.is_alive()]
    return alive


@dataclass(frozen=True, slots=True)
class _Raised:
    error: Exception


def _serve(
    connection: Connection, prepare: Callable[[], Callable[[Any], Any]], inherited: tuple[Connection, ...]
) -> None:
    """The main function of a worker process: jobs come from the pipe, and answers go back."""
    # Ctrl-C goes to the whole process group: the parent alone decides, and loses no result that is on its way.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for one in inherited:
        one.close()
    threading.Thread(target=_end_with_parent, name="scenrun-parent", daemon=True).start()
    work: Callable[[Any], Any] | None = None
    with suppress(EOFError, OSError):
        while True:
            job = connection.recv()
            try:
                work = work or prepare()
                answer = work(job)
                pickled = pickle.dumps(answer)
            except Exception as error:
                answer, pickled = None, _pickled(error)
            connection.send_bytes(pickled)
            if isinstance(answer, Last):
                os._exit(0)  # an ordinary end would wait for threads that are left over


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _pickled(error: Exception) -> bytes:
    """What a job raised, with its traceback as a note; an InternalError in its place where it cannot be pickled."""
    error.add_note("".join(traceback.format_exception(error)))
    try:
        pickled = pickle.dumps(_Raised(error))
        pickle.loads(pickled)
    except Exception:
        return pickle.dumps(_Raised(InternalError(f"{type(error).__name__}: {error}")))
    return pickled


# --- an executor


class OnExecutor(Pool[J, R]):
    """A pool of the workers of an executor, which are sent two jobs each, so that none idles until its result is heard.

    make: makes the executor. While no result comes, its method `look`, where it has one, is called; it raises if the workers
    are lost.
    """

    at_once = 2

    def __init__(
        self, make: Callable[[], Executor], prepare: Callable[[], Callable[[J], R | Last[R]]], jobs: int
    ) -> None:
        super().__init__(prepare, jobs)
        self._make = make
        self._name, self._pickled = uuid.uuid4().hex, pickle.dumps(prepare)
        self._executor: Executor | None = None

    def _send(self, job: J) -> None:
        if self._executor is None:
            self._executor = self._make()
        future: Future[R] = self._executor.submit(work_in_thread, self._name, self._pickled, job)
        self._busy[future] = job, time.perf_counter()

    def _heard(self) -> Iterator[Done[J, R]]:
        done, _ = wait_for(self._busy, LOOK_S, FIRST_COMPLETED)
        if not done:
            getattr(self._executor, "look", lambda: None)()
        for future in [one for one in self._busy if one in done]:
            job, began = self._busy.pop(future)
            try:
                result = future.result()
            except BrokenExecutor:
                yield Done(job, None, time.perf_counter() - began)
            else:
                yield Done(job, result, time.perf_counter() - began)

    def end(self) -> None:
        """Cancels the jobs; workers of a cluster go on for others."""
        if self._executor is not None:
            self._executor.shutdown(wait=False, cancel_futures=True)
            self._executor = None
        self._busy.clear()


class _Kept(threading.local):
    """What a thread of a worker has prepared; a worker may have several threads, which share nothing."""

    name = ""
    work: Callable[[Any], Any] | None = None


_kept = _Kept()


def work_in_thread(name: str, pickled: bytes, job: Any) -> Any:
    """Does a job in a thread of a worker, with what it has prepared for the pool of this name; pickled: how to prepare."""
    if _kept.name != name:
        getattr(_kept.work, "end", lambda: None)()  # what was prepared for another pool may have a process of its own
        _kept.work = pickle.loads(pickled)()
        _kept.name = name
    assert _kept.work is not None
    return _kept.work(job)
