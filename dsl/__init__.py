"""The segment language: text -> tree -> typed tree. Knows no data; names and types come through a Schema."""
