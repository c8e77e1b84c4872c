"""The timeline in text: a lane per thread, lock and queue, as wide as the terminal."""
