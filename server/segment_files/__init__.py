"""Segment files: segments and their tests as text, kept under version control, checked and run anywhere."""
