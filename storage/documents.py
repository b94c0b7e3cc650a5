"""Small values by collection and key: settings, jobs, keys. Durable, checksummed, shared by threads."""

from __future__ import annotations

import zlib

from storage.database import Database
from storage.errors import DamageError

TABLE = (
    "CREATE TABLE documents (collection TEXT NOT NULL, key TEXT NOT NULL, checksum INTEGER NOT NULL, "
    "value BLOB NOT NULL, PRIMARY KEY (collection, key))"
)


class Documents:
    """Every method raises DamageError for a value that is not what was put."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, collection: str, key: str) -> bytes | None:
        rows = self._database.rows(
            "SELECT checksum, value FROM documents WHERE collection = ? AND key = ?", collection, key
        )
        return self._verified(collection, key, *rows[0]) if rows else None

    def items(self, collection: str) -> list[tuple[str, bytes]]:
        """Keys and values, in the order of keys."""
        rows = self._database.rows(
            "SELECT key, checksum, value FROM documents WHERE collection = ? ORDER BY key", collection
        )
        return [(key, self._verified(collection, key, checksum, value)) for key, checksum, value in rows]

    def put(self, collection: str, key: str, value: bytes) -> None:
        """Durable on return. StorageFull and StorageFailed as for the journal."""
        self._database.disk.require_room(len(value))
        row = (collection, key, _checksum(collection, key, value), value)
        with self._database.transaction() as connection:
            connection.execute("REPLACE INTO documents VALUES (?, ?, ?, ?)", row)

    def delete(self, collection: str, key: str) -> None:
        """Remove a document, if it is there. Its bytes are gone from the disk after the next checkpoint or close."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM documents WHERE collection = ? AND key = ?", (collection, key))

    def verify(self) -> None:
        """Read everything."""
        for collection, key, checksum, value in self._database.rows("SELECT * FROM documents"):
            self._verified(collection, key, checksum, value)

    def _verified(self, collection: str, key: str, checksum: int, value: bytes) -> bytes:
        if _checksum(collection, key, value) != checksum:
            raise DamageError(self._database.path, f"document {collection}/{key} does not have its checksum")
        return value


def _checksum(collection: str, key: str, value: bytes) -> int:
    return zlib.crc32(value, zlib.crc32(f"{collection}\0{key}\0".encode()))
