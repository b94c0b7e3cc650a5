"""Conditions on the company of a contact are asked of companies together."""

from __future__ import annotations

from dsl.typed import IsSet
from engine.plan.logical import Complement, Intersection, Match, OfCompany, Plan, Union
from engine.plan.rewrites.driver import where_among


@where_among(OfCompany)
def ask_companies_once(plan: Intersection | Union) -> Plan:
    """A contact has one company: `company.a = 1 and company.b = 2` asks that for both, and so does `or` for either.

    Only what compares values is put together: a contact without a company has none of these, so that what is held
    against it for want of a value stays the same.

    >>> from dsl.schema import Field, Type
    >>> from dsl.typed import OneOf, Scope
    >>> a, b = (OfCompany(Match(Scope.COMPANIES, Field(name, Type.TEXT), OneOf(("x",)))) for name in "ab")
    >>> c = OfCompany(Match(Scope.COMPANIES, Field("c", Type.TEXT), IsSet()))
    >>> ask_companies_once(Union((a, c, b))) == Union((OfCompany(Union((a.item, b.item))), c))
    True
    """
    asked: list[Plan] = []
    others: list[Plan] = []
    for item in plan.items:
        if type(item) is OfCompany and _compares(item.item):
            asked.append(item.item)
        else:
            others.append(item)
    if len(asked) < 2:
        return plan
    kind = type(plan)
    return kind((OfCompany(kind(tuple(asked))), *others))


def _compares(plan: Plan) -> bool:
    """Whether only values decide."""
    match plan:
        case Match(_, _, predicate):
            return not isinstance(predicate, IsSet)
        case Intersection(items) | Union(items):
            return all(map(_compares, items))
        case Complement(item):
            return _compares(item)
        case _:
            return False
