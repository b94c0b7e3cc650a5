"""From companies to their contacts."""

from __future__ import annotations

from dataclasses import dataclass

from pyroaring import BitMap

from engine.bitmaps import Words
from engine.deadline import still_wanted
from engine.plan.physical import costs
from engine.plan.physical.operator import Context, Operator
from engine.plan.physical.space import candidates, few


@dataclass(frozen=True, slots=True, eq=False)
class OfCompany(Operator):
    """Contacts whose company is among `item`, an operator over companies."""

    item: Operator

    @property
    def inputs(self) -> tuple[Operator, ...]:
        return (self.item,)

    @property
    def label(self) -> str:
        return "of a company with"

    def run(self, context: Context, within: BitMap | None) -> BitMap:
        link = context.version.company_link
        if within is None or not few(within, context.space):
            return link.contacts_of(self._companies(context), within)
        followed = link.followed(within)
        return followed.to(self._companies(context, followed.companies))

    def count(self, context: Context, within: BitMap | None) -> int:
        link = context.version.company_link
        if within is None:
            return link.count_of(self._companies(context))
        if not few(within, context.space):
            return len(self.run(context, within))
        followed = link.followed(within)
        return followed.count(self._companies(context, followed.companies))

    def dense(self, context: Context) -> Words | None:
        return context.version.company_link.words(self._companies(context), context.space.size)

    def _companies(self, context: Context, among: BitMap | None = None) -> BitMap:
        """The companies for which `item` holds, of some or of all: these are known then."""
        companies = context.of_companies()
        space = companies.space
        if among is not None:
            return self.item.run(companies, among & space.everything)
        known = companies.known.get(id(self.item))
        if known is None:
            known = companies.known[id(self.item)] = (self.item, self.item.run(companies, candidates(space)))
            still_wanted()
        return known[1]

    def cost(self, context: Context, asked: float) -> float:
        companies = context.of_companies()
        named = min(asked, companies.space.size) if costs.is_few(asked, context.space) else companies.space.size
        if costs.is_few(asked, context.space):
            linked = costs.LOOKED_UP * asked
        else:
            linked = costs.LINKED * context.space.size + costs.MADE * context.version.company_link.unmade
        return costs.STEP + linked + self.item.cost(companies, named)

    def estimate(self, context: Context) -> int:
        companies = context.of_companies()
        return round(companies.share(self.item) * context.space.existing)
