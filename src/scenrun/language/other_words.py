"""The words of other languages and libraries, each with what is written for it here, and a file of the gallery that shows it."""

from __future__ import annotations

_LOCKED, _COUNTED = (
    ("`with`, of a lock", "locked_counter"),
    ("a `semaphore` for all readers together and a `lock` to count them", "readers_meet"),
)
_WORDS: dict[str, tuple[str, str]] = {
    "print": ("`log`", ""),
    "echo": ("`log`", ""),
    "lock": ("`acquire`", ""),
    "unlock": ("`release`", ""),
    "signal": ("`notify`", ""),
    "broadcast": ("`notify_all`", ""),
    "clear": ("`clear_event`", ""),
    "send": ("`put`", ""),
    "receive": ("`get`", ""),
    "loop": ("`repeat`", ""),
    "yield": ("`sleep`", ""),
    "exec": ("`run`", ""),
    "thread": ("`spawn`, or a group under `threads`", "joined_by_main"),
    "throw": ("`raise`", ""),
    "catch": ("`except`", ""),
    "switch": ("`if` with `elif`", ""),
    "case": ("`if` with `elif`", ""),
    "import": ("`call`, or `include`", ""),
    "mutex": ("a `lock`", "locked_counter"),
    "rwlock": _COUNTED,
    "read_write_lock": _COUNTED,
    "synchronized": _LOCKED,
    "monitor": ("a `condition`", "notify_all_instead"),
    "channel": ("a `queue`", "pill_for_each"),
    "chan": ("a `queue`", "pill_for_each"),
    "select": ("one `queue` into which all put", "pill_for_each"),
    "await": ("`result`, of what `submit` gave", "future_asked"),
    "async": ("`submit`, to a pool", "future_asked"),
    "go": ("`spawn`", "timer_asks_first"),
    "atomic_int": ("a variable of `state` that is changed inside `atomic`", "merge_in_the_action"),
    "atomicinteger": ("a variable of `state` that is changed inside `atomic`", "merge_in_the_action"),
    "cond_wait": ("`wait_for`, of a condition", "notify_all_instead"),
    "p": ("`acquire`, of a semaphore", "permit_asked_for"),
    "v": ("`release`, of a semaphore", "permit_asked_for"),
    "sem_wait": ("`acquire`, of a semaphore", "permit_asked_for"),
    "sem_post": ("`release`, of a semaphore", "permit_asked_for"),
    "latch": ("a `barrier`, or an `event`", "rendezvous"),
    "countdownlatch": ("a `barrier`, or an `event`", "rendezvous"),
    "promise": ("what `submit` gives", "future_asked"),
}


def here(word: str) -> str:
    """What is written here for a word of others: `; that is `acquire` here`; empty for other words."""
    found = _WORDS.get(word.lower().removesuffix("()"))
    if found is None:
        return ""
    instead, shown = found
    return f"; that is {instead} here" + (f" (the gallery has {shown}.yaml)" if shown else "")


def declared(word: str) -> str:
    """For the class of an object, where a function is expected: where objects are declared."""
    kind = word.lower().replace("boundedsemaphore", "bounded_semaphore")
    if kind not in (
        "lock",
        "rlock",
        "semaphore",
        "bounded_semaphore",
        "condition",
        "event",
        "barrier",
        "queue",
        "timer",
    ):
        return here(word)
    return f"; an object is declared, under `sync`: `NAME: {kind}`"


FILES = frozenset(shown for _, shown in _WORDS.values() if shown)
"""The files of the gallery that are named."""
