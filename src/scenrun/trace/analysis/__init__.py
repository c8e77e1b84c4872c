"""What a log says: lines to events, events to spans of time, figures, and the critical path."""
