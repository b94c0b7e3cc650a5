"""Stable draws over whole arrays of contacts: samples and buckets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from dsl.draw import MASK
from engine.deadline import still_wanted
from engine.plan.physical import costs
from engine.plan.physical.operator import Context, Effort, Operator
from engine.plan.physical.space import Domain


def draws(fingerprints: NDArray[np.uint64], seed: int) -> NDArray[np.uint64]:
    """`dsl.draw.draw` for each fingerprint; numpy's unsigned arithmetic is modulo 2**64, as it asks."""
    z = (fingerprints ^ np.uint64(seed)) + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def contact_draws(context: Context, domain: Domain, seed: int) -> NDArray[np.uint64]:
    """One draw for each contact of the domain."""
    fingerprints = context.version.contacts.fingerprints
    return draws(fingerprints[: domain.size] if domain.rows is None else fingerprints[domain.rows], seed)


@dataclass(frozen=True, slots=True)
class Sample(Operator):
    """Contacts whose draw is below `limit`."""

    seed: int
    limit: int

    @property
    def effort(self) -> Effort:
        return Effort.SCANNED

    @property
    def label(self) -> str:
        return f"sample {self.limit / (MASK + 1):.4%}"

    def run(self, context: Context, within: BitMap | None) -> BitMap:
        still_wanted()
        if self.limit > MASK:
            return context.space.everything if within is None else within
        domain = Domain.of(context.space, within)
        return domain.select(contact_draws(context, domain, self.seed) < np.uint64(self.limit), within)

    def cost(self, context: Context, asked: float) -> float:
        return costs.STEP + costs.DRAW * costs.places(asked, context.space)

    def estimate(self, context: Context) -> int:
        return round(context.space.existing * self.limit / (MASK + 1))
