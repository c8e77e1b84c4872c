"""Lanes in text: what every thread did, in as many columns as the terminal has."""
