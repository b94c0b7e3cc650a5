"""Durable bytes: the journal, immutable blocks, the catalog, checkpoint and recovery. Knows no query."""
