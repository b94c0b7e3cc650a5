"""The fields that documents name: `points`, `company`, `company.industry`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from dsl import tree
from dsl.check import check
from dsl.interop.report import Report
from dsl.names import COMPANY, CONTACTS, Names
from dsl.problems import NOWHERE, ExpressionError
from dsl.schema import CONTACT_SYSTEM_FIELDS, Field, Schema, Type

FOLDED = frozenset({Type.TEXT, Type.CHOICE, Type.TAGS})


@dataclass(frozen=True, slots=True)
class Place:
    """A field as a document names it, as the language does, and what it holds."""

    name: str
    node: tree.FieldName
    field: Field

    @property
    def type(self) -> Type:
        return self.field.type

    @property
    def folded(self) -> bool:
        """Whether its values are compared without regard to case and accents."""
        return self.field.type in FOLDED


@dataclass(slots=True)
class Fields:
    """The fields of a schema, by the names that documents give them."""

    schema: Schema
    names: Names = field(init=False)

    def __post_init__(self) -> None:
        self.names = Names(self.schema, {})

    def named(self, name: str) -> Place:
        """The field of a name; Flaw with the closest ones when there is none. A contact's own field comes first."""
        node = tree.FieldName(NOWHERE, tree.Identifier(NOWHERE, name))
        owner, dot, rest = name.partition(".")
        if name not in self._own and dot and owner == COMPANY:
            node = tree.FieldName(NOWHERE, tree.Identifier(NOWHERE, rest), tree.Identifier(NOWHERE, COMPANY))
        return Place(name, node, self.names.field(node, CONTACTS).field)

    @property
    def _own(self) -> set[str]:
        return {*self.schema.contacts, *CONTACT_SYSTEM_FIELDS}

    def place(self, node: tree.FieldName) -> Place:
        """The field that the language names."""
        name = node.name.name if node.owner is None else f"{COMPANY}.{node.name.name}"
        return Place(name, node, self.names.field(node, CONTACTS).field)

    def name(self, node: tree.FieldName, report: Report) -> str | None:
        """The name of a field in a document; None, and told, when it would be another's."""
        place = self.place(node)
        if node.owner is not None and place.name in self._own:
            message = f"a contact's own field is called {place.name!r} too, and would be meant"
            report.unsaid(node.span, message, "rename one of the two")
            return None
        return place.name

    def folds(self, node: tree.FieldName) -> bool:
        return self.place(node).folded

    def fits(self, node: tree.Expression, path: str, report: Report) -> bool:
        """Whether a test makes sense of its field's type; what is wrong is told at `path`."""
        try:
            check(tree.Selection(NOWHERE, node), self.schema)
        except ExpressionError as error:
            for problem in error.problems:
                report.tell(replace(problem, span=None, path=path))
            return False
        return True
