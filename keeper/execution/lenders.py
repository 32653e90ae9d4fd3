"""Who lends a token for the length of one transaction, how much, and for what: read at run time, cheapest first."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from keeper.chain import abi
from keeper.chain.abi import Lender
from keeper.chain.multicall import Answer, Read, read_all
from keeper.chain.rpc import Client
from keeper.chain.snapshot import Block
from keeper.markets import Pool
from keeper.routing.route import Leg
from keeper.settings import LenderSettings

_WAD = 10**18
_BPS = 10_000
_PPM = 10**6
# Of a loan beside what it is spent on: about what the devnet shows. It ranks lenders; what is sent is measured.
GAS = {
    Lender.MORPHO: 40_000,
    Lender.BALANCER_V2: 50_000,
    Lender.UNISWAP_V3: 70_000,
    Lender.ERC3156: 110_000,
    Lender.AAVE_V3: 185_000,
}
# Aave's configuration of a reserve: what has to be set, and what may not be.
_AAVE_ACTIVE, _AAVE_FROZEN, _AAVE_PAUSED, _AAVE_LENDS = (1 << bit for bit in (56, 57, 60, 63))


@dataclass(frozen=True, slots=True)
class Offer:
    """A loan to be had: base units of the token for `fee` of it, `gas` beside."""

    kind: Lender
    lender: str
    token: str
    amount: int
    fee: int
    gas: int

    @property
    def name(self) -> str:
        """For people."""
        return _name(self.kind)


def offers(
    client: Client,
    settings: LenderSettings,
    token: str,
    amount: int,
    pools: Iterable[Pool],
    legs: Sequence[Leg],
    block: Block,
    multicall: str,
    cost: Callable[[int, int], int],
) -> list[Offer]:
    """Whoever has `amount` of a token to lend at a block, cheapest first; of two that cost the same, always the same.

    :param pools: those of Uniswap V3 lend too
    :param legs: what is swapped in between; whoever is locked while it lends cannot be swapped on
    :param cost: WAD USD of a fee in base units and of gas
    :raises ChainError: the endpoint fails
    """
    swapped = {leg.pool for leg in legs}
    idle = [pool for pool in pools if pool.address not in swapped]
    every = (*_singletons(settings, token, amount), *_pools(token, amount, idle))
    # Balancer's vault holds all its pools, and lets nobody in while it lends.
    locked = {Lender.BALANCER_V2} if any(leg.venue == "balancer_v2" for leg in legs) else set()
    sources = [source for source in every if _name(source.kind) in settings.enabled and source.kind not in locked]
    reads = [read for source in sources for read in source.reads]
    answers = iter(read_all(client, reads, block, multicall))
    found: list[Offer] = []
    for source in sources:
        given = [next(answers) for _ in source.reads]
        if any(answer.failed for answer in given):
            continue  # no such lender here, or not of this token
        available, fee = source.terms(given)
        if available >= amount:
            found.append(Offer(source.kind, source.lender, token, amount, fee, GAS[source.kind]))
    return sorted(found, key=lambda offer: (cost(offer.fee, offer.gas), offer.gas, offer.lender))


@dataclass(frozen=True, slots=True)
class _Source:
    """A lender, what to read of it, and what the answers make: base units available, and the fee in base units."""

    kind: Lender
    lender: str
    reads: tuple[Read, ...]
    terms: Callable[[list[Answer]], tuple[int, int]]


def _singletons(settings: LenderSettings, token: str, amount: int) -> Iterable[_Source]:
    of = abi.Lenders
    yield _Source(Lender.MORPHO, settings.morpho, (_held(token, settings.morpho),), partial(_flat, fee=0))
    yield _Source(
        Lender.BALANCER_V2,
        settings.balancer_vault,
        (_held(token, settings.balancer_vault), Read(settings.balancer_fees_collector, of.balancer_fee)),
        lambda seen: (seen[0].value, _up(amount, seen[1].value, _WAD)),
    )
    yield _Source(
        Lender.AAVE_V3,
        settings.aave_pool,
        (
            Read(settings.aave_pool, of.aave_configuration, (token,)),
            Read(settings.aave_pool, of.aave_available, (token,)),
            Read(settings.aave_pool, of.aave_premium),
        ),
        lambda seen: (_aave_available(seen[0].value, seen[1].value), _up(amount, seen[2].value, _BPS)),
    )
    for lender in settings.erc3156:
        yield _Source(
            Lender.ERC3156,
            lender,
            (Read(lender, of.erc3156_max, (token,)), Read(lender, of.erc3156_fee, (token, amount))),
            lambda seen: (seen[0].value, seen[1].value),
        )


def _pools(token: str, amount: int, pools: Iterable[Pool]) -> Iterable[_Source]:
    for pool in pools:
        if pool.venue == "uniswap_v3" and token in pool.tokens:
            terms = partial(_flat, fee=_up(amount, pool.fee, _PPM))
            yield _Source(Lender.UNISWAP_V3, pool.address, (_held(token, pool.address),), terms)


def _flat(seen: Sequence[Answer], fee: int) -> tuple[int, int]:
    """All that the lender holds, for a fee that is known."""
    return seen[0].value, fee


def _name(kind: Lender) -> str:
    """As the settings and people have it."""
    return str(kind.name).lower()


def _aave_available(configuration: int, available: int) -> int:
    lends = configuration & _AAVE_ACTIVE and configuration & _AAVE_LENDS
    return available if lends and not configuration & (_AAVE_FROZEN | _AAVE_PAUSED) else 0


def _held(token: str, holder: str) -> Read:
    return Read(token, abi.Token.balance_of, (holder,))


def _up(amount: int, rate: int, one: int) -> int:
    """Rounded up: a fee."""
    return -(-amount * rate // one)
