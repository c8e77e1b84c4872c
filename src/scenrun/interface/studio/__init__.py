"""The studio: a scenario is edited, explored and played in the browser, on this machine alone."""
