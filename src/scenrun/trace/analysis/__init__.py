"""Reading and analysis of logs: lines to events, events to spans, causes, figures, critical path and bottleneck."""
