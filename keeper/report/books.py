"""The vault's and a holder's lots and disposals, from what happened. Pure; bookkeeping, not tax advice.

Everything is valued in USD at the oracle's prices of its block, each amount rounded down.

Of the vault: a mint brings lots at their value; a redemption hands lots on at what they cost, without a gain; a fill disposes
of what was sold for the value of what came, divided by the oracle's value of what was sold; what came is a lot at its value;
a gift cost nothing.

Of a holder: a mint disposes of the tokens given at their value, and the shares cost the sum. A redemption disposes of all
shares given, its fee's included, for the value of the tokens paid and owed, which are lots at that value. Shares that come
from others, fees among them, are lots at NAV per share; shares that go to others leave at what they cost. A claim that is
paid changes nothing: it was a lot since the redemption.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from keeper.report.lots import Book, Disposal, Lot, Method
from keeper.report.pricing import Counted, value_down
from keeper.report.records import Filled, Gift, Minted, Place, Redeemed, Shares, Story
from keeper.report.split import split
from keeper.report.states import State


@dataclass(frozen=True, slots=True)
class Part:
    """Some of an asset, base units, and its value in WAD USD."""

    asset: str
    amount: int
    value: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One line for tax software: at most one asset out and one in. `worth` is WAD USD of what moved."""

    place: Place
    kind: str  # mint, redeem, fill, distribution, gift, transfer_in, transfer_out or fee_income
    sent: Part | None
    received: Part | None
    worth: int


@dataclass(frozen=True, slots=True)
class Books:
    """What an owner has, what went out of it, and every line of it in order."""

    owner: str
    method: Method
    lots: tuple[Lot, ...]
    disposals: tuple[Disposal, ...]
    entries: tuple[Entry, ...]

    @property
    def gain(self) -> int:
        """Realised, WAD USD, where the basis is known."""
        return sum(each.gain or 0 for each in self.disposals)

    def quantity(self, asset: str) -> int:
        """Base units that are left."""
        return sum(lot.quantity for lot in self.lots if lot.asset == asset)

    @property
    def cost(self) -> int:
        """WAD USD that what is left cost."""
        return sum(lot.cost or 0 for lot in self.lots)


def of_vault(
    story: Story,
    states: Mapping[int, State],
    counted: Mapping[tuple[int, int], Counted],
    decimals: Mapping[str, int],
    method: Method,
) -> Books:
    """The vault's own books from its first block on.

    :param states: by block, of every block in which something happened
    :param counted: fills by block and log index
    :raises OracleError: something that came has no price
    """
    keeping = _Keeping(Book(method), states, decimals)
    for deed in story.deeds:
        match deed:
            case Minted():
                for part in keeping.parts(deed.place, [(each.token, each.amount) for each in deed.paid]):
                    keeping.come(deed.place, "mint", part)
            case Redeemed():
                gone = [(each.token, each.amount) for each in deed.paid]
                for asset, amount in [*gone, *((each.asset, each.amount) for each in deed.owed)]:
                    keeping.go(deed.place, "distribution", Part(asset, amount, 0), is_sale=False)
            case Filled():
                fill = counted[deed.place.block, deed.place.index]
                bought = keeping.parts_at(fill.bought, fill.prices)
                keeping.trade(deed.place, "fill", keeping.parts_at(fill.sold, fill.prices), bought)
            case Gift(transfer=each):
                part = Part(each.token, each.amount, 0)
                if each.receiver == story.vault:
                    keeping.come(deed.place, "gift", part)
                else:
                    keeping.go(deed.place, "gift", part, is_sale=False)
            case _:
                pass
    return keeping.closed(story.vault)


def of_holder(
    story: Story, states: Mapping[int, State], decimals: Mapping[str, int], method: Method, holders: Collection[str]
) -> Books:
    """The books of whoever has these addresses, as far as the vault is concerned; moves among them are none.

    :param decimals: the shares' among them
    :raises OracleError: something that moved has no price
    """
    keeping = _Keeping(Book(method), states, decimals)
    own = frozenset(holders)
    for deed in story.deeds:
        match deed:
            case Minted():
                _mint(keeping, story.vault, deed, own)
            case Redeemed():
                _redeem(keeping, story.vault, deed, own)
            case Shares():
                _pass_on(keeping, story.vault, deed, own)
            case _:
                pass
    return keeping.closed(", ".join(holders))


def _mint(keeping: "_Keeping", vault: str, deed: Minted, own: frozenset[str]) -> None:
    given = keeping.parts(deed.place, [(each.token, each.amount) for each in deed.paid])
    made = Part(vault, deed.shares, sum(part.value for part in given))
    if deed.caller in own and deed.receiver in own:
        keeping.trade(deed.place, "mint", given, [made])
    elif deed.caller in own:
        for part in given:
            keeping.go(deed.place, "mint", part)
    elif deed.receiver in own:
        keeping.come(deed.place, "transfer_in", made)


def _redeem(keeping: "_Keeping", vault: str, deed: Redeemed, own: frozenset[str]) -> None:
    paid = keeping.parts(deed.place, [(each.token, each.amount) for each in deed.paid])
    owed = keeping.parts(deed.place, [(each.asset, each.amount) for each in deed.owed])
    worth = sum(part.value for part in (*paid, *owed))
    if deed.owner in own:
        keeping.sell(deed.place, "redeem", Part(vault, deed.shares, worth))
        got = [*(paid if deed.receiver in own else []), *owed]
        for part in got:
            keeping.get(deed.place, "redeem", part)
        lost = [Part("", 0, worth - sum(part.value for part in got))] if deed.receiver not in own else []
        keeping.note_pairs(deed.place, "redeem", [Part(vault, deed.shares, worth)], [*got, *lost])
    elif deed.receiver in own:
        for part in paid:
            keeping.come(deed.place, "transfer_in", part)


def _pass_on(keeping: "_Keeping", vault: str, deed: Shares, own: frozenset[str]) -> None:
    """Shares that move otherwise than by being minted or redeemed; the fee of a redemption is a part of what was given."""
    comes, goes = deed.receiver in own and deed.why != "mint", deed.sender in own and deed.why == "transfer"
    if comes and not goes:
        part = Part(vault, deed.amount, keeping.worth_of_shares(deed.place, deed.amount))
        keeping.come(deed.place, "fee_income" if deed.why.endswith("_fee") else "transfer_in", part)
    elif goes and not comes:
        keeping.go(deed.place, "transfer_out", Part(vault, deed.amount, 0), is_sale=False)


@dataclass
class _Keeping:
    """Books that are being kept."""

    book: Book
    states: Mapping[int, State]
    decimals: Mapping[str, int]
    disposals: list[Disposal] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)

    def parts(self, place: Place, amounts: Sequence[tuple[str, int]]) -> list[Part]:
        """Amounts with their values at the oracle's prices of the block. Raises OracleError."""
        state = self.states[place.block]
        return [
            Part(asset, amount, value_down(amount, state.price(asset), self.decimals[asset]))
            for asset, amount in amounts
            if amount
        ]

    def parts_at(self, amounts: Mapping[str, int], prices: Mapping[str, int]) -> list[Part]:
        """Amounts with their values at given prices."""
        return [
            Part(asset, amount, value_down(amount, prices[asset], self.decimals[asset]))
            for asset, amount in amounts.items()
        ]

    def worth_of_shares(self, place: Place, amount: int) -> int:
        """WAD USD at NAV per share, rounded down. Raises OracleError."""
        state = self.states[place.block]
        return amount * state.worth(self.decimals) // state.supply if state.supply else 0

    def come(self, place: Place, kind: str, part: Part) -> None:
        """Something came in for nothing that went out."""
        self.get(place, kind, part)
        self.entries.append(Entry(place, kind, None, part, part.value))

    def go(self, place: Place, kind: str, part: Part, is_sale: bool = True) -> None:
        """Something went out for nothing that came in: at its value, or without a gain at what it cost."""
        if is_sale:
            self.sell(place, kind, part)
            worth = part.value
        else:
            gone = self.book.dispose(part.asset, part.amount, None, place.time, kind, place.tx)
            self.disposals += gone
            worth = sum(each.proceeds for each in gone)
        self.entries.append(Entry(place, kind, part, None, worth))

    def trade(self, place: Place, kind: str, sold: Sequence[Part], bought: Sequence[Part]) -> None:
        """What went out is sold for the value of what came, by the value that each part of it had."""
        came = sum(part.value for part in bought)
        proceeds = split(came, [part.value for part in sold]) if sold else []
        worths = [Part(part.asset, part.amount, worth) for part, worth in zip(sold, proceeds, strict=True)]
        for part in worths:
            self.sell(place, kind, part)
        for part in bought:
            self.get(place, kind, part)
        self.note_pairs(place, kind, worths, bought)

    def sell(self, place: Place, kind: str, part: Part) -> None:
        """A disposal at the part's value; no line of its own."""
        self.disposals += self.book.dispose(part.asset, part.amount, part.value, place.time, kind, place.tx)

    def get(self, place: Place, kind: str, part: Part) -> None:
        """A lot at the part's value; no line of its own."""
        self.book.acquire(part.asset, part.amount, part.value, place.time, kind, place.tx)

    def note_pairs(self, place: Place, kind: str, sold: Sequence[Part], bought: Sequence[Part]) -> None:
        """Lines of one asset against one."""
        for out, into in pairs(sold, bought):
            worth = max(out.value, into.value)
            kept = into if into.asset else None
            self.entries.append(Entry(place, kind, out, kept, worth))

    def closed(self, owner: str) -> Books:
        """The books as they stand."""
        return Books(owner, self.book.method, tuple(self.book.lots()), tuple(self.disposals), tuple(self.entries))


def pairs(sold: Sequence[Part], bought: Sequence[Part]) -> list[tuple[Part, Part]]:
    """Several assets against several, as trades of one against one: every part is in them to the unit.

    Both sides are laid side by side by value; what stands opposite is a trade.
    """
    if not sold or not bought:
        return []
    cells = [
        [split(part.amount, weights), split(part.value, weights)]
        for part, weights in zip(bought, _overlaps([p.value for p in bought], [p.value for p in sold]), strict=True)
    ]
    others = [
        [split(part.amount, weights), split(part.value, weights)]
        for part, weights in zip(sold, _overlaps([p.value for p in sold], [p.value for p in bought]), strict=True)
    ]
    found = []
    for i, out in enumerate(sold):
        for j, into in enumerate(bought):
            a = Part(out.asset, others[i][0][j], others[i][1][j])
            b = Part(into.asset, cells[j][0][i], cells[j][1][i])
            if a.amount or b.amount or b.value:
                found.append((a, b))
    return found


def _overlaps(lengths: Sequence[int], across: Sequence[int]) -> list[list[int]]:
    """How much of each stretch lies opposite each stretch of the other side, both sides scaled to the same length.

    A stretch without length lies opposite the first of the other side.
    """
    one, other = sum(lengths), sum(across)
    if not one or not other:
        return [[1] + [0] * (len(across) - 1) for _ in lengths]
    found, start = [], 0
    for length in lengths:
        end = start + length * other
        row, edge = [], 0
        for width in across:
            row.append(max(0, min(end, edge + width * one) - max(start, edge)))
            edge += width * one
        found.append(row if sum(row) else [1] + [0] * (len(across) - 1))
        start = end
    return found
