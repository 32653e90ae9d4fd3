"""Which of the endpoints' heads are compared with each other. Pure."""

from collections.abc import Sequence

from keeper.chain.member import Said


def height(said: Said) -> int:
    """The number of the block that was said."""
    return int(said.value["number"], 16)


def in_time(heads: Sequence[Said], limit: float) -> list[Said]:
    """Those that are not of a time to come: later than `limit`, unix s.

    Where all are, it is the clock of this machine, or a devnet's, that differs, and all count.
    """
    early = [each for each in heads if int(each.value["timestamp"], 16) <= limit]
    return early or list(heads)


def together(heads: Sequence[Said], quorum: int, lag_max: int) -> list[Said]:
    """The highest heads that lie within `lag_max` blocks and are a quorum; none where there are none.

    One that is far above is left alone: fewer than a quorum can pretend to be ahead, but not make others late.
    """
    for top in sorted(map(height, heads), reverse=True):
        close = [each for each in heads if 0 <= top - height(each) <= lag_max]
        if len(close) >= quorum:
            return close
    return []
