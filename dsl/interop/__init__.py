"""Expressions to and from the documents of other rule builders, for what both sides can say.

What is read or written means the same on both sides, or is told and refused; differences that no document can show,
such as how text is compared, are told beside the answer. `plain.py` brings an expression to the few shapes that rule
builders share; `rule_groups.py` knows react-querybuilder, `logic_reading.py` and `logic_writing.py` JsonLogic;
`fields.py` and `literals.py` the names and values they hold; `report.py` gathers what is told.
"""

from dsl.interop.exchange import Form, Read, Written, read_rules, write_rules

__all__ = ["Form", "Read", "Written", "read_rules", "write_rules"]
