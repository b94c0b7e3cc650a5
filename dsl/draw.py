"""Stable draws: the same number for the same contact and seed, for ever. Behind `sample`, `bucket`, `random`."""

from __future__ import annotations

from fractions import Fraction
from hashlib import blake2b

MASK = (1 << 64) - 1


def fingerprint(text: str) -> int:
    """64 bits that stand for `text` (a contact id, a seed): the first 8 bytes of BLAKE2b, little-endian."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little")


def draw(contact: int, seed: int) -> int:
    """A uniform 64-bit draw for the fingerprints of a contact id and a seed.

    The finaliser of SplitMix64 (Steele, Lea, Flood 2014) over their exclusive or. Engines may compute it over
    whole arrays of unsigned 64-bit numbers; every step is modulo 2**64.
    """
    z = ((contact ^ seed) + 0x9E3779B97F4A7C15) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def share_limit(share: Fraction) -> int:
    """The draw below which a contact belongs to a `share` (0..1) sample: a contact is in when draw < limit."""
    return int(share * (1 << 64))
