"""Which thread moves next: one policy a file, and here the register of them."""

from scenrun.schedulers.kinds import Scheduler
from scenrun.schedulers.priorities import Priorities
from scenrun.schedulers.random_choice import RandomChoice
from scenrun.schedulers.replay import Replay
from scenrun.schedulers.round_robin import RoundRobin

POLICIES = ("round-robin", "random", "priorities")
"""The names of the policies that a simulation can follow."""

__all__ = ["POLICIES", "Priorities", "RandomChoice", "Replay", "RoundRobin", "Scheduler"]
