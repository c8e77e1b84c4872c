"""What a log says: lines to events, events to spans of time, and who let whom go on."""
