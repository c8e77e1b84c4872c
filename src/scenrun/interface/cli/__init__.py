"""The command line: a module per command, and the modules that commands share."""
