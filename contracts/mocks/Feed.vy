# pragma version 0.4.3
"""
@title A Chainlink-shaped feed that answers what it is told
"""

decimals: public(uint8)
answer: public(int256)
updated_at: public(uint256)
is_dead: public(bool)  # reverts


@deploy
def __init__(decimals: uint8, answer: int256):
    self.decimals = decimals
    self.answer = answer
    self.updated_at = block.timestamp


@external
def set_answer(answer: int256):
    self.answer = answer
    self.updated_at = block.timestamp


@external
def set_round(answer: int256, updated_at: uint256):
    self.answer = answer
    self.updated_at = updated_at


@external
def set_dead(is_dead: bool):
    self.is_dead = is_dead


@external
@view
def latestRoundData() -> (uint80, int256, uint256, uint256, uint80):
    assert not self.is_dead, "feed: dead"
    return 1, self.answer, self.updated_at, self.updated_at, 1
