"""The HTTP API and the command line: wiring and conversation only."""

import gc

# Loading modules makes much and leaves little to collect, and so does answering: full collections, of which each stops
# everything, are kept few.
gc.set_threshold(50_000, 20, 20)
