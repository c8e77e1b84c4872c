"""Many scenarios as tests: which files are some, in which ways each is run, how it is judged. `scenrun test` and pytest share it."""
