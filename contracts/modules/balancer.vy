# pragma version 0.4.3
# pragma nonreentrancy off
"""
@title Swaps on Balancer V2 pools, through the one Vault that holds their tokens
@license GNU Affero General Public License v3.0 only
@notice Weighted and stable pools alike: the pool is named by the id that it gives itself. The host measures what came out.
"""
from contracts.modules import approval


struct SingleSwap:
    pool_id: bytes32
    kind: uint8
    asset_in: address
    asset_out: address
    amount: uint256
    data: Bytes[1]


struct Funds:
    sender: address
    from_internal: bool
    recipient: address
    to_internal: bool


interface Pool:
    def getPoolId() -> bytes32: view


interface Vault:
    def swap(swap: SingleSwap, funds: Funds, limit: uint256, deadline: uint256) -> uint256: nonpayable


# The same on every chain that Balancer V2 is on.
VAULT: constant(address) = 0xBA12222222228d8Ba445958a75a0704d566BF2C8
GIVEN_IN: constant(uint8) = 0


@internal
def _swap(pool: address, token_in: address, token_out: address, amount: uint256):
    """
    @notice Sell `amount` on a Balancer V2 pool
    """
    swap: SingleSwap = SingleSwap(
        pool_id=staticcall Pool(pool).getPoolId(),
        kind=GIVEN_IN,
        asset_in=token_in,
        asset_out=token_out,
        amount=amount,
        data=b"",
    )
    funds: Funds = Funds(sender=self, from_internal=False, recipient=self, to_internal=False)
    approval._grant(token_in, VAULT, amount)
    # No limit here: the vault that is rebalanced, or the lender, holds all swaps together to one.
    extcall Vault(VAULT).swap(swap, funds, 0, block.timestamp)
    approval._take_back(token_in, VAULT)
