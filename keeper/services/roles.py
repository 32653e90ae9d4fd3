"""Who may do what with a vault: its roles, and who holds them at a block."""

from collections.abc import Sequence
from dataclasses import dataclass

from keeper.chain import abi
from keeper.chain.abi import checksum
from keeper.chain.multicall import Read, read_all
from keeper.chain.rpc import Client
from keeper.chain.snapshot import VaultSnapshot
from keeper.settings import Settings

NOBODY = "0x" + "0" * 40
# As SECURITY.md says it.
_MAY = {
    "owner": "resume and shut down; change targets, rails, keepers, oracle, fees within limits and the supply cap; add assets "
    "and remove empty ones; name guardian and strategist. Cannot move the basket or stop a redemption",
    "guardian": "pause minting and rebalancing. Cannot stop a redemption or move the basket",
    "strategist": "move the bands inside the owner's rails, no faster than their speed",
    "oracle owner": "change the feeds, and with them every price. Cannot touch minting or redeeming in kind",
    "fee recipient": "receive the fees, in shares",
    "anybody": "redeem own shares at any time; mint while the vault runs; open a rebalance that is due, and fill it within "
    "the price bound and the loss budget",
}


@dataclass(frozen=True, slots=True)
class Role:
    """`holder` and `pending` (who may accept it) are None where there is nobody; `is_contract` is of the holder."""

    name: str
    holder: str | None
    pending: str | None
    is_contract: bool
    may: str


def roles(client: Client, settings: Settings, snapshot: VaultSnapshot) -> tuple[Role, ...]:
    """The roles at the snapshot's block; of an oracle that has no owner that role has no holder.

    :raises ChainError: the endpoint fails
    """
    vault, rebalancer, oracle = snapshot.address, snapshot.rebalancer, snapshot.oracle
    reads = [
        Read(vault, abi.Vault.owner),
        Read(vault, abi.Vault.pending_owner),
        Read(vault, abi.Vault.guardian),
        Read(vault, abi.Vault.pending_guardian),
        Read(rebalancer, abi.Rebalancer.strategist),
        Read(rebalancer, abi.Rebalancer.pending_strategist),
        Read(oracle, abi.Oracle.owner),
        Read(oracle, abi.Oracle.pending_owner),
    ]
    answers = [answer.value for answer in read_all(client, reads, snapshot.block, settings.multicall)]
    people = [_somebody(answer) for answer in answers]
    named = list(zip(("owner", "guardian", "strategist", "oracle owner"), people[::2], people[1::2], strict=True))
    named.append(("fee recipient", _somebody(snapshot.fees.recipient), None))
    return (*_with_code(client, snapshot, named), Role("anybody", None, None, False, _MAY["anybody"]))


def _with_code(
    client: Client, snapshot: VaultSnapshot, named: Sequence[tuple[str, str | None, str | None]]
) -> list[Role]:
    holders = {holder for _, holder, _ in named if holder is not None}
    contracts = {holder for holder in holders if client.code(holder, snapshot.block)}
    return [Role(name, holder, pending, holder in contracts, _MAY[name]) for name, holder, pending in named]


def _somebody(address: object) -> str | None:
    return None if address is None or checksum(address) == NOBODY else checksum(address)
