"""What fills cost, in parts that add up to the unit. Pure; WAD USD throughout.

    oracle difference = value out − value in, as the vault's rebalancer logged
                      = pool fees + impact + kept
    pool fees           what each swap's pool keeps of what it takes in, at the oracle's prices
    impact              what else went into pools and did not come out: price impact, and prices off the oracle's
    kept                the rest of what left: the executor's owner has it, or has added to it where it is below zero
    gas                 paid by whoever sent the transaction, not by the vault

Of a transaction for several vaults, swaps and gas are divided by value out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from keeper.report.pricing import Counted, value_down
from keeper.report.records import Filled
from keeper.report.split import split
from keeper.report.states import PoolTerms, Receipt

WAD = 10**18
_UNKNOWN = PoolTerms(None, 0)


@dataclass(frozen=True, slots=True)
class Leg:
    """A swap as the executor logged it, base units; what was planned beside it, where a ledger tells. Fee and loss are WAD USD.

    `loss` is None where the oracle prices neither token.
    """

    pool: str
    venue: str | None
    token_in: str
    token_out: str
    amount_in: int
    amount_out: int
    planned_in: int | None
    planned_out: int | None
    fee: int
    loss: int | None


@dataclass(frozen=True, slots=True)
class FillCost:
    """What one fill of one vault cost."""

    filled: Filled
    counted: Counted
    pool_fees: int
    impact: int
    kept: int
    gas_wei: int
    gas: int | None  # None where ether had no price
    rounding: int  # by how much NAV moved otherwise than value in − value out and what came uncounted
    legs: tuple[Leg, ...]  # of the whole transaction

    @property
    def oracle_difference(self) -> int:
        """What left less what came, at the oracle's prices, as the vault logged."""
        return self.filled.value_out - self.filled.value_in


@dataclass(frozen=True, slots=True)
class OtherGas:
    """What a transaction cost that filled nothing: it opened a rebalance, or reverted."""

    tx: str
    why: str  # opening or reverted
    gas_wei: int
    gas: int | None  # None where ether had no price


@dataclass(frozen=True, slots=True)
class Planned:
    """A leg of the ledger: what was planned and what it says was realised, base units."""

    pool: str
    token_in: str
    token_out: str
    planned_in: int | None
    planned_out: int | None
    realised_in: int | None
    realised_out: int | None


def cost(
    filled: Filled,
    counted: Counted,
    nav_change: int,
    values_out: Sequence[int],
    position: int,
    receipt: Receipt,
    pools: Mapping[str, PoolTerms],
    prices: Mapping[str, int | None],
    decimals: Mapping[str, int],
    native_price: int | None,
    planned: Sequence[Planned] = (),
) -> FillCost:
    """The parts of a fill's cost.

    :param nav_change: of the fill, at its prices
    :param values_out: of all vaults that the transaction filled, this one's at `position`
    :param prices: WAD USD per whole token of all tokens that the oracle prices
    """
    known = {token: price for token, price in prices.items() if price is not None and token in decimals} | dict(
        counted.prices
    )
    legs = _legs(receipt.swaps, pools, known, decimals, planned)
    # What a leg leaves of a token on the way counts in the sum over its own legs only: it cancels.
    pool_loss = _pool_loss(receipt.swaps, known, decimals)
    pool_fees = sum(leg.fee for leg in legs)
    own_fees = split(pool_fees, values_out)[position]
    own_loss = split(abs(pool_loss), values_out)[position] * (1 if pool_loss >= 0 else -1)
    difference = filled.value_out - filled.value_in
    wei = split(receipt.wei, values_out)[position]
    return FillCost(
        filled=filled,
        counted=counted,
        pool_fees=own_fees,
        impact=own_loss - own_fees,
        kept=difference - own_loss,
        gas_wei=wei,
        gas=in_usd(wei, native_price),
        rounding=nav_change + difference - counted.uncounted,
        legs=legs,
    )


def in_usd(wei: int, native_price: int | None) -> int | None:
    """WAD USD, rounded up; None without a price of ether."""
    return None if native_price is None else -(-wei * native_price // WAD)


def _legs(
    swaps: Sequence[tuple[str, str, str, int, int]],
    pools: Mapping[str, PoolTerms],
    prices: Mapping[str, int],
    decimals: Mapping[str, int],
    planned: Sequence[Planned],
) -> tuple[Leg, ...]:
    left = list(planned)
    found = []
    for pool, token_in, token_out, amount_in, amount_out in swaps:
        match = next(
            (each for each in left if (each.pool, each.token_in, each.token_out) == (pool, token_in, token_out)), None
        )
        if match is not None:
            left.remove(match)
        went = value_down(amount_in, prices[token_in], decimals[token_in]) if token_in in prices else None
        came = value_down(amount_out, prices[token_out], decimals[token_out]) if token_out in prices else None
        venue, rate = pools.get(pool, _UNKNOWN)
        # Of a token that the oracle does not price, what came tells what went in: less the fee.
        fee = went * rate // WAD if went is not None else came * rate // (WAD - rate) if came is not None else 0
        found.append(
            Leg(
                pool,
                venue,
                token_in,
                token_out,
                amount_in,
                amount_out,
                None if match is None else match.planned_in,
                None if match is None else match.planned_out,
                fee,
                None if went is None or came is None else went - came,
            )
        )
    return tuple(found)


def _pool_loss(
    swaps: Sequence[tuple[str, str, str, int, int]], prices: Mapping[str, int], decimals: Mapping[str, int]
) -> int:
    """What all pools together took in beyond what they gave, of the tokens that the oracle prices."""
    taken: dict[str, int] = {}
    for _, token_in, token_out, amount_in, amount_out in swaps:
        taken[token_in] = taken.get(token_in, 0) + amount_in
        taken[token_out] = taken.get(token_out, 0) - amount_out
    return sum(
        amount * price // int(10 ** decimals[token])
        for token, amount in taken.items()
        if (price := prices.get(token)) is not None
    )
