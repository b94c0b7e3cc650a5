"""Data generator and measurements: how fast and how large, beside what a good engineer would use instead."""
