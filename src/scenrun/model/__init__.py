"""The model of a program: its states, which steps are enabled in each, and what every step does."""

from scenrun.model.machine import FREE, TIME_PASSES, Choice, Machine
from scenrun.model.state import Handle, State, Thread, Who

__all__ = ["FREE", "TIME_PASSES", "Choice", "Handle", "Machine", "State", "Thread", "Who"]
