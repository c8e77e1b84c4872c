"""Classes for scenarios whose `objects` are searched."""

from __future__ import annotations

import copy
import threading


class Account:
    """Money that is moved with or without a lock."""

    def __init__(self, balance: int = 0) -> None:
        self.balance = balance
        self.lock = threading.Lock()

    def pay(self, amount: int) -> int:
        """Pay in; two at the same time lose one."""
        before = self.balance
        self.balance = before + amount
        return self.balance

    def pay_safely(self, amount: int) -> int:
        """Pay in, one at a time."""
        with self.lock:
            return self.pay(amount)

    def total(self) -> int:
        """The balance."""
        return self.balance

    def copied(self) -> int:
        """The balance of a copy, which code without hooks makes."""
        return copy.copy(self.__dict__)["balance"]  # type: ignore[no-any-return]

    def refuse(self) -> None:
        """Raise."""
        raise PermissionError("no")


class Pair:
    """Two locks."""

    def __init__(self) -> None:
        self.left, self.right = threading.Lock(), threading.Lock()

    def left_first(self) -> None:
        """Take the left one, then the right one."""
        with self.left, self.right:
            pass

    def right_first(self) -> None:
        """Take the right one, then the left one."""
        with self.right, self.left:
            pass


class Starter:
    """Starts threads of its own."""

    def __init__(self) -> None:
        self.count = 0

    def add(self) -> None:
        """One more."""
        self.count += 1

    def start(self) -> int:
        """Start two threads, wait for both, and give their count."""
        threads = [threading.Thread(target=self.add) for _ in range(2)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        return self.count
