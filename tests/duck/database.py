"""DuckDB in memory: a world loaded once, and expressions asked of it."""

from __future__ import annotations

from dataclasses import dataclass, field

import duckdb

from dsl.moments import Clock
from dsl.typed import Selection
from tests.duck import sql
from tests.duck.calendar import Calendar
from tests.duck.loading import tables
from tests.duck.macros import macros
from tests.duck.translate import Translator, Untranslatable
from tests.oracle.world import World

SETTINGS = ("set threads = 1", "set timezone = 'UTC'")


@dataclass
class Duck:
    world: World
    connection: duckdb.DuckDBPyConnection = field(default_factory=duckdb.connect)

    def __post_init__(self) -> None:
        for statement in (*SETTINGS, *macros(self.world.schema.timezone)):
            self.connection.execute(statement)
        for name, table in tables(self.world).items():
            self.connection.register("loaded", table)
            self.connection.execute(f"create or replace table {sql.name(name)} as select * from loaded")
            self.connection.unregister("loaded")

    def select(self, selection: Selection, clock: Clock) -> set[str]:
        """The ids of the members. Untranslatable."""
        query = Translator(self.world.schema, Calendar(clock.now), self.world.segments).query(selection)
        try:
            return {row[0] for row in self.connection.execute(query).fetchall()}
        except duckdb.OutOfRangeException as error:
            raise Untranslatable("numbers beyond 128 bits") from error

    def close(self) -> None:
        self.connection.close()
