"""What the chain says after a step, every view of it."""

from dataclasses import dataclass, field
from typing import Any

from fuzz.evm import Contract, Reverted
from fuzz.world import World, plain


@dataclass(frozen=True)
class Action:
    """The step that was just done, by whom and in whose favour."""

    kind: str
    who: str = ""
    receiver: str = ""

    @property
    def is_of_shares(self) -> bool:
        """Whether it only moves shares and what they stand for."""
        return self.kind in ("mint", "redeem", "claim", "transfer", "flash loan", "fees")


@dataclass(frozen=True)
class Refusal:
    """A view that reverted."""

    reason: str


@dataclass
class Seen:
    """Everything that the contracts answer, read from the chain alone."""

    now: int
    vault: str
    total: int  # shares that are made
    supply: int  # with the fees that are due
    assets: list[str]
    shares: dict[str, int]  # by holder
    tokens: dict[str, dict[str, int]]  # by asset and holder, but of dead tokens
    token_supply: dict[str, int]
    claims: dict[tuple[str, str], int]
    views: dict[str, Any] = field(default_factory=dict)
    relayed: dict[str, Any] = field(default_factory=dict)  # what the vault says that its rebalancer says
    keepers: set[str] = field(default_factory=set)

    @classmethod
    def read(cls, world: World) -> "Seen":
        """Ask for everything."""
        vault = world.vault
        views = {name: view(vault, name) for name in VAULT_VIEWS}
        relayed = {name: views[name] for name in VAULT_VIEWS if name in REBALANCER_VIEWS}
        views |= {name: view(world.rebalancer, name) for name in REBALANCER_VIEWS}
        # A dead token answers nobody; when it is back its balances have to be what the model says that they became meanwhile.
        tokens = {
            asset: {holder: token.view("balanceOf", holder) for holder in world.holders}
            for asset, token in world.tokens.items()
            if not world.model.tokens[asset].mood.is_dead
        }
        return cls(
            now=world.chain.now,
            vault=vault.address,
            total=vault.view("totalSupply"),
            supply=vault.view("supply"),
            assets=plain(vault.view("assets")),
            shares={holder: vault.view("balanceOf", holder) for holder in world.holders},
            tokens=tokens,
            token_supply={asset: token.view("totalSupply") for asset, token in world.tokens.items()},
            claims={
                (holder, asset): vault.view("claims", holder, asset)
                for holder in world.holders
                for asset in world.tokens
            },
            views=views,
            relayed=relayed,
            keepers={who for who in world.holders if world.rebalancer.view("is_keeper", who)},
        )

    def held(self, asset: str) -> int | None:
        """Base units of the basket; None while the token is dead."""
        if asset not in self.tokens:
            return None
        balance = self.tokens[asset][self.vault]
        return balance - min(balance, self.claimed(asset))

    def claimed(self, asset: str) -> int:
        """Base units of all claims on an asset."""
        return sum(amount for (_, of), amount in self.claims.items() if of == asset)


# What each of the two answers; a view may refuse, because a price or a token is bad.
VAULT_VIEWS = (
    "holdings", "fees", "supply_cap", "is_shut_down", "paused", "in_flight", "rebalancer",
    "owner", "pending_owner", "guardian", "pending_guardian",
    "targets", "weights", "nav", "nav_per_share", "drift", "trigger", "price_bound",
)  # fmt: skip
REBALANCER_VIEWS = (
    "vault", "oracle", "targets", "schedule", "bands", "rails", "weights", "nav", "nav_per_share", "drift", "trigger",
    "price_bound", "is_open", "opened_at", "closed_at", "completed_at", "loss", "strategist",
    "pending_strategist", "head_start",
)  # fmt: skip


def view(contract: Contract, name: str) -> Any:
    """The answer of a view, or its refusal."""
    try:
        return plain(contract.view(name))
    except Reverted as error:
        return Refusal(error.reason)
