"""A naive evaluator over plain Python data: slow, simple, and written from the language's contract alone."""
