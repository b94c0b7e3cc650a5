"""Folding: the form in which text is compared, without regard to case or accents."""

from __future__ import annotations

import unicodedata


def fold(text: str) -> str:
    """The form of `text` that comparisons see: compatibility-decomposed, case-folded, without accents.

    >>> fold("Société") == fold("SOCIETE")
    True
    >>> fold("Straße")
    'strasse'

    Folding is idempotent: `fold(fold(x)) == fold(x)` for every text.
    """
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    bare = "".join(c for c in decomposed if unicodedata.category(c) != "Mn")
    # Dropping marks or case-folding can expose a further decomposition; a second pass reaches the fixed point.
    return bare if bare == text else fold(bare)
