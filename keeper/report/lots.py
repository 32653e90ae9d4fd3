"""Lots: what was bought when and at what cost, and what a disposal takes of them. Pure, and integers throughout.

Quantities are base units, costs and proceeds WAD USD, times unix seconds. A lot that is taken in part gives its part of the
cost rounded down and keeps the rest, so that what was put in is what was taken out and what is left, to the unit.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction

from keeper.report.split import split


class Method(StrEnum):
    """Which lots a disposal takes."""

    FIFO = "fifo"  # the oldest
    LIFO = "lifo"  # the newest
    HIFO = "hifo"  # those that cost most per unit, of equal ones the oldest
    AVERAGE = "average"  # each unit costs the same; dates are those of the oldest


@dataclass(frozen=True, slots=True)
class Lot:
    """What came in at once. `cost` is None where nobody knows it, and `acquired_at` then too."""

    number: int  # in the order in which they came
    asset: str
    quantity: int
    cost: int | None
    acquired_at: int | None
    source: str  # why it came
    tx: str = ""


@dataclass(frozen=True, slots=True)
class Disposal:
    """What went out of one lot. Without a known basis there is no gain."""

    asset: str
    quantity: int
    proceeds: int
    basis: int | None
    acquired_at: int | None
    disposed_at: int
    lot: int
    source: str  # why it went
    tx: str = ""

    @property
    def gain(self) -> int | None:
        """WAD USD; below zero for a loss."""
        return None if self.basis is None else self.proceeds - self.basis

    @property
    def held_s(self) -> int | None:
        """Seconds between acquisition and disposal."""
        return None if self.acquired_at is None else self.disposed_at - self.acquired_at


_ORDER: dict[Method, Callable[[Lot], tuple[Fraction | int, ...]]] = {
    Method.FIFO: lambda lot: (lot.number,),
    Method.LIFO: lambda lot: (-lot.number,),
    Method.HIFO: lambda lot: (-Fraction(lot.cost or 0, lot.quantity), lot.number),
    Method.AVERAGE: lambda lot: (lot.number,),
}


class Book:
    """The lots of one owner under one method."""

    def __init__(self, method: Method):
        self.method = method
        self._lots: dict[str, list[Lot]] = {}
        self._count = 0

    def acquire(self, asset: str, quantity: int, cost: int, at: int, source: str, tx: str = "") -> Lot | None:
        """Put a lot in; None for nothing.

        :raises ValueError: a number below zero
        """
        if quantity < 0 or cost < 0:
            raise ValueError(f"{quantity} of {asset} at {cost}: a lot is not below zero")
        if quantity == 0:
            return None
        self._count += 1
        lot = Lot(self._count, asset, quantity, cost, at, source, tx)
        self._lots.setdefault(asset, []).append(lot)
        return lot

    def dispose(
        self, asset: str, quantity: int, proceeds: int | None, at: int, source: str, tx: str = ""
    ) -> tuple[Disposal, ...]:
        """Take a quantity out, a disposal for each lot that it touches.

        What is more than the lots hold came from elsewhere: its basis is unknown, and its lot number 0.

        :param proceeds: divided by quantity; None for what leaves at its basis, without a gain
        :raises ValueError: a number below zero
        """
        if quantity < 0 or (proceeds or 0) < 0:
            raise ValueError(f"{quantity} of {asset} for {proceeds}: a disposal is not below zero")
        if quantity == 0:
            return ()
        taken = self._take(asset, quantity)
        short = quantity - sum(lot.quantity for lot in taken)
        if short:
            taken.append(Lot(0, asset, short, None, None, "elsewhere"))
        parts: list[int] = (
            [lot.cost or 0 for lot in taken] if proceeds is None else split(proceeds, [lot.quantity for lot in taken])
        )
        return tuple(
            Disposal(asset, lot.quantity, part, lot.cost, lot.acquired_at, at, lot.number, source, tx)
            for lot, part in zip(taken, parts, strict=True)
        )

    def lots(self, asset: str | None = None) -> list[Lot]:
        """The lots that are left, oldest first; by average cost each has its share of the whole cost."""
        assets = self._lots if asset is None else [asset]
        return [lot for each in assets for lot in self._levelled(self._lots.get(each, []))]

    def quantity(self, asset: str) -> int:
        """Base units that are left."""
        return sum(lot.quantity for lot in self._lots.get(asset, []))

    def cost(self, asset: str | None = None) -> int:
        """WAD USD that what is left cost; of all assets where none is named."""
        return sum(lot.cost or 0 for lot in self.lots(asset))

    @property
    def assets(self) -> list[str]:
        """Of which there was ever a lot."""
        return list(self._lots)

    def _take(self, asset: str, quantity: int) -> list[Lot]:
        held = sorted(self._levelled(self._lots.get(asset, [])), key=_ORDER[self.method])
        if self.method is Method.AVERAGE:
            return self._take_average(asset, held, quantity)
        taken: list[Lot] = []
        left: list[Lot] = []
        for lot in held:
            part = min(lot.quantity, quantity)
            quantity -= part
            if part == lot.quantity:
                taken.append(lot)
            elif part == 0:
                left.append(lot)
            else:
                basis = (lot.cost or 0) * part // lot.quantity
                taken.append(replace(lot, quantity=part, cost=basis))
                left.append(replace(lot, quantity=lot.quantity - part, cost=(lot.cost or 0) - basis))
        self._lots[asset] = sorted(left, key=lambda lot: lot.number)
        return taken

    def _take_average(self, asset: str, held: list[Lot], quantity: int) -> list[Lot]:
        """The oldest units at the cost of an average one: the whole basis is rounded once, and then divided."""
        whole, cost = sum(lot.quantity for lot in held), sum(lot.cost or 0 for lot in held)
        if not whole:
            return []
        quantity = min(quantity, whole)
        basis = cost * quantity // whole
        parts: list[int] = []
        for lot in held:
            parts.append(min(lot.quantity, quantity - sum(parts)))
        taken = [replace(lot, quantity=part) for lot, part in zip(held, parts, strict=True) if part]
        left = [
            replace(lot, quantity=lot.quantity - part)
            for lot, part in zip(held, parts, strict=True)
            if part < lot.quantity
        ]
        costs = split(basis, [lot.quantity for lot in taken])
        rest = split(cost - basis, [lot.quantity for lot in left]) if left else []
        self._lots[asset] = [replace(lot, cost=each) for lot, each in zip(left, rest, strict=True)]
        return [replace(lot, cost=each) for lot, each in zip(taken, costs, strict=True)]

    def _levelled(self, lots: list[Lot]) -> list[Lot]:
        if self.method is not Method.AVERAGE or not lots:
            return list(lots)
        costs = split(sum(lot.cost or 0 for lot in lots), [lot.quantity for lot in lots])
        return [replace(lot, cost=cost) for lot, cost in zip(lots, costs, strict=True)]
