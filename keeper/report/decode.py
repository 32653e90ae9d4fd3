"""A vault's logs → what happened to it. Pure.

What an action moved is told by the tokens' own Transfer logs between it and the action before, in the same transaction: the
vault's functions exclude each other, so no other action's are among them. What belongs to no action is a gift.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from eth_abi.exceptions import DecodingError

from keeper.chain import abi
from keeper.chain.abi import Event, checksum
from keeper.report.records import (
    Claimed,
    Closed,
    Deed,
    Filled,
    Gift,
    Listed,
    Minted,
    Opened,
    Owed,
    Place,
    Redeemed,
    Shares,
    Transfer,
)

NOBODY = "0x" + "0" * 40
DEAD = "0x000000000000000000000000000000000000dEaD"

Log = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Decoded:
    """What logs told: deeds and transfers of assets as they happened, assets that came and went, the oracles' changes."""

    deeds: tuple[Deed, ...]
    transfers: tuple[Transfer, ...]
    oracles: tuple[tuple[Place, str, str], ...]  # old and new


def place_of(log: Log, times: Mapping[str, int]) -> Place:
    """A log's place. `times` are unix s by block hash."""
    block_hash = str(log["blockHash"])
    return Place(
        int(log["blockNumber"], 16), int(log["logIndex"], 16), block_hash, times[block_hash], log["transactionHash"]
    )


def arguments(event: Event, log: Log) -> list[Any] | None:
    """All arguments in order, addresses checksummed; None when the log is not this event, whole and well-formed."""
    topics = log["topics"]
    if not topics or bytes.fromhex(topics[0][2:]) != event.topic or len(topics) != 1 + len(event.indexed):
        return None
    try:
        others = iter(event.decode(bytes.fromhex(log["data"][2:])))
    except DecodingError:
        return None
    indexed = iter(topics[1:])
    values = [_word(kind, next(indexed)) if i in event.indexed else next(others) for i, kind in enumerate(event.inputs)]
    return [checksum(value) if kind == "address" else value for kind, value in zip(event.inputs, values, strict=True)]


def _word(kind: str, topic: str) -> object:
    return f"0x{topic[-40:]}" if kind == "address" else int(topic, 16)


def assets_named(logs: Iterable[Log], vault: str) -> set[str]:
    """Assets that were added or removed."""
    found = set()
    for log in logs:
        if checksum(log["address"]) == vault:
            for event in (abi.Vault.asset_added, abi.Vault.asset_removed):
                told = arguments(event, log)
                if told is not None:
                    found.add(told[0])
    return found


def decode(
    logs: Iterable[Log], vault: str, rebalancer: str, assets: Sequence[str], times: Mapping[str, int]
) -> Decoded:
    """What the logs tell. Those of other contracts than the vault, its rebalancer and the assets are passed over.

    :param times: unix s by block hash, of every log's block
    """
    found = _Walk(vault, rebalancer, frozenset(assets))
    ordered = sorted(logs, key=lambda log: (int(log["blockNumber"], 16), int(log["logIndex"], 16)))
    for _, together in groupby(ordered, key=lambda log: (log["blockHash"], log["transactionHash"])):
        for log in together:
            found.meet(log, place_of(log, times))
        found.end()
    deeds = sorted(found.deeds, key=lambda deed: deed.place)
    return Decoded(tuple(deeds), tuple(found.transfers), tuple(found.oracles))


@dataclass
class _Walk:
    """Through the logs of one transaction after the other."""

    vault: str
    rebalancer: str
    assets: frozenset[str]
    deeds: list[Deed] = field(default_factory=list)
    transfers: list[Transfer] = field(default_factory=list)
    oracles: list[tuple[Place, str, str]] = field(default_factory=list)
    _pending: list[Transfer] = field(default_factory=list)
    _shares: list[Transfer] = field(default_factory=list)
    _owed: list[Owed] = field(default_factory=list)

    def meet(self, log: Log, place: Place) -> None:
        """Take the next log of the transaction."""
        address = checksum(log["address"])
        if address == self.vault:
            self._of_vault(log, place)
        elif address == self.rebalancer:
            self._of_rebalancer(log, place)
        elif address in self.assets:
            told = arguments(abi.Token.transferred, log)
            # From the vault to itself nothing moves.
            if told is not None and (told[0] == self.vault) != (told[1] == self.vault):
                transfer = Transfer(place, address, *told)
                self.transfers.append(transfer)
                self._pending.append(transfer)

    def end(self) -> None:
        """The transaction is over: what is left belongs to no action."""
        self._give(self._pending)
        self._pass_on(self._shares)
        self._pending, self._shares, self._owed = [], [], []

    def _of_vault(self, log: Log, place: Place) -> None:
        if told := arguments(abi.Token.transferred, log):
            self._shares.append(Transfer(place, self.vault, *told))
        elif told := arguments(abi.Vault.claim_made, log):
            self._owed.append(Owed(place, *told))
        elif told := arguments(abi.Vault.streaming_fee, log):
            self._name(["streaming_fee"])
        elif told := arguments(abi.Vault.minted, log):
            caller, receiver, shares, fee = told
            is_first = any(each.sender == NOBODY and each.receiver == DEAD for each in self._shares[:-1])
            self._name([*(["mint_fee"] if fee else ["dead"] if is_first else []), "mint"])
            # One of each asset, the last: what the caller sent before in the same transaction is a gift.
            last = {each.token: each for each in self._pending if each.sender == caller}
            paid = self._take(lambda each: last.get(each.token) is each)
            self.deeds.append(Minted(place, caller, receiver, shares, fee, paid))
        elif told := arguments(abi.Vault.redeemed, log):
            owner, receiver, shares, fee = told
            self._name([*(["redeem_fee"] if fee else []), "redeem"])
            paid = self._take(lambda each: each.sender == self.vault)
            self.deeds.append(Redeemed(place, owner, receiver, shares, fee, paid, tuple(self._owed)))
            self._owed = []
        elif told := arguments(abi.Vault.asset_added, log):
            self.deeds.append(Listed(place, told[0], True))
        elif told := arguments(abi.Vault.asset_removed, log):
            self.deeds.append(Listed(place, told[0], False))
        elif told := arguments(abi.Vault.claimed, log):
            asset = told[1]
            paid = self._take(lambda each: each.sender == self.vault and each.token == asset)
            self.deeds.append(Claimed(place, told[0], asset, told[2], told[3], paid))

    def _of_rebalancer(self, log: Log, place: Place) -> None:
        if told := arguments(abi.Rebalancer.rebalanced, log):
            caller, executor, value_out, value_in, drift_before, drift_after = told
            first = next((i for i, each in enumerate(self._pending) if each.sender == self.vault), 0)
            before = set() if executor == NOBODY else {id(each) for each in self._pending[:first]}
            moved = self._take(lambda each: id(each) not in before)
            self.deeds.append(Filled(place, caller, executor, value_out, value_in, drift_before, drift_after, moved))
        elif told := arguments(abi.Rebalancer.rebalance_opened, log):
            self.deeds.append(Opened(place, *told))
        elif told := arguments(abi.Rebalancer.rebalance_closed, log):
            self.deeds.append(Closed(place, *told))
        elif told := arguments(abi.Rebalancer.oracle_changed, log):
            self.oracles.append((place, *told))

    def _take(self, belongs: Any) -> tuple[Transfer, ...]:
        """The pending transfers that are the action's; the others are gifts."""
        own = tuple(each for each in self._pending if belongs(each))
        self._give(each for each in self._pending if not belongs(each))
        self._pending = []
        return own

    def _give(self, transfers: Iterable[Transfer]) -> None:
        self.deeds += [Gift(each.place, each) for each in transfers]

    def _name(self, names: Sequence[str]) -> None:
        """The last share transfers are the action's, those before are anybody's."""
        first = len(self._shares) - len(names)
        self._pass_on(self._shares[:first])
        for transfer, why in zip(self._shares[first:], names, strict=True):
            self.deeds.append(Shares(transfer.place, transfer.sender, transfer.receiver, transfer.amount, why))
        self._shares = []

    def _pass_on(self, transfers: Iterable[Transfer]) -> None:
        self.deeds += [Shares(each.place, each.sender, each.receiver, each.amount, "transfer") for each in transfers]
