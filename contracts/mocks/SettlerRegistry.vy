# pragma version 0.4.3
"""
@title 0x's deployer registry with a Settler in use and one before it
@notice A test puts its code at the real address, so what it knows is in its code.
"""

SETTLER: immutable(address)
V2_ROUTER: constant(address) = 0x7a250d5630B4cF539739dF2C5dAcb4c659F2488D


@deploy
def __init__(settler: address):
    SETTLER = settler


@external
@view
def ownerOf(feature: uint256) -> address:
    assert feature == 2
    return SETTLER


@external
@view
def prev(feature: uint128) -> address:
    assert feature == 2
    return V2_ROUTER
