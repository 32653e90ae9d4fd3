"""Integers with their rounding in the name, and how the model refuses."""

from collections.abc import Iterable

WAD = 10**18
RAY = 10**27
YEAR = 31_557_600  # s, 365.25 days
DAY = 86400  # s
ANYTHING = 2**256 - 1
SILENCE = ""  # a revert without data: the lock, arithmetic, all gas burnt, or a call that cannot be decoded


def down(numerator: int, denominator: int) -> int:
    """floor(numerator / denominator)"""
    return numerator // denominator


def up(numerator: int, denominator: int) -> int:
    """ceil(numerator / denominator)"""
    return -(-numerator // denominator)


class Refused(Exception):
    """What the contract has to revert with: any of `reasons`, each of which is true. Nothing else may be its reason.

    The specification does not say in which order rules are looked at, so a call that breaks several may name either.
    """

    def __init__(self, reasons: Iterable[str]) -> None:
        self.reasons = frozenset(reasons)
        super().__init__(", ".join(sorted(self.reasons)))


class Rules:
    """The rules that a call breaks, gathered."""

    def __init__(self) -> None:
        self.broken: set[str] = set()

    def need(self, holds: bool, reason: str) -> bool:
        """Note a rule; whether it holds."""
        if not holds:
            self.broken.add(reason)
        return holds

    def also(self, refusal: Refused) -> None:
        """Note what a part of the call refuses."""
        self.broken |= refusal.reasons

    def enforce(self) -> None:
        """Refuse if a rule is broken.

        :raises Refused: with every rule that is
        """
        if self.broken:
            raise Refused(self.broken)
