"""The user interfaces: the command line, the pytest plugin, and the generated reference of the language and the log."""
