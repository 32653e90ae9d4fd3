# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Index factory
@license GNU Affero General Public License v3.0 only
@notice Creates index vaults and makes their first mint in the same transaction, so that nobody comes between. It remembers which vaults
        are its own: those were created by the code that `creation_code` names, and by no other.

        How it is stopped: it is not. It has no owner, holds nothing between transactions and has no allowance to anybody.
@dev That a vault is from here says what code it runs, not that its oracle, owner or assets are honest: everybody may create one.
     A vault's address is that of EIP-1014 for the creation code with its arguments and the salt keccak256(creator, salt): nobody else
     can take it.
"""
from ethereum.ercs import IERC20

from contracts.modules import blueprint
from contracts.interfaces import IIndexFactory
from contracts.interfaces import IIndexVault

implements: IIndexFactory

initializes: blueprint

MAX_ASSETS: constant(uint256) = 20

is_vault: public(HashMap[address, bool])
vault_count: public(uint256)
_vaults: HashMap[uint256, address]


@deploy
def __init__(head: address, tail: address, tail_size: uint256):
    """
    @param head Where the start of the vault's creation code is kept; see modules/blueprint.vy
    @param tail Where the rest is
    @param tail_size Bytes of the tail that are code
    """
    blueprint.__init__(head, tail, tail_size)


@external
def create(
    plan: IIndexFactory.Plan,
    salt: bytes32,
    shares: uint256,
    max_amounts: DynArray[uint256, MAX_ASSETS],
    deadline: uint256,
) -> address:
    """
    @notice Create a vault and make its first mint, paid by the caller, who gets the shares
    @dev The caller allows this contract to take the amounts. Tokens that deliver another amount than asked cannot be used.
    @param plan The arguments of the vault's constructor
    @param salt Any number; the same caller can create the same plan again under another one
    @param shares Shares to make, 18 decimals
    @param max_amounts Base units per asset that the caller is ready to pay at most, in basket order
    @param deadline Last second at which this may happen
    @return The vault
    """
    vault: address = blueprint._create(
        abi_encode(plan.name, plan.symbol, plan.owner, plan.guardian, plan.oracle, plan.assets, plan.terms),
        keccak256(abi_encode(msg.sender, salt)),
    )
    self.is_vault[vault] = True
    self._vaults[self.vault_count] = vault
    self.vault_count += 1

    amounts: DynArray[uint256, MAX_ASSETS] = staticcall IIndexVault(vault).preview_mint(shares)
    held: DynArray[uint256, MAX_ASSETS] = []  # base units that strangers sent here before
    i: uint256 = 0
    for terms: IIndexVault.AssetTerms in plan.assets:
        token: IERC20 = IERC20(terms.asset)
        held.append(staticcall token.balanceOf(self))
        extcall token.transferFrom(msg.sender, self, amounts[i], default_return_value=True)
        extcall token.approve(vault, amounts[i], default_return_value=True)
        i += 1

    amounts = extcall IIndexVault(vault).mint(shares, msg.sender, max_amounts, deadline)

    i = 0
    for terms: IIndexVault.AssetTerms in plan.assets:
        token: IERC20 = IERC20(terms.asset)
        assert staticcall token.balanceOf(self) == held[i], "factory: balance changed"
        assert staticcall token.allowance(self, vault) == 0, "factory: allowance left"
        i += 1
    log IIndexFactory.VaultCreated(
        vault=vault, creator=msg.sender, salt=salt, plan=plan, shares=shares, amounts=amounts
    )
    return vault


@external
@view
def vault_at(index: uint256) -> address:
    """
    @return The vaults by the order of their creation, from 0
    """
    assert index < self.vault_count, "factory: no such vault"
    return self._vaults[index]


@external
@view
def creation_code() -> (address, address, uint256):
    """
    @return Where head and tail of the vaults' creation code are kept, and how many bytes of the tail are code
    """
    return blueprint.HEAD, blueprint.TAIL, blueprint.TAIL_SIZE
