"""Searches the schedules of a scenario: by its model, or, where its threads use objects of the author's, with their code."""

from __future__ import annotations
