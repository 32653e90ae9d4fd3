"""ERC-4626 vaults and wstETH: which of the tokens are wrappers, and at what rate they wrap.

Whether an ERC-4626 vault is a pool here is found out by asking: the fraction that reproduces every preview, in both
directions and at both times, is the vault's. A vault with a fee, or one that rounds in a way of its own, is left out.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from keeper.chain import abi
from keeper.chain.abi import checksum
from keeper.chain.multicall import Answer, Read, read_all
from keeper.chain.pools.found import ZERO, Found
from keeper.chain.rpc import Client
from keeper.chain.snapshot import Block
from keeper.markets import ERC4626Pool, WstETHPool
from keeper.markets.wrapper import Fraction
from keeper.settings import PoolSettings

_RAY = 10**27
# Amounts, tiny to a billion whole tokens, at which a vault's previews have to be those of its fraction.
_PROBES = (1, 999_983, 10**12 + 39, 10**18 + 9, 10**24 + 7, _RAY)
_OFFSETS = range(19)  # of OpenZeppelin's virtual shares, in decimals


def existing(
    client: Client, tokens: Iterable[str], settings: PoolSettings, block: Block, multicall: str
) -> list[Found]:
    """The wrappers among the basket's tokens and the hubs, and wstETH when it or stETH is among them."""
    wanted = sorted(set(tokens) | set(settings.hubs))
    reads = [Read(token, abi.ERC4626.asset) for token in wanted]
    reads.append(Read(settings.wsteth, abi.Lido.steth))
    *assets, steth = read_all(client, reads, block, multicall)
    found = [
        Found("erc4626", token, (checksum(answer.value), token))
        for token, answer in zip(wanted, assets, strict=True)
        if answer.value not in (None, ZERO)
    ]
    if steth.value not in (None, ZERO) and {checksum(steth.value), settings.wsteth} & set(wanted):
        found.append(Found("wsteth", settings.wsteth, (checksum(steth.value), settings.wsteth)))
    return found


def read_erc4626(
    client: Client, found: Sequence[Found], block: Block, multicall: str, until: int | None = None, holder: str = ZERO
) -> list[ERC4626Pool]:
    """The vaults that a fraction describes, each with its fraction now and at `until`.

    A vault tells what it would pay back only to somebody who has shares. What it would pay others is therefore taken
    to be what `holder` could have, or what lies idle in it, whichever is more.

    :param until: unix s, the last moment at which the amounts have to hold; the block's own time when None
    :param holder: whose limits count
    """
    now = _read_vaults(client, found, block, multicall, None, holder)
    later = now if until is None else _read_vaults(client, found, block, multicall, until, holder)
    idle = _idle(client, found, block, multicall)
    supplies = read_all(client, [Read(pool.tokens[0], abi.Token.total_supply) for pool in found], block, multicall)
    pools: list[ERC4626Pool] = []
    for pool, at_first, at_last, assets, supply in zip(found, now, later, idle, supplies, strict=True):
        described = _described(at_first, at_last)
        if described is None:
            continue
        paying, taking, is_pot = described
        redeemable = min(max(at_first.max_redeem, paying.to_shares_down(assets)), at_first.supply)
        if is_pot:
            # A pot without virtual shares has no rate once all of it is gone.
            redeemable = min(redeemable, paying.shares - 1, taking.shares - 1)
        # "No limit" is 2^256 - 1; there is no more than the asset's supply to deposit.
        depositable = min(at_last.max_deposit, supply.value or 0)
        if depositable or redeemable:
            pools.append(ERC4626Pool(pool.address, pool.tokens[0], paying, taking, depositable, redeemable, is_pot))
    return pools


def read_wsteth(client: Client, found: Sequence[Found], block: Block, multicall: str) -> list[WstETHPool]:
    """The wrapper, with the rate that reproduces stETH's own conversions.

    Since Lido V3 the rate is that of the ether and the shares that are not external, which for whole numbers is not
    quite the rate of all of them.
    """
    pools: list[WstETHPool] = []
    for pool in found:
        steth, wrapper = pool.tokens
        lido = abi.Lido
        plain = (lido.total_pooled_ether, lido.total_shares, lido.external_ether, lido.external_shares)
        reads = [
            *(Read(steth, function) for function in plain),
            Read(steth, lido.shares_of, (wrapper,)),
            Read(wrapper, lido.total_supply),
            *(Read(steth, lido.shares_by_pooled_eth, (amount,)) for amount in _PROBES),
            *(Read(steth, lido.pooled_eth_by_shares, (amount,)) for amount in _PROBES),
        ]
        ether, shares, external_ether, external_shares, wrapped, supply, *previews = read_all(
            client, reads, block, multicall
        )
        if ether.failed or shares.failed or wrapped.failed or supply.failed:
            continue
        internal = Fraction(ether.value - (external_ether.value or 0), shares.value - (external_shares.value or 0))
        for rate in (internal, Fraction(ether.value, shares.value)):
            if rate.assets > 0 and rate.shares > 0 and _reproduces(rate, [answer.value for answer in previews]):
                free = max(ether.value - rate.to_assets_up(wrapped.value), 0)
                pools.append(WstETHPool(wrapper, steth, rate, free, supply.value))
                break
    return pools


@dataclass(frozen=True, slots=True)
class _VaultState:
    """What a vault says of itself at one time; None where it did not answer."""

    assets: int | None
    supply: int
    max_deposit: int
    max_redeem: int
    previews: tuple[int | None, ...]  # of deposits of the probes, then of redemptions

    def fractions(self) -> Iterator[Fraction]:
        """The fractions that a vault of each kind would have, in the order of `_kinds`."""
        assets = self.assets or 0
        yield Fraction(assets, self.supply)
        for offset in _OFFSETS:
            yield Fraction(assets + 1, self.supply + 10**offset)
        yield Fraction(self.previews[-1] or 0, _RAY)


class _Description(NamedTuple):
    paying: Fraction
    taking: Fraction
    is_pot: bool


def _described(now: _VaultState, later: _VaultState) -> _Description | None:
    """The first kind of vault that reproduces all previews at both times."""
    last = len(_OFFSETS) + 1
    for kind, (first, second) in enumerate(zip(now.fractions(), later.fractions(), strict=True)):
        if min(first.assets, first.shares, second.assets, second.shares) <= 0:
            continue
        if _reproduces(first, now.previews) and _reproduces(second, later.previews):
            falls = first.assets * second.shares > second.assets * first.shares
            # A rate may fall with time, as that of a vault with a streaming fee does: then the other way around.
            paying, taking = (second, first) if falls else (first, second)
            return _Description(paying, taking, is_pot=kind < last)
    return None


def _reproduces(fraction: Fraction, previews: Sequence[int | None]) -> bool:
    expected = [fraction.to_shares_down(amount) for amount in _PROBES]
    expected += [fraction.to_assets_down(amount) for amount in _PROBES]
    return list(previews) == expected


def _read_vaults(
    client: Client, found: Sequence[Found], block: Block, multicall: str, time: int | None, holder: str
) -> list[_VaultState]:
    vault = abi.ERC4626
    plain = (
        (vault.total_assets, ()),
        (vault.total_supply, ()),
        (vault.max_deposit, (holder,)),
        (vault.max_redeem, (holder,)),
    )
    wanted = [
        *plain,
        *((vault.preview_deposit, (amount,)) for amount in _PROBES),
        *((vault.preview_redeem, (amount,)) for amount in _PROBES),
    ]
    reads = [Read(pool.address, function, arguments) for pool in found for function, arguments in wanted]
    answers = read_all(client, reads, block, multicall, time)
    states: list[_VaultState] = []
    for at in range(0, len(answers), len(wanted)):
        assets, supply, max_deposit, max_redeem, *previews = [answer.value for answer in answers[at : at + len(wanted)]]
        states.append(_VaultState(assets, supply or 0, max_deposit or 0, max_redeem or 0, tuple(previews)))
    return states


def _idle(client: Client, found: Sequence[Found], block: Block, multicall: str) -> list[int]:
    """What of its asset lies in each vault, or for Aave's in the reserve that it stands for."""
    a_tokens = read_all(client, [Read(pool.address, abi.ERC4626.a_token) for pool in found], block, multicall)
    reads = [
        Read(pool.tokens[0], abi.Token.balance_of, (where,))
        for pool, a_token in zip(found, a_tokens, strict=True)
        for where in (pool.address, ZERO if a_token.failed else checksum(a_token.value))
    ]
    held: list[Answer] = read_all(client, reads, block, multicall)
    return [
        (own.value or 0) + (0 if a_token.failed else reserve.value or 0)
        for own, reserve, a_token in zip(held[::2], held[1::2], a_tokens, strict=True)
    ]
