# pragma version 0.4.3
"""
@title A feed whose answer is too short to be a round
"""

decimals: public(constant(uint8)) = 8


@external
@view
def latestRoundData() -> int256:
    return 10**8
