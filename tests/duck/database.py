"""DuckDB in memory: a world loaded once, and expressions asked of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import duckdb

from dsl.moments import Clock
from dsl.typed import Selection
from tests.duck import sql
from tests.duck.calendar import Calendar
from tests.duck.loading import tables
from tests.duck.macros import MACROS, calendar_of
from tests.duck.translate import Translator, Untranslatable
from tests.oracle.world import World

SETTINGS = ("set threads = 1", "set timezone = 'UTC'", "set disabled_optimizers = 'join_elimination'")
"""DuckDB 2.0's elimination of joins fails on some of these queries, with `unordered_map::at`."""


@dataclass
class Duck:
    """A connection, and the world whose tables it has."""

    connection: duckdb.DuckDBPyConnection = field(default_factory=duckdb.connect)
    world: World | None = None

    def __post_init__(self) -> None:
        for setting in SETTINGS:
            self.connection.execute(setting)
        self.define(MACROS)

    def define(self, macros: Iterable[str]) -> None:
        for macro in macros:
            self.connection.execute(f"create or replace macro {macro}")

    def load(self, world: World) -> None:
        """Tables of the world as it is now, in place of those there were."""
        self.world = world
        self.define(calendar_of(world.schema.timezone))
        for name, table in tables(world).items():
            self.connection.register("loaded", table)
            self.connection.execute(f"create or replace table {sql.name(name)} as select * from loaded")
            self.connection.unregister("loaded")

    def select(self, selection: Selection, clock: Clock) -> set[str]:
        """The ids of the members. Untranslatable."""
        assert self.world is not None, "no world is loaded"
        query = Translator(self.world.schema, Calendar(clock.now), self.world.segments).query(selection)
        try:
            return {row[0] for row in self.connection.execute(query).fetchall()}
        except duckdb.OutOfRangeException as error:
            raise Untranslatable("numbers beyond 128 bits") from error
