"""A run as a Mermaid sequence diagram: starts, acquires and releases, puts and gets, hand-overs and findings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import BinaryIO

from scenrun.printable import excerpt
from scenrun.program.primitives.registry import waiting
from scenrun.report.amounts import seconds
from scenrun.report.words import MAX_LISTED, finding_lines, value
from scenrun.trace.analysis.reading import Event
from scenrun.trace.analysis.spans import CUT_OFF, WAITING, Span, Spans

DEFAULT_LIMIT = 200
MAX_FINDINGS = 20
_TEXT, _NAME = 120, 60
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .,_()[]+*=/'!?-:")
_STARTS = ("thread.starting", "timer.starting", "thread.spawning")


def escaped(text: str, most: int = _TEXT) -> str:
    """A text without meaning to Mermaid: special characters, and the first of words with a meaning, are entities."""
    clean = excerpt(text, most) or "?"
    if clean.lower() == "end" or clean.lower().startswith(("wrap:", "nowrap:")):
        return f"#{ord(clean[0])};{escaped(clean[1:], most)}"
    return "".join(c if c in _PLAIN or (c > "~" and c.isprintable()) else f"#{ord(c)};" for c in clean)


class Diagram:
    """Takes the events of a run in their order and writes the diagram. After `limit` messages it only counts them."""

    def __init__(self, file: BinaryIO, limit: int = DEFAULT_LIMIT) -> None:
        self.left_out = 0
        """The number of messages beyond `limit`."""
        self.findings_left_out = 0
        self._file = file
        self._limit = limit
        self._written = 0
        self._findings = 0
        self._names: dict[str, str] = {}
        self._held: Counter[str] = Counter()
        """The open bars of each lock: Mermaid refuses to end a bar that has not begun."""
        self._told: set[str] = set()
        """The threads whose waits a finding has shown."""
        self._verdict = ""
        self._spans = Spans(self._span)
        self._handlers: dict[str, Callable[[Event], None]] = {
            **dict.fromkeys(_STARTS, self._starts),
            "run.started": self._opened,
            "run.finished": self._finished,
            "thread.started": self._began,
            "thread.ended": self._ended,
            "thread.failed": self._failed,
            "message": self._said,
            "finding": self._finding,
            "pool.submitted": self._submitted,
            "queue.put": self._put,
            "queue.got": self._got,
            "lock.acquired": self._acquired,
            "semaphore.acquired": self._acquired,
            "condition.waiting": self._waits_on,
            "condition.woken": self._woken,
            "lock.released": self._released,
            "semaphore.released": self._released,
        }
        self._write("sequenceDiagram")

    @property
    def is_detailed(self) -> bool:
        """Whether the log has the operations."""
        return self._spans.opening.is_detailed

    def take(self, event: Event) -> None:
        """Takes the next event."""
        self._spans.take(event)
        handler = self._handlers.get(event["event"])
        if handler is not None:
            handler(event)

    def close(self) -> None:
        """Ends the diagram with notes on what is left out and on the verdict."""
        self._spans.close()
        for text in filter(None, (self.cut, self._verdict)):
            self._note_over_all(text)

    @property
    def cut(self) -> str:
        """The parts that the diagram leaves out, in words; '' if it is complete."""
        parts = []
        if self.left_out:
            parts.append(f"the first {self._limit:,} messages are shown, {self.left_out:,} are left out")
        if self.findings_left_out:
            parts.append(f"the first {MAX_FINDINGS} findings are shown, {self.findings_left_out:,} are left out")
        return "; ".join(parts)

    # --- the run

    def _opened(self, event: Event) -> None:
        if self._spans.opening.scenario:
            self._write(f"title {escaped(self._spans.opening.scenario)}")

    def _finished(self, event: Event) -> None:
        self._verdict = f"{event.get('verdict', '?')} after {seconds(event['elapsed_s'])}"

    def _finding(self, event: Event) -> None:
        self._findings += 1
        if self._findings > MAX_FINDINGS:
            self.findings_left_out += 1
            return
        first, *threads = finding_lines(event)
        self._note_over_all(first)
        listed = event.get("threads")
        for one, line in zip(listed if isinstance(listed, list) else (), threads[:MAX_LISTED], strict=False):
            name = one.get("thread") if isinstance(one, dict) else None
            if isinstance(name, str):
                self._told.add(name)
                self._write(f"Note over {self._actor(name)}: {escaped(line.removeprefix(f'{name} '))}")
        if len(threads) > MAX_LISTED:
            self._note_over_all(threads[-1])

    # --- threads

    def _starts(self, event: Event) -> None:
        started = event.get("object")
        if started is not None:
            self._message(event["thread"], "->>", started, "starts")

    def _submitted(self, event: Event) -> None:
        task = event.get("value")
        text = f"submits {task}" if isinstance(task, str) else "submits a task"
        self._message(event["thread"], "->>", event.get("object", "?"), text)

    def _began(self, event: Event) -> None:
        pool = event.get("pool")
        if isinstance(pool, str):
            self._message(pool, "->>", event["thread"], "begins")
        elif not self.is_detailed:
            self._note(event["thread"], "begins")

    def _ended(self, event: Event) -> None:
        self._note(event["thread"], "ends")

    def _failed(self, event: Event) -> None:
        self._note(event["thread"], f"{event.get('type', 'exception')}: {event.get('text', '')}")

    def _said(self, event: Event) -> None:
        self._note(event.get("thread", "?"), str(event.get("message", "")))

    # --- objects

    def _put(self, event: Event) -> None:
        item = f" {value(event['value'])}" if "value" in event else ""
        self._message(event["thread"], "->>", event.get("object", "?"), f"puts{item}{_size(event)}")

    def _got(self, event: Event) -> None:
        item = f" {value(event['value'])}" if "value" in event else " an item"
        self._message(event.get("object", "?"), "-->>", event["thread"], f"gives{item}{_size(event)}")

    def _acquired(self, event: Event) -> None:
        name = event.get("object", "?")
        if not event.get("acquired"):
            self._message(event["thread"], "-x", name, "not acquired")
        elif self._message(event["thread"], "->>+", name, f"acquires{_waited(event.get('waited_s'))}"):
            self._held[name] += 1

    def _released(self, event: Event) -> None:
        name = event.get("object", "?")
        if not self._gives_back(name, event["thread"], "released"):
            self._message(event["thread"], "->>", name, "releases")

    def _gives_back(self, name: str, thread: str, text: str) -> bool:
        """Ends a lock's bar by an arrow from the lock, as Mermaid ends the sender's bar. False if there is no bar."""
        if not self._held[name]:
            return False
        if self._message(name, "-->>-", thread, text):
            self._held[name] -= 1
        return True

    def _waits_on(self, event: Event) -> None:
        condition = event.get("object", "?")
        self._gives_back(self._spans.opening.lock_of(condition), event["thread"], f"given up, to wait on {condition}")

    def _woken(self, event: Event) -> None:
        name = self._spans.opening.lock_of(event.get("object", "?"))
        if self._message(event["thread"], "->>+", name, f"acquires again{_waited(event.get('waited_s'))}"):
            self._held[name] += 1

    def _span(self, span: Span) -> None:
        if span.what != WAITING or span.op is None:
            return
        what = f"{waiting(span.op, span.object or '?')} for {seconds(span.seconds)}".replace("waits", "waited", 1)
        if span.ended == CUT_OFF:
            if span.thread not in self._told:
                self._note(span.thread, f"{what}, until the end")
        elif span.by is not None and span.op not in ("queue.put", "queue.get"):
            self._message(span.by.thread, "-)", span.thread, f"frees: {what}")

    # --- lines

    def _message(self, sender: str, arrow: str, receiver: str, text: str) -> bool:
        if self._written >= self._limit:
            self.left_out += 1
            return False
        self._written += 1
        # Mermaid orders participants by their first mention, so each is declared before it is used.
        self._write(f"{self._actor(sender)}{arrow}{self._actor(receiver)}: {escaped(text)}")
        return True

    def _note(self, thread: str, text: str) -> None:
        if self._written >= self._limit:
            self.left_out += 1
            return
        self._written += 1
        self._write(f"Note over {self._actor(thread)}: {escaped(text)}")

    def _note_over_all(self, text: str) -> None:
        actors = list(self._names.values()) or [self._actor("run")]
        over = actors[0] if len(actors) == 1 else f"{actors[0]},{actors[-1]}"
        self._write(f"Note over {over}: {escaped(text)}")

    def _actor(self, name: str) -> str:
        actor = self._names.get(name)
        if actor is None:
            actor = self._names[name] = f"p{len(self._names)}"
            self._write(f"participant {actor} as {escaped(name, _NAME)}")
        return actor

    def _write(self, line: str) -> None:
        indent = "" if line == "sequenceDiagram" else "    "
        self._file.write(f"{indent}{line}\n".encode(errors="replace"))


def _size(event: Event) -> str:
    size = event.get("size")
    return f" ({size} in it)" if type(size) is int else ""


def _waited(waited: object) -> str:
    return f" after {seconds(waited)}" if isinstance(waited, float) and waited > 0 else ""
