"""Many processes that answer for one server: the one that writes, and workers that follow it."""
