"""Walks one schedule after another: random walks, PCT, POS, SURW, bounded search, DPOR; in processes or on a cluster."""
