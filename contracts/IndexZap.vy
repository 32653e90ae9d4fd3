# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Index zap
@license GNU Affero General Public License v3.0 only
@notice One token in, index out, and back. A mint turns what the caller gives into the basket by the caller's swaps, makes as many shares as the
        scarcest asset affords, and gives all that is left back. A redemption takes the basket apart, sells it by the caller's swaps, and gives
        all that is left back. It holds nothing between transactions and has no allowance to anybody: those it grants live for one call.

        Everything comes from the caller and goes to the caller, so that whatever is here in the middle of a call is the caller's. No balance of
        anybody else can be reached: tokens are pulled from `msg.sender` alone, whatever the operations, the vault or a token say. So a permit
        needs no trust: one that was used before, or that a token does not know and answers all the same, changes nothing. What
        strangers send here is a gift to whoever names the token next; ether that is forced on it stays.

        The vault is the caller's choice. A hostile one can keep what its caller gave; it cannot touch anything of anybody else.

        How it is stopped: by nobody. The vault's own mint and redeem go on without it.

        Owner, best a timelock: pins the aggregators that operations may call, and nothing else. A malicious owner can let an aggregator
        through that delivers as little as a caller's own limits allow.
@dev Tokens that take a fee work where the vault takes them: what is here is measured. A claim cannot change hands, so where the vault leaves one,
     because a token does not move, nothing happened: redeem at the vault itself, and the claim is yours. No flash form, see
     docs/adr/0004-zap-without-loan.md.
"""
from ethereum.ercs import IERC20
from snekmate.auth import ownable
from snekmate.auth import ownable_2step

from contracts.modules import aggregator
from contracts.modules import approval
from contracts.modules import permit_pull
from contracts.modules import routes
from contracts.modules import swaps
from contracts.modules import uniswap
from contracts.modules import wad
from contracts.interfaces import IIndexVault
from contracts.interfaces import IIndexZap
from contracts.interfaces import IRouteExecutor

implements: IIndexZap

initializes: ownable
initializes: ownable_2step[ownable := ownable]
initializes: aggregator
initializes: uniswap
initializes: swaps[uniswap := uniswap]
initializes: routes[aggregator := aggregator, swaps := swaps]

exports: (
    ownable_2step.owner,
    ownable_2step.pending_owner,
    ownable_2step.transfer_ownership,
    ownable_2step.accept_ownership,
    aggregator.aggregator_spenders,
    uniswap.uniswapV3SwapCallback,
)


interface WrappedEther:
    def deposit(): payable
    def withdraw(amount: uint256): nonpayable


interface Claims:
    def claims(owner: address, asset: address) -> uint256: view


MAX_ASSETS: constant(uint256) = 20
MAX_OPERATIONS: constant(uint256) = 40
MAX_CALLS: constant(uint256) = 4
MAX_TOKENS: constant(uint256) = 100  # the vault's and two of each operation
MAX_DUST: constant(uint256) = 2  # base units that a token may leave here by its own rounding

WETH: immutable(address)


@deploy
def __init__(owner: address, v3_factory: address, wrapped_ether: address):
    """
    @param owner Who pins aggregators, best a timelock
    @param v3_factory The Uniswap V3 factory, whose pools may call back
    @param wrapped_ether WETH9, for who gives or wants ether
    """
    ownable.__init__()
    ownable_2step.__init__()
    uniswap.__init__(v3_factory)
    assert owner != empty(address), "zap: no owner"
    assert wrapped_ether.is_contract, "zap: no wrapped ether"
    WETH = wrapped_ether
    ownable._transfer_ownership(owner)


@external
@payable
@reentrant
def __default__():
    """
    @notice Ether comes from unwrapping only
    """
    assert msg.sender == WETH, "zap: ether from a stranger"


# ---------------------------------------------------------------- anybody


@external
@payable
def zap_mint(
    vault: address,
    token_in: address,
    amount_in: uint256,
    min_shares: uint256,
    operations: DynArray[IRouteExecutor.Operation, MAX_OPERATIONS],
    calls: DynArray[IRouteExecutor.AggregatorCall, MAX_CALLS],
    deadline: uint256,
    permit: IIndexZap.Permit,
) -> uint256:
    """
    @notice Turn a token into the basket and the basket into shares; shares and whatever is left are the caller's
    @dev What comes is spread by the operations; one that buys too much of an asset leaves the rest of it to the caller.
    @param vault The index vault; it has to have shares already
    @param token_in What the caller gives; the empty address is ether, which comes with the call
    @param amount_in Base units of it, or wei
    @param min_shares Shares that the caller accepts at least, 18 decimals
    @param operations The swaps, in order
    @param calls What the operations on aggregators call, by number
    @param deadline Last second at which this may happen
    @param permit How the caller lets this contract take the token, if not by an allowance that is there
    @return Shares made
    """
    assert block.timestamp <= deadline, "zap: expired"
    token: address = token_in
    if token_in == empty(address):
        assert msg.value == amount_in, "zap: wrong amount of ether"
        extcall WrappedEther(WETH).deposit(value=amount_in)
        token = WETH
    else:
        assert msg.value == 0, "zap: ether not asked for"
        permit_pull._pull(token_in, amount_in, permit)
    assets: DynArray[address, MAX_ASSETS] = staticcall IIndexVault(vault).assets()
    aggregator._calls = calls
    self._run(vault, operations, token)

    shares: uint256 = self._mint(vault, assets, min_shares, deadline)
    log IIndexZap.ZapMint(caller=msg.sender, vault=vault, token_in=token_in, amount_in=amount_in, shares=shares)
    self._give(token_in)
    self._give_back(assets, operations)
    return shares


@external
def zap_redeem(
    vault: address,
    shares: uint256,
    token_out: address,
    min_out: uint256,
    operations: DynArray[IRouteExecutor.Operation, MAX_OPERATIONS],
    calls: DynArray[IRouteExecutor.AggregatorCall, MAX_CALLS],
    deadline: uint256,
    permit: IIndexZap.Permit,
) -> uint256:
    """
    @notice Turn the caller's shares into the basket and the basket into one token; that token and whatever is left are the caller's
    @dev Where the vault cannot pay an asset, nothing happens: at the vault itself the caller gets the rest and a claim.
    @param vault The index vault
    @param shares Shares to give, 18 decimals
    @param token_out What the caller wants; the empty address is ether
    @param min_out Base units of it, or wei, that have to reach the caller at least
    @param operations The swaps, in order
    @param calls What the operations on aggregators call, by number
    @param deadline Last second at which this may happen
    @param permit How the caller lets this contract take the shares, if not by an allowance that is there
    @return Base units of the token that reached the caller
    """
    assert block.timestamp <= deadline, "zap: expired"
    permit_pull._pull(vault, shares, permit)
    assets: DynArray[address, MAX_ASSETS] = staticcall IIndexVault(vault).assets()
    self._redeem(vault, shares, assets, deadline)
    aggregator._calls = calls
    self._run(vault, operations, WETH if token_out == empty(address) else token_out)

    amount_out: uint256 = self._give(token_out)
    assert amount_out >= min_out, "zap: too little out"
    log IIndexZap.ZapRedeem(caller=msg.sender, vault=vault, token_out=token_out, shares=shares, amount_out=amount_out)
    self._give_back(assets, operations)
    return amount_out


# -------------------------------------------------------------------- owner


@external
def set_aggregator(target: address, selector: bytes4, spender: address):
    """
    @notice Let operations call a function of an aggregator, or no more; for the owner
    @param target The aggregator: a contract that is no token, not Permit2 and not this one
    @param selector The function: none of a token
    @param spender Who takes the tokens that are sold, often the target itself; empty to forbid the function
    """
    ownable._check_owner()
    aggregator._pin(target, selector, spender)


# -------------------------------------------------------------------- views


@external
@view
def wrapped_ether() -> address:
    """
    @return What ether becomes here
    """
    return WETH


# ----------------------------------------------------------------- internal


@internal
def _run(vault: address, operations: DynArray[IRouteExecutor.Operation, MAX_OPERATIONS], token: address):
    """
    @notice The caller's swaps, with the aggregators' calls of this transaction
    @param token What the caller gives or wants
    """
    # Without a call no operation reaches an aggregator.
    if len(aggregator._calls) != 0:
        routes._check_targets(vault, operations, token)
    for operation: IRouteExecutor.Operation in operations:
        routes._swap(operation)


@internal
def _mint(vault: address, assets: DynArray[address, MAX_ASSETS], min_shares: uint256, deadline: uint256) -> uint256:
    """
    @notice Make as many shares for the caller as what is here affords
    @dev The vault takes ceil(held * made / supply) of each asset, of which `balance` pays for floor(balance * supply / held). Of what is
         made, the fee is a part, rounded up.
    @return Shares, 18 decimals, rounded down
    """
    supply: uint256 = staticcall IIndexVault(vault).supply()
    assert supply != 0, "zap: vault without shares"
    held: uint256[MAX_ASSETS] = (staticcall IIndexVault(vault).holdings())[2]

    made: uint256 = 2**128  # more than there can be
    for i: uint256 in range(len(assets), bound=MAX_ASSETS):
        # Nothing is asked of an asset that the vault does not hold.
        if held[i] != 0:
            balance: uint256 = staticcall IERC20(assets[i]).balanceOf(self)
            made = min(made, wad._mul_div_down(balance, supply, held[i]))
    paid: uint256 = wad.ONE - (staticcall IIndexVault(vault).fees()).mint
    shares: uint256 = wad._mul_div_down(made, paid, wad.ONE)
    assert shares >= min_shares, "zap: too few shares"
    made = wad._mul_div_up(shares, wad.ONE, paid)

    amounts: DynArray[uint256, MAX_ASSETS] = []
    for i: uint256 in range(len(assets), bound=MAX_ASSETS):
        amount: uint256 = wad._mul_div_up(held[i], made, supply)
        amounts.append(amount)
        if amount != 0:
            approval._grant(assets[i], vault, amount)
    extcall IIndexVault(vault).mint(shares, msg.sender, amounts, deadline)
    for token: address in assets:
        approval._take_back(token, vault)
    return shares


@internal
def _redeem(vault: address, shares: uint256, assets: DynArray[address, MAX_ASSETS], deadline: uint256):
    """
    @notice Take the basket apart, whole
    """
    least: DynArray[uint256, MAX_ASSETS] = []
    for token: address in assets:
        least.append(0)
    extcall IIndexVault(vault).redeem(shares, self, least, deadline)
    for token: address in assets:
        assert staticcall Claims(vault).claims(self, token) == 0, "zap: a token does not move"


@internal
def _give(token: address) -> uint256:
    """
    @notice Send the caller all that is here of a token, or of ether
    @param token The empty address is ether, which is unwrapped
    @return Base units that reached the caller, or wei
    """
    if token != empty(address):
        before: uint256 = staticcall IERC20(token).balanceOf(msg.sender)
        self._send_all(token)
        return staticcall IERC20(token).balanceOf(msg.sender) - before
    amount: uint256 = staticcall IERC20(WETH).balanceOf(self)
    # A caller that cannot take ether need not be able to where none is left.
    if amount != 0:
        extcall WrappedEther(WETH).withdraw(amount)
        raw_call(msg.sender, b"", value=amount)
    return amount


@internal
def _give_back(assets: DynArray[address, MAX_ASSETS], operations: DynArray[IRouteExecutor.Operation, MAX_OPERATIONS]):
    """
    @notice Send the caller whatever is left of what was in play
    """
    sent: DynArray[address, MAX_TOKENS] = assets
    for token: address in assets:
        self._send_all(token)
    for operation: IRouteExecutor.Operation in operations:
        for token: address in [operation.token_in, operation.token_out]:
            if token not in sent:
                sent.append(token)
                self._send_all(token)


@internal
def _send_all(token: address):
    """
    @notice Send the caller all that is here of a token
    @dev What the token says is not looked at: the balance tells. What stayed would be the next caller's.
    """
    balance: uint256 = staticcall IERC20(token).balanceOf(self)
    if balance != 0:
        extcall IERC20(token).transfer(msg.sender, balance, default_return_value=True)
        assert staticcall IERC20(token).balanceOf(self) <= MAX_DUST, "zap: a token does not move"
