"""Tables: the data in memory, sealed and growing, behind the protocols of `engine.reading`."""

from engine.tables.state import Applied, State, TablesVersion

__all__ = ["Applied", "State", "TablesVersion"]
