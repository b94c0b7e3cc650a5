"""The canonical text of each part of an expression, found by its place."""

from __future__ import annotations

from dataclasses import dataclass

from dsl import tree
from dsl.folding import fold
from dsl.format import one_line
from dsl.problems import Span
from engine.why.answer import Stretch


@dataclass(frozen=True, slots=True)
class Texts:
    """The parts of one expression; `source` is what it was read from."""

    source: str
    parts: dict[Span, tree.Node]
    written: dict[str, str]
    """Texts as they were written, by their folded form."""

    @classmethod
    def of(cls, source: str, root: tree.Node) -> Texts:
        parts: dict[Span, tree.Node] = {}
        for node in tree.walk(root):
            if not isinstance(node, tree.Identifier | tree.Timing | tree.Frequency | tree.Values | tree.Selection):
                parts.setdefault(node.span, node)  # a node comes before what it is made of
        literals = [node.value for node in parts.values() if isinstance(node, tree.Text)]
        return cls(source, parts, {fold(text): text for text in literals})

    def stretch(self, span: Span) -> Stretch:
        """A place with the line and column where it begins."""
        before = self.source[: span.start]
        return Stretch(span.start, span.end, before.count("\n") + 1, span.start - (before.rfind("\n") + 1) + 1)

    def at(self, span: Span) -> str:
        """The canonical text of the part at a place."""
        node = self.parts.get(span)
        return self.source[span.start : span.end] if node is None else one_line(node)  # type: ignore[arg-type]
