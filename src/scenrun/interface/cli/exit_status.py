"""The exit statuses of every command; 0 is as the file expects, 1 is not, and signals add their number to 128."""

EXIT_WRONG_INPUT = 2
"""The file or the command line is wrong, or the output cannot be opened."""
EXIT_INCOMPLETE = 3
"""The verdict is `incomplete`."""
EXIT_FAILED = 4
"""The output failed midway, or scenrun did."""
EXIT_CLOSED = 141
"""The reader of stdout has left: 128 + SIGPIPE."""
