# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Index factory
@license GNU Affero General Public License v3.0 only
@notice Creates index vaults and makes their first mint in the same transaction, so that nobody comes between. It remembers which vaults
        are its own: vault and rebalancer were created from the code that `blueprints` names, and from no other.

        How it is stopped: it is not. It has no owner, holds nothing between transactions and has no allowance to anybody.
@dev That a vault is from here says what code it runs, not that its oracle, owner or assets are honest: everybody may create one.
     A vault's address is that of EIP-1014 for the creation code with its arguments and the salt keccak256(creator, salt): nobody else
     can take it. Blueprints are those of ERC-5202.
"""
from ethereum.ercs import IERC20

from contracts.interfaces import IIndexFactory
from contracts.interfaces import IIndexVault

implements: IIndexFactory

MAX_ASSETS: constant(uint256) = 20

PREAMBLE: constant(Bytes[3]) = x"FE7100"  # ERC-5202, version 0, no further data

VAULT: immutable(address)
REBALANCER: immutable(address)

is_vault: public(HashMap[address, bool])
vault_count: public(uint256)
_vaults: HashMap[uint256, address]


@deploy
def __init__(vault_blueprint: address, rebalancer_blueprint: address):
    """
    @param vault_blueprint The creation code of IndexVault.vy
    @param rebalancer_blueprint The creation code of Rebalancer.vy
    """
    for blueprint: address in [vault_blueprint, rebalancer_blueprint]:
        assert blueprint.codesize > 3 and slice(blueprint.code, 0, 3) == PREAMBLE, "factory: no blueprint"
    VAULT = vault_blueprint
    REBALANCER = rebalancer_blueprint


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
    vault: address = create_from_blueprint(
        VAULT,
        plan.name,
        plan.symbol,
        plan.owner,
        plan.guardian,
        plan.oracle,
        plan.assets,
        plan.terms,
        plan.fees,
        REBALANCER,
        salt=keccak256(abi_encode(msg.sender, salt)),
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
def blueprints() -> (address, address):
    """
    @return Where the creation codes of vaults and of rebalancers are kept
    """
    return VAULT, REBALANCER
