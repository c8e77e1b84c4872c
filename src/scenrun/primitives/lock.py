"""A lock: held or free, and nobody's: whoever wants may release it."""

from scenrun.primitives.kinds import Kind, Operation

ACQUIRE = Operation(
    "acquire", ("timeout", "blocking"), freed_by=("release",), about="lock.acquiring", done="lock.acquired"
)
RELEASE = Operation("release", about="lock.releasing", done="lock.released")
LOCK = Kind("lock", (ACQUIRE, RELEASE), questions=("locked",))
