"""Who may ask the studio: pages that it gave out itself, under its own address, with the token that is in it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

HOSTS = ("127.0.0.1", "localhost")
"""The names that a browser may have for this machine; another one is DNS rebinding."""
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; frame-src 'self'; "
        "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
}
"""The headers of the studio's own page: nothing from elsewhere, and the address, which has the token, goes nowhere."""
HEADERS_OF_RESULTS = {
    **HEADERS,
    "Content-Security-Policy": (
        "sandbox allow-scripts allow-downloads; default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
        "img-src data:; frame-ancestors 'self'"
    ),
}
"""The headers of a result's page: it has an origin of its own, and reaches nothing."""


@dataclass(frozen=True, slots=True)
class Guard:
    """Says whether a request is one of the studio's own pages."""

    port: int
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))

    @property
    def address(self) -> str:
        """The address of the studio, to be opened in a browser."""
        return f"http://{HOSTS[0]}:{self.port}/{self.token}/"

    def is_ours(self, host: str | None, token: str) -> bool:
        """Whether a request names this machine, and knows the token."""
        names = {f"{name}:{self.port}" for name in HOSTS}
        return host in names and secrets.compare_digest(token.encode(), self.token.encode())

    def is_from_us(self, origin: str | None) -> bool:
        """Whether a request that changes something comes from a page of the studio."""
        return origin in {f"http://{name}:{self.port}" for name in HOSTS}
