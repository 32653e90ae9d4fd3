# pragma version 0.4.3
"""
@title An oracle that answers what it is told, and is asked once too often to be trusted
"""

answers: DynArray[uint256, 20]


@external
def set_answers(answers: DynArray[uint256, 20]):
    self.answers = answers


@external
@view
def prices(assets: DynArray[address, 20]) -> DynArray[uint256, 20]:
    return self.answers
