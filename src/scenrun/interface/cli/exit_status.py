"""The exit statuses of all commands; 0 is as the file expects, 1 is not, and signals add their number to 128."""

EXIT_WRONG_INPUT = 2
"""The file or the command line is invalid, or the output cannot be opened."""
EXIT_INCOMPLETE = 3
"""The verdict is `incomplete`."""
EXIT_FAILED = 4
"""Writing the output failed midway, or scenrun itself failed."""
EXIT_CLOSED = 141
"""The reader of stdout has closed it: 128 + SIGPIPE."""
