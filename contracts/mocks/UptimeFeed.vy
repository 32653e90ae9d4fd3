# pragma version 0.4.3
"""
@title A sequencer uptime feed that answers what it is told
"""

answer: public(int256)  # 0 is up, 1 is down
started_at: public(uint256)
is_dead: public(bool)  # reverts


@external
def set_status(answer: int256, started_at: uint256):
    self.answer = answer
    self.started_at = started_at


@external
def set_dead(is_dead: bool):
    self.is_dead = is_dead


@external
@view
def latestRoundData() -> (uint80, int256, uint256, uint256, uint80):
    assert not self.is_dead, "feed: dead"
    return 1, self.answer, self.started_at, block.timestamp, 1
