"""What happened to a vault, frozen. Amounts are base units, USD is WAD; addresses are checksummed."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where on the chain something was logged; places sort as they happened."""

    block: int
    index: int  # of the log in its block
    block_hash: str
    time: int  # unix s
    tx: str


@dataclass(frozen=True, slots=True)
class Transfer:
    """One ERC-20 Transfer: of an asset from or to the vault, or of its shares."""

    place: Place
    token: str
    sender: str
    receiver: str
    amount: int


@dataclass(frozen=True, slots=True)
class Minted:
    """A mint: `paid` are the transfers into the vault. `fee` shares went to the recipient on top."""

    place: Place
    caller: str
    receiver: str
    shares: int
    fee: int
    paid: tuple[Transfer, ...]


@dataclass(frozen=True, slots=True)
class Owed:
    """What a redemption could not pay of an asset, or a later payment of it."""

    place: Place
    owner: str
    asset: str
    amount: int


@dataclass(frozen=True, slots=True)
class Redeemed:
    """A redemption: `paid` are the transfers out of the vault. `fee` of the shares went to the recipient."""

    place: Place
    owner: str
    receiver: str
    shares: int
    fee: int
    paid: tuple[Transfer, ...]
    owed: tuple[Owed, ...]


@dataclass(frozen=True, slots=True)
class Claimed:
    """A payment of what was owed: the basket does not change, the vault's balance does."""

    place: Place
    owner: str
    asset: str
    receiver: str
    amount: int
    paid: tuple[Transfer, ...]


@dataclass(frozen=True, slots=True)
class Filled:
    """A fill of a rebalance. Values are WAD USD as the rebalancer logged them, drifts WAD."""

    place: Place
    caller: str
    executor: str
    value_out: int
    value_in: int
    drift_before: int
    drift_after: int
    moved: tuple[Transfer, ...]  # out of the vault and into it


@dataclass(frozen=True, slots=True)
class Opened:
    """A rebalance was opened. `reason` is a Trigger; NAV and drift are WAD."""

    place: Place
    caller: str
    reason: int
    nav: int
    drift: int


@dataclass(frozen=True, slots=True)
class Closed:
    """A rebalance reached its targets."""

    place: Place
    drift: int


@dataclass(frozen=True, slots=True)
class Gift:
    """A transfer that belongs to no action of the vault: somebody sent it an asset, or a token moved by itself."""

    place: Place
    transfer: Transfer


@dataclass(frozen=True, slots=True)
class Shares:
    """A transfer of shares. `why` is mint, mint_fee, redeem, redeem_fee, streaming_fee, dead or transfer."""

    place: Place
    sender: str
    receiver: str
    amount: int
    why: str


@dataclass(frozen=True, slots=True)
class Listed:
    """An asset came into the basket, or left it."""

    place: Place
    asset: str
    is_added: bool


Deed = Minted | Redeemed | Claimed | Filled | Opened | Closed | Gift | Shares | Listed


@dataclass(frozen=True, slots=True)
class Story:
    """All that happened to a vault from its first block to `block`, in the chain's order.

    :param assets: that the basket holds or ever held
    :param oracles: the block from which on an oracle gave the prices, oldest first; None for the one of all blocks before
    """

    vault: str
    rebalancer: str
    first_block: int
    block: int
    block_hash: str
    assets: tuple[str, ...]
    basket: tuple[str, ...]  # at `block`
    deeds: tuple[Deed, ...]
    transfers: tuple[Transfer, ...]  # of assets, all of them
    oracles: tuple[tuple[int, str], ...]

    @property
    def first_basket(self) -> frozenset[str]:
        """What the basket was made of at first."""
        found = set(self.basket)
        for deed in reversed(self.deeds):
            if isinstance(deed, Listed):
                (found.discard if deed.is_added else found.add)(deed.asset)
        return frozenset(found)

    def oracle_at(self, block: int) -> str:
        """Who gave the prices at the end of a block."""
        return next(oracle for since, oracle in reversed(self.oracles) if since <= block)
