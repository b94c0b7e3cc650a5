"""The words of French. What is *marked* is feminine; joints contract and elide."""

from __future__ import annotations

import re
from decimal import Decimal

from dsl.describe.language import Code, Language, Noun, Said, Units
from dsl.moments import Unit
from dsl.tree import Bound, Comparator, Moment, Quantifier, TextTest, When, Which
from dsl.typed import AggregateFunction, CutKind, Operator, Part

HARD = "\u00a0"
"""The space that no line breaks at, inside guillemets and before the sign of percent."""
THIN = "\u202f"
"""The space between thousands."""

_VOWEL = re.compile(r"[aeiouyàâäéèêëîïôöùûüœæ]|hier\b", re.IGNORECASE)

UNITS = {
    Unit.SECOND: Units("seconde", "secondes", feminine=True),
    Unit.MINUTE: Units("minute", "minutes", feminine=True),
    Unit.HOUR: Units("heure", "heures", feminine=True),
    Unit.DAY: Units("jour", "jours"),
    Unit.WEEK: Units("semaine", "semaines", feminine=True),
    Unit.MONTH: Units("mois", "mois"),
    Unit.YEAR: Units("année", "années", feminine=True),
}
"""A length in years is said in `ans`; see `units` below."""

ADJECTIVES = {Which.LAST: ("dernier", "dernière"), Which.NEXT: ("prochain", "prochaine")}


def _number(number: Decimal) -> str:
    return f"{number:,f}".replace(",", THIN).replace(".", ",")


def _is_one(number: Decimal) -> bool:
    return number < 2


def _is_marked(name: str) -> bool:
    return False  # a name always follows `le champ`


def _day(day: int, month: str, year: int) -> str:
    return f"le {'1er' if day == 1 else day} {month} {year}"


def _de(text: str) -> str:
    """`de` before it: `du champ`, `des jours`, `d'hier`."""
    if text.startswith("le "):
        return f"du {text[3:]}"
    if text.startswith("les "):
        return f"des {text[4:]}"
    return f"d'{text}" if _VOWEL.match(text) else f"de {text}"


def _a(text: str) -> str:
    """`à` before it: `au champ`, `aux jours`."""
    if text.startswith("le "):
        return f"au {text[3:]}"
    return f"aux {text[4:]}" if text.startswith("les ") else f"à {text}"


def _calendar(which: Which, unit: Unit) -> str:
    words = UNITS[unit]
    if which is Which.THIS:
        return f"cette {words.one}" if words.feminine else f"ce {words.one}-ci"
    article = "l'" if _VOWEL.match(words.one) or unit is Unit.HOUR else "la " if words.feminine else "le "
    return f"{article}{words.one} {ADJECTIVES[which][words.feminine]}"


def _rolling(which: Which, count: str, one: bool, unit: Unit) -> str:
    words = UNITS[unit]
    adjective = ADJECTIVES[which][words.feminine]
    if one:
        return f"{'la' if words.feminine else 'le'} {adjective} {words.one}"
    return f"les {count} {adjective}s {words.many}"


MONTHS = (
    "janvier", "février", "mars", "avril", "mai", "juin",
    "juillet", "août", "septembre", "octobre", "novembre", "décembre",
)  # fmt: skip
WEEKDAYS = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")

FRENCH = Language(
    code=Code.FRENCH,
    quotes=(f"«{HARD}", f"{HARD}»"),
    templates={
        Said.CONTACTS: "les contacts {clause}",
        Said.EVERYONE: "tous les contacts",
        Said.NOBODY: "aucun contact",
        Said.AMONG_THEM: "parmi {contacts}, {chosen}",
        CutKind.TOP: "[celui|les {count}] {clause}",
        CutKind.BOTTOM: "[celui|les {count}] {clause}",
        CutKind.RANDOM: "[un tiré|{count} tirés] au hasard avec la graine {seed}",
        Said.POSSESSED: "dont {term} {predicate}",
        Said.CONCERNED: "pour [lesquels|lequel] {term} {predicate}",
        Said.WHOEVER: "quels qu'ils soient",
        Said.NO_ONE: "qui n'existent pas",
        Said.OUTSIDE: "[qui ne font|ne faisant] pas partie de ceux ({clause})",
        Said.BUT_NOT: "{clause}, mais pas {those}",
        Said.NOR_THOSE: " ni ",
        Said.NEXT_GROUP: f"{HARD}; ",
        Said.THOSE: "ceux {clause}",
        Said.GROUPS: "[qui appartiennent|appartenant] à {count} de ces groupes ({groups})",
        Quantifier.ANY: "[qui appartiennent|appartenant] à au moins un de ces groupes ({groups})",
        Quantifier.ALL: "[qui appartiennent|appartenant] à tous ces groupes ({groups})",
        Quantifier.NONE: "[qui n'appartiennent|n'appartenant] à aucun de ces groupes ({groups})",
        Bound.AT_LEAST: "au moins {count}",
        Bound.AT_MOST: "au plus {count}",
        Bound.EXACTLY: "exactement {count}",
        Bound.MORE: "plus {count:de}",
        Bound.FEWER: "moins {count:de}",
        Bound.BETWEEN: "entre {count} et {high}",
        Said.SOME: "au moins un {event}",
        Said.ZERO: "qui n'ont eu aucun {event}",
        Said.ONE_EVENT: "événement {name}",
        Said.MANY_EVENTS: "événements {name}",
        Said.ONE_ANY_EVENT: "événement",
        Said.MANY_ANY_EVENTS: "événements",
        Said.REGULARLY: "{events} pendant {count} {period:de}",
        Said.THEN: ", suivi d'un {event}{within}",
        Said.NOT_FOLLOWED: ", non suivi d'un {event}{within}",
        Said.WITHIN: " dans un délai {duration:de}",
        Said.FIELD: "le champ {name}",
        Said.THE_FIELD: "{field}",
        Said.FIELD_OF: "{field} {owner:de}",
        Said.THE_FIELD_OF: "{field} {owner:de}",
        Said.THE: "{term}",
        Said.SAME: "le champ {name} de l'étape précédente",
        Said.BUCKET: "le groupe tiré parmi {buckets} avec la graine {seed}",
        Said.MINUS: "moins {term}",
        Said.CONDITION: "la condition ({clause})",
        Said.YES: "vrai",
        Said.NO: "faux",
        Said.VALUE: "la valeur",
        Said.ANNIVERSARY: "l'anniversaire {term:de}",
        AggregateFunction.COUNT: "le nombre {events:de}",
        AggregateFunction.SUM: "le total {property:de} sur les {events}",
        AggregateFunction.AVG: "la moyenne {property:de} sur les {events}",
        AggregateFunction.MIN: "le minimum {property:de} sur les {events}",
        AggregateFunction.MAX: "le maximum {property:de} sur les {events}",
        AggregateFunction.DISTINCT: "le nombre de valeurs différentes {property:de} sur les {events}",
        AggregateFunction.FIRST: "le premier {event}",
        AggregateFunction.LAST: "le dernier {event}",
        Part.YEAR: "l'année {term:de}",
        Part.MONTH: "le mois {term:de}",
        Part.DAY: "le jour du mois {term:de}",
        Part.WEEKDAY: "le jour de la semaine {term:de}",
        Part.HOUR: "l'heure {term:de}",
        Part.YEARS_SINCE: "le nombre d'années révolues depuis {term}",
        Said.INSTANT: "{day} à {time}",
        Said.AGO: "il y a {duration}",
        Said.AHEAD: "dans {duration}",
        Said.THE_MOMENT_AGO: "le moment situé {duration} plus tôt",
        Said.THE_MOMENT_AHEAD: "le moment situé {duration} plus tard",
        Said.EARLIER_THAN_AGO: "il y a plus {duration:de}",
        Said.SINCE_AGO: "il y a au plus {duration}",
        Said.LATER_THAN_AGO: "il y a moins {duration:de}",
        Said.EARLIER: "le moment situé {duration} avant {time}",
        Said.LATER: "le moment situé {duration} après {time}",
    },
    pairs={
        Said.MEMBER: ("qui sont dans le segment {segment}", "qui ne sont pas dans le segment {segment}"),
        Said.RULES: (
            "qui répondent aux règles du segment {segment}",
            "qui ne répondent pas aux règles du segment {segment}",
        ),
        Said.SAMPLED: (
            f"qui sont dans l'échantillon de {{percent}}{HARD}% tiré avec la graine {{seed}}",
            f"qui ne sont pas dans l'échantillon de {{percent}}{HARD}% tiré avec la graine {{seed}}",
        ),
        Said.DID: ("qui ont eu {events}", "qui n'ont pas eu {events}"),
        Said.SEQUENCE: ("qui ont eu un {first}{then}", "qui n'ont pas eu d'{first}{then}"),
        Said.TRUE: ("est [vrai|vraie]", "n'est pas [vrai|vraie]"),
        Said.FALSE: ("est [faux|fausse]", "n'est pas [faux|fausse]"),
        Said.KNOWN: ("est [renseigné|renseignée]", "n'est pas [renseigné|renseignée]"),
        Said.BETWEEN: (
            "est [compris|comprise] entre {low} et {high}",
            "n'est pas [compris|comprise] entre {low} et {high}",
        ),
        Said.HIGHEST: ("est [le plus élevé|la plus élevée]", "n'est pas [le plus élevé|la plus élevée]"),
        Said.LOWEST: ("est [le plus bas|la plus basse]", "n'est pas [le plus bas|la plus basse]"),
        Said.FALLS: ("tombe {when}", "ne tombe pas {when}"),
        Said.EXACTLY: ("est exactement {value}", "n'est pas exactement {value}"),
        Said.ONE_OF: ("est {values}", "n'est ni {values}"),
        Said.IN_LIST: ("est parmi {value}", "n'est pas parmi {value}"),
        Said.MATCHES: (
            "correspond à l'expression régulière {value}",
            "ne correspond pas à l'expression régulière {value}",
        ),
        Said.MATCHES_ANY_CASE: (
            "correspond sans égard à la casse à l'expression régulière {value}",
            "ne correspond pas sans égard à la casse à l'expression régulière {value}",
        ),
        Said.INCLUDES: ("comporte {value}", "ne comporte pas {value}"),
        Quantifier.ANY: ("comporte au moins une des valeurs {value}", "ne comporte aucune des valeurs {value}"),
        Quantifier.ALL: ("comporte toutes les valeurs {value}", "ne comporte pas toutes les valeurs {value}"),
        Quantifier.NONE: ("ne comporte aucune des valeurs {value}", "comporte au moins une des valeurs {value}"),
        Comparator.EQUAL: ("est {value}", "n'est pas {value}"),
        Comparator.LESS: ("est [inférieur|inférieure] {value:à}", "n'est pas [inférieur|inférieure] {value:à}"),
        Comparator.LESS_EQUAL: (
            "est [inférieur ou égal|inférieure ou égale] {value:à}",
            "n'est pas [inférieur ou égal|inférieure ou égale] {value:à}",
        ),
        Comparator.GREATER: ("est [supérieur|supérieure] {value:à}", "n'est pas [supérieur|supérieure] {value:à}"),
        Comparator.GREATER_EQUAL: (
            "est [supérieur ou égal|supérieure ou égale] {value:à}",
            "n'est pas [supérieur ou égal|supérieure ou égale] {value:à}",
        ),
        TextTest.CONTAINS: ("contient {value}", "ne contient pas {value}"),
        TextTest.STARTS: ("commence par {value}", "ne commence pas par {value}"),
        TextTest.ENDS: ("se termine par {value}", "ne se termine pas par {value}"),
        TextTest.LIKE: ("suit le modèle {value}", "ne suit pas le modèle {value}"),
    },
    chronology={
        Comparator.EQUAL: ("est {value}", "n'est pas {value}"),
        Comparator.LESS: ("est [antérieur|antérieure] {value:à}", "n'est pas [antérieur|antérieure] {value:à}"),
        Comparator.LESS_EQUAL: (
            "est [antérieur ou égal|antérieure ou égale] {value:à}",
            "n'est pas [antérieur ou égal|antérieure ou égale] {value:à}",
        ),
        Comparator.GREATER: ("est [postérieur|postérieure] {value:à}", "n'est pas [postérieur|postérieure] {value:à}"),
        Comparator.GREATER_EQUAL: (
            "est [postérieur ou égal|postérieure ou égale] {value:à}",
            "n'est pas [postérieur ou égal|postérieure ou égale] {value:à}",
        ),
    },
    operators={
        Operator.ADD: "plus",
        Operator.SUBTRACT: "moins",
        Operator.MULTIPLY: "fois",
        Operator.DIVIDE: "divisé par",
    },
    timings={
        When.IN: "pendant {time}",
        When.ON: "à la date {time:de}",
        When.SINCE: "depuis {time}",
        When.BEFORE: "avant {time}",
        When.AFTER: "après {time}",
        When.BETWEEN: "entre {time} et {last}",
    },
    limits={When.SINCE: "à partir {time:de}"},
    properties={
        AggregateFunction.FIRST: "{property} du premier {event}",
        AggregateFunction.LAST: "{property} du dernier {event}",
    },
    owned=frozenset(AggregateFunction),
    marked=frozenset({AggregateFunction.AVG, Part.YEAR, Part.HOUR}),
    conjunction=" et ",
    disjunction=" ou ",
    neither=(" ni ", " ni "),
    contact_nouns={
        "id": Noun("l'identifiant"),
        "created": Noun("la date de création", marked=True),
        "updated": Noun("la date de mise à jour", marked=True),
        "company": Noun("l'entreprise", marked=True),
    },
    event_nouns={"id": Noun("l'identifiant"), "at": Noun("le moment")},
    units=UNITS | {Unit.YEAR: Units("an", "ans")},
    months=MONTHS,
    weekdays=WEEKDAYS,
    moments={
        Moment.NOW: "maintenant",
        Moment.TODAY: "aujourd'hui",
        Moment.YESTERDAY: "hier",
        Moment.TOMORROW: "demain",
    },
    joints={"de": _de, "à": _a},
    number=_number,
    is_one=_is_one,
    is_marked=_is_marked,
    day=_day,
    on_day="{time}",
    in_month="en {time}",
    in_rolling="au cours {time:de}",
    calendar=_calendar,
    rolling=_rolling,
    possessive=("", ""),
)
