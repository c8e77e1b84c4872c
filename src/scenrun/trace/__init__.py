"""The log of a run: its events, the recorder that writes its lines, and the analysis that reads them back."""
