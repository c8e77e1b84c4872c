"""What people read of results and logs: terminal, timeline, pages, traces, tables; it computes no verdict."""
