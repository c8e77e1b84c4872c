"""A pool of worker processes: results as they come, dead workers and their jobs, errors, interruptions, and the end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from scenrun.errors import InternalError
from scenrun.workers import pool as pool_module
from scenrun.workers.pool import Done, Last, Pool, Processes


class Odd(Exception):
    """An exception that cannot be made again from what it is pickled as."""

    def __init__(self, one: int, other: int) -> None:
        super().__init__(f"{one} and {other}")


class Worker:
    """Does what a job names, and counts its jobs."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.count = 0

    def __call__(self, job: str) -> Any:
        """The answer to a job."""
        self.count += 1
        return getattr(self, job.partition(" ")[0])(*job.split()[1:])

    def count_jobs(self) -> tuple[str, int, int]:
        """Who this is, and how many jobs it has done."""
        return self.name, os.getpid(), self.count

    def last(self) -> Last[str]:
        """A result after which this process is of no use, as a thread is left over."""
        threading.Thread(target=time.sleep, args=(1000,)).start()
        return Last("left")

    def linger(self) -> str:
        """A result, while a thread is left over that keeps the process from leaving."""
        threading.Thread(target=time.sleep, args=(1000,)).start()
        return "left"

    def die(self) -> None:
        """Ends the process."""
        os._exit(3)

    def leave(self) -> None:
        """Ends the process as a user's function may."""
        raise SystemExit

    def fail(self) -> None:
        """An exception."""
        raise ValueError("not this")

    def fail_oddly(self) -> None:
        """An exception that does not come through a pipe."""
        raise Odd(1, 2)

    def unpicklable(self) -> Any:
        """A result that does not come through a pipe."""
        return lambda: None

    def sleep(self, file: str) -> None:
        """Sleeps for long, once the file is there."""
        Path(file).touch()
        time.sleep(1000)

    def sleep_deaf(self, file: str) -> None:
        """Sleeps for long and ignores the signal to end."""
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        self.sleep(file)


def pool_of(jobs: int) -> Processes[str, Any]:
    """A pool of so many workers."""
    return Processes(partial(Worker, "it"), jobs)


def results(pool: Pool[str, Any], jobs: Iterable[str]) -> list[Done[str, Any]]:
    """What comes for these jobs."""
    waiting = iter(jobs)
    return [done for done in pool.results(lambda: next(waiting, None)) if done is not None]


def test_a_worker_prepares_once_and_does_one_job_after_another() -> None:
    """Each answer goes with its job."""
    with pool_of(1) as pool:
        found = results(pool, ["count_jobs"] * 3)
    assert [done.job for done in found] == ["count_jobs"] * 3
    assert [done.result[::2] for done in found] == [("it", 1), ("it", 2), ("it", 3)]
    assert len({done.result[1] for done in found} - {os.getpid()}) == 1


@pytest.mark.parametrize("death", ["die", "leave"])
def test_a_worker_that_dies_costs_its_own_job(death: str) -> None:
    """Which is known; the others are done."""
    with pool_of(2) as pool:
        found = results(pool, ["count_jobs", death, "count_jobs", death, "count_jobs"])
    assert sorted(done.job for done in found if done.result is None) == [death, death]
    assert len([done for done in found if done.result is not None]) == 3


def test_a_worker_that_dies_over_no_job_costs_none() -> None:
    """Another one does the next job."""
    with pool_of(1) as pool:
        [first] = results(pool, ["count_jobs"])
        os.kill(first.result[1], signal.SIGKILL)
        time.sleep(0.2)
        [second] = results(pool, ["count_jobs"])
    assert second.result[1] != first.result[1]


def test_a_process_does_no_job_after_its_last_one() -> None:
    """Although threads of it would go on for long."""
    with pool_of(1) as pool:
        first, last, second = results(pool, ["count_jobs", "last", "count_jobs"])
    assert last.result == "left"
    assert first.result[1] != second.result[1]


@pytest.mark.parametrize(
    ("job", "error", "told"),
    [("fail", ValueError, "not this"), ("fail_oddly", InternalError, "Odd: 1 and 2"), ("unpicklable", Exception, "lambda")],
)  # fmt: skip
def test_what_a_job_raises_is_raised_here(job: str, error: type[Exception], told: str) -> None:
    """Whatever it is; the worker goes on."""
    with pool_of(1) as pool:
        with pytest.raises(error, match=told):
            results(pool, [job])
        [after] = results(pool, ["count_jobs"])
    assert after.result[2] == 2


def test_an_interruption_leaves_the_jobs_that_are_being_done_to_another_call() -> None:
    """No result is lost."""
    waiting = iter(["count_jobs"] * 6)
    with pool_of(3) as pool:
        with suppress(KeyboardInterrupt):
            for done in pool.results(lambda: next(waiting, None)):
                if done is not None:
                    raise KeyboardInterrupt
        assert pool.is_busy
        assert len(results(pool, [])) == 2
        assert not pool.is_busy
    assert len(list(waiting)) == 3


@pytest.mark.parametrize("job", ["sleep", "sleep_deaf"])
def test_the_end_ends_what_is_being_done(job: str, tmp_path: Path) -> None:
    """Where a signal has no effect, by force; meanwhile the pool says that nothing has come."""
    file = tmp_path / "sleeps"
    with pool_of(1) as pool:
        [first] = results(pool, ["count_jobs"])
        waiting = iter([f"{job} {file}"])
        for done in pool.results(lambda: next(waiting, None)):
            assert done is None
            if file.exists():
                break
    assert not is_running(first.result[1])


SLEEPING = """
import sys
sys.path += {paths}
from test_pool import pool_of, results
if __name__ == "__main__":
    with pool_of(1) as pool:
        [first] = results(pool, ["count_jobs"])
        print(first.result[1], flush=True)
        results(pool, ["sleep {file}"])
"""


def test_workers_end_with_the_process_that_began_them(tmp_path: Path) -> None:
    """Also when it is killed, and whatever they do."""
    code = SLEEPING.format(paths=[*sys.path, str(Path(__file__).parent)], file=tmp_path / "sleeps")
    (tmp_path / "sleeping.py").write_text(code)
    with subprocess.Popen([sys.executable, tmp_path / "sleeping.py"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        wait_for(lambda: (tmp_path / "sleeps").exists())
        process.kill()
        wait_for(lambda: not is_running(pid))


def wait_for(holds: Callable[[], bool]) -> None:
    """Waits until it holds."""
    for _ in range(600):
        if holds():
            return
        time.sleep(0.05)
    raise AssertionError("it does not come to hold")


def is_running(pid: int) -> bool:
    """Whether there is such a process, other than a zombie."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def test_none_comes_when_all_that_has_come_was_given() -> None:
    """So who leaves at a None, because of a signal, loses no result that had arrived."""
    with pool_of(2) as pool:
        for job in ("count_jobs", "count_jobs"):
            pool._send(job)
        for process in pool._busy:
            assert process.connection.poll(60)
        first, second, then, *_ = pool.results(lambda: None)
        assert [done is not None and done.job for done in (first, second, then)] == ["count_jobs", "count_jobs", False]


def test_an_answer_that_is_interrupted_is_worked_out_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """By another process, as the rest of the answer is in the pipe of the first."""
    with pool_of(1) as pool:
        pool._send("count_jobs")
        (process,) = pool._busy
        assert process.connection.poll(60)
        connection = process.connection

        def interrupted() -> Any:
            raise KeyboardInterrupt

        monkeypatch.setattr(type(connection), "recv", lambda self: interrupted())
        with pytest.raises(KeyboardInterrupt):
            list(pool.results(lambda: None))
        monkeypatch.undo()
        [done] = results(pool, [])
        assert done.job == "count_jobs"
        assert done.result[1] != process.process.pid


def test_the_end_waits_for_all_workers_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not for one after another: their threads keep all three from leaving."""
    waits: list[int] = []
    whole = pool_module._alive_after

    def counted(processes: list[Any], seconds: float) -> list[Any]:
        waits.append(len(processes))
        return whole(processes, 0.2)

    monkeypatch.setattr(pool_module, "_alive_after", counted)
    with pool_of(3) as pool:
        for _ in range(3):
            pool._send("linger")
        pids = [process.process.pid for process in pool._busy]
        assert len([done for done in results(pool, []) if done.result == "left"]) == 3
    assert waits == [3, 3]
    assert not any(is_running(pid) for pid in pids)
