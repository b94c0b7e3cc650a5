"""The same questions asked of DuckDB, in SQL that a translator of its own writes from typed trees.

It is a second opinion on what expressions mean: it shares with the engine and the oracle the typed tree, folding and
the fingerprint of an id, and nothing else. Calendars, arithmetic, aggregates and sequences are DuckDB's.
"""
