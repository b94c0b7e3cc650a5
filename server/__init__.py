"""The HTTP API and the command line: wiring and conversation only."""
