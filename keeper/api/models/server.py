"""What the server is."""

from typing import Literal

from pydantic import Field

from keeper.api.models.common import Address, Block, Shape


class ChainHealth(Shape):
    """Whether a chain's endpoint answers, and how old its newest block is."""

    chain_id: int
    name: str
    is_ok: bool
    block: Block | None
    age_s: int | None = Field(description="Of the newest block, by the server's clock.")


class Health(Shape):
    """Whether the server can answer: `ok`, `degraded` where some chains do not answer, `down` where none does."""

    status: Literal["ok", "degraded", "down"]
    version: str
    chains: list[ChainHealth]


class Chain(Shape):
    """A chain, and the vaults on it that this server serves."""

    chain_id: int
    name: str
    block: Block | None
    block_time_s: float
    wrapped_native: Address
    vaults: list[Address]


class Chains(Shape):
    """The chains of the settings."""

    chains: list[Chain]
