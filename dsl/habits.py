"""Foreign habits: how other languages would say it, and how Tamis does.

SPELLINGS are taken in by the grammar, so that they are told and otherwise change nothing. Where reading meets a
mistake, FORMS say what to write instead, and WORDS give advice. NAMES can only be told once names are looked up.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from dsl.lexing import Token
from dsl.literals import no_such_day, quoted, unescape

SPELLINGS: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("EQUAL", "=="): "write `=`",
        ("EQUAL", "==="): "write `=`",
        ("UNEQUAL", "<>"): "write `!=`",
        ("UNEQUAL", "!=="): "write `!=`",
        ("LESS_EQUAL", "≤"): "write `<=`",
        ("GREATER_EQUAL", "≥"): "write `>=`",
        ("COLON", ":"): 'write `=`, as in `country = "FR"`',
        ("AND", "&"): "write `and`",
        ("AND", "&&"): "write `and`",
        ("AND", "et"): "write `and`",
        ("OR", "|"): "write `or`",
        ("OR", "||"): "write `or`",
        ("OR", "ou"): "write `or`",
        ("NOT", "!"): "write `not`",
        ("EXCEPT", "sauf"): "write `except`",
        ("NULL", "null"): "write `is set` or `is not set`",
    }
)
"""(terminal, what was written in lower case) -> the right form."""


def _form(pattern: str, form: str) -> tuple[re.Pattern[str], str]:
    return re.compile(pattern, re.IGNORECASE), form


_TEXT = r"""("[^"\n]{0,80}"|'[^'\n]{0,80}')"""
_ITEM = r"\s*+([^();,\n]{1,80}?)\s*+"
_UNITS = {"heures": "hours", "jours": "days", "semaines": "weeks", "mois": "months", "ans": "years", "années": "years"}
_LAST = r"(?:\bdans )?\bles (\d{1,9}) derni(?:er|ère)s"
_DEEDS = {"acheté": "purchase", "ouvert": "open", "cliqué": "click", "visité": "visit"}

_CUT = r"(top|bottom|random) ++(\d{1,9})\b"

FORMS: tuple[tuple[re.Pattern[str], str], ...] = (
    # a cut where a condition must be
    _form(rf"\A\s*+{_CUT}( [^\n]{{1,80}})?", r"everyone \1 \2\3"),
    _form(rf"\band {_CUT}", r"\1 \2"),
    # SQL
    _form(r"\bselect\b[^\n]{0,80}?\bwhere\b", ""),
    _form(r"\bwhere\b", ""),
    _form(
        r"\b(?:(?:now|current_timestamp) ?(?:\( ?\))?|current_date) ?- ?interval ?'?(\d{1,9}) ?(\w{3,6}?)s?\b'?",
        r"\1 \2s ago",
    ),
    _form(r"\b(?:new Date|Date\.now) ?\( ?\)", "now"),
    _form(r"\b(?:now|getdate|current_timestamp) ?\( ?\)", "now"),
    _form(r"\b(?:current_date|curdate|today) ?\( ?\)", "today"),
    _form(r"\b(?:date|timestamp) ?'(\d{4}-\d\d-\d\d)'", r"\1"),
    _form(r"\bcount ?\( ?\* ?\)", "count(any event)"),
    _form(r"\bexists ?\([^()\n]{0,80}\)", "did any event"),
    _form(r"\bilike\b", "like"),
    _form(r"\b(?:regexp|rlike)\b", "matches"),
    _form(r"'([^'\n]{1,80})''([^'\n]{1,80})'", '"\\1\'\\2"'),
    # Lucene, Elasticsearch
    _form(r"\b(\w{1,80}+) ?: ?\[ ?(\S{1,40}) to (\S{1,40}?) ?\]", r"\1 between \2 and \3"),
    _form(r"\b(\w{1,80}+) ?: ?(\w{1,80})\*", r'\1 starts with "\2"'),
    _form(r"\b(\w{1,80}+) ?: ?(\w{1,80})~\d?", r'\1 contains "\2"'),
    _form(r"\+(\w{1,80}) -(\w{1,80})", r"\1 and not \2"),
    # JavaScript
    _form(rf"\b(\w{{1,80}}+)\??\.includes\({_TEXT}\)", r"\1 contains \2"),
    _form(rf"\b(\w{{1,80}}+)\??\.startsWith\({_TEXT}\)", r"\1 starts with \2"),
    _form(rf"\b(\w{{1,80}}+)\??\.endsWith\({_TEXT}\)", r"\1 ends with \2"),
    _form(r"\b(\w{1,80}+)\?\.(\w{1,80})", r"\1.\2"),
    _form(r"\bnew Date\( ?['\"](\d{4}-\d\d-\d\d)['\"] ?\)", r"\1"),
    _form(r"\beq\b|\bequals\b", "="),
    _form(r"\bne\b(?! \w+ pas)", "!="),
    _form(r"\bgte\b", ">="),
    _form(r"\bgt\b", ">"),
    _form(r"\blte\b", "<="),
    _form(r"\blt\b", "<"),
    _form(r"=>", ">="),
    _form(r"=<", "<="),
    _form(r"=!", "!="),
    _form(r">>", ">"),
    _form(r"<<", "<"),
    _form(r"=~|~", "matches"),
    # dates between points, which are no numbers
    _form(r"\b(0[1-9]|[12]\d|3[01])\.(0[1-9]|1[0-2])\.(\d{4})\b", r"\3-\2-\1"),
    # spreadsheets
    _form(rf"\b(?:and|et) ?\({_ITEM}[;,]{_ITEM}\)", r"(\1 and \2)"),
    _form(rf"\b(?:or|ou) ?\({_ITEM}[;,]{_ITEM}\)", r"(\1 or \2)"),
    _form(rf"\b(?:if|si) ?\({_ITEM}[;,][^()\n]{{0,80}}\)", r"(\1)"),
    _form(r"\b(?:true|vrai) ?\( ?\)", "true"),
    _form(r"\b(?:false|faux) ?\( ?\)", "false"),
    _form(r"\bcountifs? ?\( ?(\w{1,80})[^()\n]{0,80}\)", r"count(\1)"),
    _form(r"\bsumifs? ?\( ?(\w{1,80}) ?[;,] ?(\w{1,80})[^()\n]{0,80}\)", r"sum(\1 of \2)"),
    _form(r"\A\s*+=", ""),
    _form(r";\s*+\Z", ""),
    # French
    _form(r"\bne contient pas\b", "not contains"),
    _form(r"\bcontient\b", "contains"),
    _form(r"\bcommence par\b", "starts with"),
    _form(r"\b(?:finit|se termine) par\b", "ends with"),
    _form(r"\b(?:pas|non) dans\b", "not in"),
    _form(r"\bentre ([\w.-]{1,40}) et ([\w.-]{1,40})", r"between \1 and \2"),
    _form(r"\bn'est pas vide\b", "is set"),
    _form(r"\best vide\b", "is not set"),
    _form(r"\best (?:vrai|vraie)\b", "= true"),
    _form(r"\best (?:faux|fausse)\b", "= false"),
    _form(r"\bn'est pas\b", "!="),
    _form(r"\best\b", "="),
    _form(r"\baujourd['’]hui\b", "today"),
    _form(r"\bdepuis\b", "since"),
    _form(r"\bavant\b", "before"),
    _form(r"\baprès\b", "after"),
    *(
        _form(rf"(?:\bdans )?\bles (\d{{1,9}}) derni(?:er|ère)s {french}\b", rf"in last \1 {unit}")
        for french, unit in _UNITS.items()
    ),
    *(_form(rf"\bil y a (\d{{1,9}}) {french}\b", rf"\1 {unit} ago") for french, unit in _UNITS.items()),
    *(_form(rf"{_LAST} {french}\b", rf"in last \1 {unit}") for french, unit in _UNITS.items()),
    *(_form(rf"\bn'a pas {deed}\b", f"did not {event}") for deed, event in _DEEDS.items()),
    *(_form(rf"\ba {deed}\b", f"did {event}") for deed, event in _DEEDS.items()),
    _form(r"\bdans\b", "in"),
    _form(r"\b(?:pas|non)\b", "not"),
)
"""What is written in other languages -> what to write in its place. The first that stands at a mistake is meant."""

NAMES: Mapping[str, str] = MappingProxyType(
    {
        "hier": "yesterday",
        "demain": "tomorrow",
        "maintenant": "now",
        "vrai": "true",
        "faux": "false",
        "current_date": "today",
        "current_timestamp": "now",
        "sysdate": "now",
    }
)
"""What the grammar reads as a name, in lower case, and other languages know as a value -> that value here."""

WORDS: Mapping[str, str] = MappingProxyType(
    {
        "xor": "write `exactly 1 of (…, …)`",
        "select": "leave out `select` and `where`: write the condition alone",
        "limit": 'write `top 100 by …` or `random 100 seed "…"`',
        "order": "write `top 100 by …`",
        "top": "a cut comes last: `everyone top 10 by points`",
        "<": "write `age between 18 and 25` for two bounds",
        "<=": "write `age between 18 and 25` for two bounds",
        ">": "write `age between 18 and 25` for two bounds",
        ">=": "write `age between 18 and 25` for two bounds",
        "within": "write `in last 7 days`; `within` follows a later step, after `then`",
        ";": "leave it out: an expression ends where it ends",
        "[": 'write a list in parentheses: `in ("FR", "BE")`',
        "{": "group with parentheses: `( … )`",
        "^": "there are no powers; numbers combine with + - * /",
        "%": "there is no remainder; numbers combine with + - * /",
        "?": "write a parameter as `$name`",
        "@": "write a parameter as `$name`",
        "--": "write comments after `#`",
        "//": "write comments after `#`",
    }
)
"""What stands where parsing stopped, or just before, in lower case -> advice."""

_DATES = (
    re.compile(r"(?P<y>\d{4})[-/.]?(?P<m>\d{2})[-/.]?(?P<d>\d{2})(?=$|[T ])"),
    re.compile(r"(?P<y>\d{4})[-/.](?P<m>\d{1,2})[-/.](?P<d>\d{1,2})(?=$|[T ])"),
    re.compile(r"(?P<d>\d{1,2})[-/.](?P<m>\d{1,2})[-/.](?P<y>\d{4})(?=$|[T ])"),
)
"""Dates as they are written elsewhere; between the last two, the day stands first unless only the month can."""

_ANY_FORM = re.compile("|".join(f"(?:{pattern.pattern})" for pattern, _ in FORMS), re.IGNORECASE)
_WORD = re.compile(r"\w++|[^\w\s]")

BEFORE, AFTER = 100, 200
"""How many characters around a mistake are looked at for a form of another language."""


@dataclass(frozen=True, slots=True)
class Habit:
    """A form of another language at `[start, end)`, and how to mend it."""

    start: int
    end: int
    hint: str


def habit_at(text: str, offset: int) -> Habit | None:
    """The form of another language that a mistake at `offset` is part of, or comes right after."""
    low, high = max(0, offset - BEFORE), min(len(text), offset + AFTER)
    begins = {low, *(word.start() for word in _WORD.finditer(text, low, offset + 1))}
    begun = sorted(begin for begin in begins if _ANY_FORM.match(text, begin, high))
    for pattern, form in FORMS if begun else ():
        for begin in begun:
            match = pattern.match(text, begin, high)
            if match and match.end() + 1 >= offset:
                written = match.expand(form)
                return Habit(begin, match.end(), f"write `{written}`" if written else "leave it out")
    return None


def spelling_hint(token: Token) -> str | None:
    """The right form of a token the grammar took in although it is written otherwise."""
    if token.type == "STRING" and token.value[0] in "“«":
        return f"write straight quotes: {quoted(token.value[1:-1].strip())}"
    return SPELLINGS.get((token.type, token.value.lower()))


def like_hint(literal: str) -> str:
    """The right form of SQL's `LIKE '…'`.

    >>> like_hint("'%x%'")
    'write `contains "x"`'
    """
    pattern = unescape(literal)
    inner = pattern.strip("%")
    if not inner or "%" in inner or "_" in inner:
        return f"write `like {quoted(pattern)}`"
    match pattern.startswith("%"), pattern.endswith("%"):
        case True, True:
            verb = "contains"
        case True, False:
            verb = "ends with"
        case False, True:
            verb = "starts with"
        case _:
            verb = "="
    return f"write `{verb} {quoted(inner)}`"


def date_hint(text: str) -> str | None:
    """How to write a date that is written in another way; None when it looks like none.

    >>> date_hint("31/12/2026"), date_hint("12/31/2026"), date_hint("20261231")
    ('write 2026-12-31', 'write 2026-12-31', 'write 2026-12-31')
    >>> date_hint("01/02/2026")
    'write 2026-02-01, or 2026-01-02 if the month stands first'
    >>> date_hint("31/02/2026")
    'there is no such day: February 2026 has 28 days; a date is written 2026-06-30'
    """
    found = next((match for shape in _DATES if (match := shape.match(text.strip()))), None)
    if found is None:
        return None
    year, month, day = (int(found[part]) for part in "ymd")
    turned = found.start("d") == 0 and no_such_day(year, day, month) is None
    fault = no_such_day(year, month, day)
    if fault is None:
        other = f", or {_iso(year, day, month)} if the month stands first" if turned and day != month else ""
        return f"write {_iso(year, month, day)}{other}"
    if turned:
        return f"write {_iso(year, day, month)}"
    return f"there is no such day: {fault}; a date is written 2026-06-30"


def _iso(year: int, month: int, day: int) -> str:
    return f"{year:04}-{month:02}-{day:02}"


def word_hint(previous: str | None, current: str) -> str | None:
    """Advice about what stands where parsing stopped, given the word before it."""
    return WORDS.get(current.lower()) or (WORDS.get(previous.lower()) if previous and previous.isalpha() else None)
