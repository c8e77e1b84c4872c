"""A reentrant lock: its owner may acquire it again, and only its owner may release it."""

from scenrun.primitives.kinds import Kind
from scenrun.primitives.lock import ACQUIRE, RELEASE

RLOCK = Kind("rlock", (ACQUIRE, RELEASE), noun="lock")
