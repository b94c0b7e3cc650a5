"""Physical operators: one kind a file, each a question that can be asked of some rows."""
