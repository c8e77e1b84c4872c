"""What a page's player shows."""

from __future__ import annotations

from browser import Browser


def told_state(browser: Browser) -> dict[str, str]:
    """What the player shows, by key."""
    return dict(
        browser.js(
            "[...document.querySelectorAll('#player [data-key]')].map((c) => [c.dataset.key, c.querySelector('.value').textContent])"
        )
    )
