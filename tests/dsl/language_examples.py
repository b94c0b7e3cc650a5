"""A small world that the language's tests speak of, and one expression or more for each construct."""

from types import MappingProxyType

from dsl.schema import Field, Schema, Type


def fields(**declared):
    """Fields by name; a bare type stands for a field of it."""
    return {name: found if isinstance(found, Field) else Field(name, found) for name, found in declared.items()}


def whole(name):
    return Field(name, Type.NUMBER, 0)


SCHEMA = Schema(
    "Europe/Paris",
    contacts={
        **fields(
            country=Type.TEXT,
            points=Type.NUMBER,
            age=whole("age"),
            email=Type.TEXT,
            name=Type.TEXT,
            url=Type.TEXT,
            title=Type.TEXT,
            newsletter=Type.BOOLEAN,
            interests=Type.TAGS,
            signup=Type.DATETIME,
            expires=Type.DATE,
            last_order=Type.DATETIME,
            last_email=Type.DATETIME,
            birthdate=Type.DATE,
            largest_gift=Type.NUMBER,
            score=Type.FLOAT,
            plan=Field("plan", Type.CHOICE, options=("Free", "Pro", "Société")),
        ),
        "Date d'ajout": Field("Date d'ajout", Type.DATE),
        "civilité": Field("civilité", Type.TEXT),
        "month": Field("month", Type.TEXT),
    },
    companies=fields(industry=Type.TEXT, size=whole("size")),
    events={
        "purchase": fields(amount=Type.NUMBER, category=Type.TEXT, product=Type.TEXT, gift=Type.BOOLEAN),
        "refund": fields(amount=Type.NUMBER),
        "gift": fields(amount=Type.NUMBER),
        "open": fields(campaign=Type.TEXT),
        "click": fields(campaign=Type.TEXT),
        "send": fields(campaign=Type.TEXT),
        "visit": fields(url=Type.TEXT, channel=Type.TEXT),
        "add_to_cart": {},
    },
)
SEGMENTS = MappingProxyType(
    {"nl": "Clients NL", "femmes": "Femmes", "young": "18-25 ans", "twin-a": "Doublon", "twin-b": "doublon"}
)

EXAMPLES = r"""
country = "France" and did any event in last 90 days and points > 30
country = "France"
country != "France"
country is exactly "FR"
country in ("FR", "BE")
country not in ("FR", "BE")
points > 30
age between 18 and 25
email ends with "@gmail.com"
name starts with "Du"
url contains "/pricing"
email not contains "test"
title like "Mr%"
email matches /^[^+]+@/
email matches /^[^+]+@/i
email matches "^a"
email is set
email is not set
email is known
email is unknown
newsletter
not newsletter
newsletter = true
interests has "ski"
interests has any ("ski", "vtt")
interests has all ("ski", "vtt")
interests has none ("ski", "vtt")
signup before 2026-01-01
signup after yesterday
signup on 2026-06-30
signup since 2026-01-01
signup in last 30 days
signup in 2026-06
signup in 2026
signup not in last year
expires in next 30 days
last_order > last_email
birthdate anniversary in next 7 days
month of birthdate = 12
weekday of signup in (6, 7)
years since birthdate >= 18
sum(amount of purchase) - sum(amount of refund) >= 1000
sum(amount of purchase in last 365 days) / count(purchase in last 365 days) > 50
last(amount of gift) > largest_gift
did purchase(amount > 50 and category in ("toys", "games")) in last 90 days
did open
did open(campaign = "Spring") in last 7 days
did purchase at least 3 times in last 90 days
did purchase at most 3 times
did purchase more than 3 times
did purchase fewer than 3 times
did purchase between 2 and 5 times
did purchase exactly 0 times in last 90 days
did not open in last 30 days
did any event in last 90 days
did open in at least 3 of last 4 weeks
count(purchase(amount > 50) in last 90 days) >= 3
sum(amount of purchase in last 365 days) > 500
avg(amount of purchase) > 3
min(amount of purchase) > 3
max(amount of purchase) > 3
distinct(product of purchase) >= 3
first(purchase) in last 60 days
last(purchase) before 60 days ago
first(channel of visit) = "ads"
last(campaign of open) = "Spring"
did visit(url contains "/pricing") then purchase within 7 days
did add_to_cart then not purchase within 1 day in last 30 days
did send(campaign = "Spring") then open(campaign = "Spring") within 2 days then click within 1 hour
did send then open(campaign = same campaign) within 2 days
in segment "Clients NL"
matches segment "Clients NL"
in segment femmes and not in segment "18-25 ans"
at least 2 of (did open, did click, points > 50)
at most 2 of (did open, did click, points > 50)
exactly 2 of (did open, did click, points > 50)
any of (did open, did click, points > 50)
all of (did open, did click, points > 50)
none of (did open, did click, points > 50)
everyone
nobody
sample 10% seed "spring"
bucket("spring", 100) < 50
country = "FR" top 1000 by points
country = "FR" bottom 1000 by points
country = "FR" random 500 seed "x"
country != "FR" and country is set
did open since 2026-01-01
did open before 2026-01-01
did open after 2026-01-01
did open between 2026-01-01 and 2026-02-01
did open in 2026-06
did open on 2026-06-30
did open between 2 and 5 times in last 7 days
`civilité` = "Madame" and `Date d'ajout` since 2026-01-01
company.industry = "Software" and company is set and company.size > 5
signup > 2026-06-30T14:00:05.123+02:00
signup > today - 3 months
signup < 3 months from now
plan = "societe"
signup >= now and signup <= tomorrow and expires != yesterday
signup between 2026-01-01 and today
expires between today and 2 weeks from now
signup in last 36 hours or signup in next 1 year or signup in this week
did open in last week
did open after 2 weeks ago
did open on yesterday at least 2 times
not (country = "FR" or country = "BE") except in segment nl
country = "FR" and (points + 3) * 2 / 4 - -1 >= 12.50
email not matches /^a\/b/ and email not like "a_c%" and email not starts with "x" and email not ends with "y"
age not between 18 and 25
interests not has "ski"
birthdate anniversary not in this month
birthdate anniversary on today
country is not exactly "FR" and country = "d\u00e9j\u00e0 \"vu\" \\ \n"
`month` = "May" and month of birthdate in (5)
did purchase(gift) in last 90 days
did any event(at since 2026-01-01 and id is set)
min(at of visit) since 2026-01-01
did not send then open
did send in last 30 days then open within 2 days
dropped
""".strip().splitlines()[:-1]
