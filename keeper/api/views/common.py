"""What the views have in common."""

from keeper.api.models import common as m
from keeper.chain.snapshot import Block

SHARE_DECIMALS = 18


def of_block(block: Block) -> m.Block:
    """A block."""
    return m.Block(number=block.number, hash=block.hash, time=block.timestamp)


def text_or_none(value: int | None) -> str | None:
    """An integer as its digits."""
    return None if value is None else str(value)


def short(address: str) -> str:
    """An address that has no name."""
    return f"{address[:6]}…{address[-4:]}"
