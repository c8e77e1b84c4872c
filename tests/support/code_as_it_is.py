"""Programs that start their threads themselves, as `explore --main` takes them."""

from __future__ import annotations

import logging
import os
import random
import sys
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed

LOG = logging.getLogger(__name__)


class Account:
    """Money that may be taken twice."""

    def __init__(self) -> None:
        self.balance = 10
        self.lock = threading.Lock()

    def take(self, amount: int) -> None:
        """Look, then take."""
        LOG.info("taking %d", amount)
        if self.balance >= amount:
            print("taking", amount)
            self.balance -= amount

    def take_safely(self, amount: int) -> None:
        """The same, one at a time."""
        with self.lock:
            self.take(amount)


def _two(function: object) -> None:
    threads = [threading.Thread(target=function, args=(7,)) for _ in range(2)]  # type: ignore[arg-type]
    for one in threads:
        one.start()
    for one in threads:
        one.join()


def takes_twice() -> None:
    account = Account()
    _two(account.take)
    assert account.balance >= 0


def takes_once(amount: int = 7) -> None:
    account = Account()
    _two(account.take_safely)
    assert account.balance == 10 - amount


def draws() -> None:
    """Who draws first gets another number."""
    drawn: dict[int, int] = {}

    def draw(_: int) -> None:
        drawn[threading.get_ident()] = random.randint(1, 1_000_000)

    first = threading.Thread(target=draw, args=(0,))
    first.start()
    draw(0)
    first.join()
    assert len(set(drawn.values())) == 2


def draws_little() -> None:
    """Depends on the seed."""
    assert random.random() < 0.5


def draws_of_its_own() -> None:
    mine = random.Random()
    _two(lambda _: mine.random())


def works_in_a_pool() -> None:
    account = Account()
    with ThreadPoolExecutor(1) as pool:
        done = [pool.submit(account.take_safely, 7)]
        for one in as_completed(done):
            one.result()
    assert account.balance == 3


def ends_the_process() -> None:
    os._exit(0)


def exits() -> None:
    sys.exit(3)


async def is_a_coroutine() -> None: ...


def takes_an_argument(one: int) -> None: ...


NUMBER = 7
