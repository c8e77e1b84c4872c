"""The user's own Python under control: compiled with hooks, run on real threads one at a time, as a search chooses."""
