"""The self-contained HTML page of a sweep: lines with confidence bands, a heat map, the slowest and the failing cells."""
