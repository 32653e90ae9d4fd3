# pragma version 0.4.3
"""
@title A Chainlink-shaped feed that answers what it is told
"""

decimals: public(uint8)
answer: public(int256)
updated_at: public(uint256)
is_dead: public(bool)  # reverts
is_short: public(bool)  # answers too little data


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
def set_failure(is_dead: bool, is_short: bool):
    self.is_dead = is_dead
    self.is_short = is_short


@external
@view
@raw_return
def latestRoundData() -> Bytes[160]:
    assert not self.is_dead, "feed: dead"
    if self.is_short:
        return slice(abi_encode(self.answer), 0, 32)
    return abi_encode(
        convert(1, uint256), self.answer, self.updated_at, self.updated_at, convert(1, uint256)
    )
