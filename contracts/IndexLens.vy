# pragma version 0.4.3
# pragma nonreentrancy off
"""
@title Index lens
@license GNU Affero General Public License v3.0 only
@notice Reads a vault for a keeper or a page, in one call. It also answers while the oracle, a feed or a token is dead: what is missing is
        zero, and said to be. Inside of a rebalance it reverts, because the vault does.

        How it is stopped: it is not. It has no state, no owner and nobody's trust: contracts should ask the vault itself.
@dev What the vault says is passed on; what the vault cannot say without an oracle is asked raw, so that one bad answer spoils nothing else.
"""
from contracts.interfaces import IIndexLens
from contracts.interfaces import IIndexVault
from contracts.interfaces import IPriceOracle
from contracts.interfaces import IRebalancer

implements: IIndexLens


# What a vault answers beyond IIndexVault.
interface Vault:
    def guardian() -> address: view
    def paused() -> bool: view
    def is_shut_down() -> bool: view
    def supply_cap() -> uint256: view
    def balanceOf(account: address) -> uint256: view


MAX_ASSETS: constant(uint256) = 20
MAX_SYMBOL: constant(uint256) = 32  # bytes
UNKNOWN_DECIMALS: constant(uint8) = 255

# What a question may burn, so that a contract which burns all it gets spoils no other answer.
ASK_GAS: constant(uint256) = 300_000
VALUE_GAS: constant(uint256) = 5_000_000  # values 20 assets


@external
@view
def vault(vault: address) -> IIndexLens.VaultView:
    """
    @notice All of a vault's state
    @param vault An IIndexVault
    @return See IIndexLens.VaultView
    """
    host: Vault = Vault(vault)
    index: IIndexVault = IIndexVault(vault)
    found: IIndexLens.VaultView = empty(IIndexLens.VaultView)
    found.rebalancer = staticcall index.rebalancer()
    rules: IRebalancer = IRebalancer(found.rebalancer)
    found.symbol = self._symbol(vault)
    found.owner = staticcall index.owner()
    found.guardian = staticcall host.guardian()
    found.strategist = staticcall rules.strategist()
    found.oracle = staticcall rules.oracle()
    found.paused = staticcall host.paused()
    found.is_shut_down = staticcall host.is_shut_down()
    found.supply = staticcall index.supply()
    found.supply_cap = staticcall host.supply_cap()
    found.fees = staticcall index.fees()
    found.price_bound = staticcall rules.price_bound()
    found.is_open = staticcall rules.is_open()
    found.opened_at = staticcall rules.opened_at()
    found.closed_at = staticcall rules.closed_at()
    found.completed_at = staticcall rules.completed_at()
    found.loss = staticcall rules.loss()
    found.head_start = staticcall rules.head_start()
    found.final_targets, found.change_start, found.change_end = staticcall rules.schedule()
    set_at: uint256 = 0
    found.rails, set_at = staticcall rules.rails()
    found.terms = staticcall rules.terms()

    weights: DynArray[uint256, MAX_ASSETS] = []
    found.priced, found.nav = self._ask(found.rebalancer, method_id("nav()"), VALUE_GAS)
    if found.priced:
        found.nav_per_share = staticcall rules.nav_per_share()
        found.drift = staticcall rules.drift()
        found.trigger = staticcall rules.trigger()
        weights = staticcall rules.weights()

    targets: DynArray[uint256, MAX_ASSETS] = staticcall rules.targets()
    bands: DynArray[uint256, MAX_ASSETS] = staticcall rules.bands()
    i: uint256 = 0
    for asset: address in staticcall index.assets():
        price: uint256 = 0
        fault: uint256 = 0
        price, fault = self._price(found.oracle, asset)
        found.assets.append(
            IIndexLens.AssetView(
                asset=asset,
                symbol=self._symbol(asset),
                decimals=self._decimals(asset),
                balance=self._balance(asset, vault),
                price=price,
                fault=fault,
                weight=weights[i] if found.priced else 0,
                target=targets[i],
                band=bands[i],
            )
        )
        i += 1
    return found


@external
@view
def users(vault: address, account: address) -> IIndexLens.UserView:
    """
    @notice What an account has in a vault, and what it could bring
    @param vault An IIndexVault
    @param account Whose
    @return See IIndexLens.UserView
    """
    found: IIndexLens.UserView = empty(IIndexLens.UserView)
    found.shares = staticcall Vault(vault).balanceOf(account)
    if found.shares != 0:
        found.amounts = staticcall IIndexVault(vault).preview_redeem(found.shares)
    for asset: address in staticcall IIndexVault(vault).assets():
        answered: bool = False
        allowance: uint256 = 0
        answered, allowance = self._ask(
            asset, abi_encode(account, vault, method_id=method_id("allowance(address,address)"))
        )
        found.balances.append(self._balance(asset, account))
        found.allowances.append(allowance)
        if found.shares == 0:
            found.amounts.append(0)
    return found


@internal
@view
def _ask(target: address, data: Bytes[68], limit: uint256 = ASK_GAS) -> (bool, uint256):
    """
    @notice A view that answers a number, of a contract that may be dead
    @param limit Gas
    @return Whether it answered, and the number; 0 when it did not
    """
    success: bool = False
    response: Bytes[32] = b""
    success, response = raw_call(target, data, max_outsize=32, gas=limit, is_static_call=True, revert_on_failure=False)
    # An account without code answers every call with success and nothing, which the length gives away.
    if not success or len(response) != 32:
        return False, 0
    return True, convert(response, uint256)


@internal
@view
def _price(oracle: address, asset: address) -> (uint256, uint256):
    """
    @return WAD USD per whole token and no fault, or zero and the fault; an oracle that is dead itself counts as a call that failed
    """
    answered: bool = False
    fault: uint256 = 0
    price: uint256 = 0
    answered, fault = self._ask(oracle, abi_encode(asset, method_id=method_id("fault(address)")))
    if fault != 0:
        return 0, fault
    if answered:
        answered, price = self._ask(oracle, abi_encode(asset, method_id=method_id("price(address)")))
    if not answered:
        return 0, convert(IPriceOracle.Fault.CALL_FAILED, uint256)
    return price, 0


@internal
@view
def _balance(asset: address, account: address) -> uint256:
    answered: bool = False
    balance: uint256 = 0
    answered, balance = self._ask(asset, abi_encode(account, method_id=method_id("balanceOf(address)")))
    return balance


@internal
@view
def _decimals(asset: address) -> uint8:
    answered: bool = False
    decimals: uint256 = 0
    answered, decimals = self._ask(asset, method_id("decimals()"))
    if not answered or decimals > convert(max_value(uint8), uint256):
        return UNKNOWN_DECIMALS
    return convert(decimals, uint8)


@internal
@view
def _symbol(token: address) -> String[MAX_SYMBOL]:
    """
    @notice The symbol of a token, whether it answers a string or, as MKR, 32 bytes
    @dev Anything but printable ASCII becomes "?": bytes that are no text would break whoever decodes this, and look-alikes deceive.
    """
    success: bool = False
    response: Bytes[96] = b""
    success, response = raw_call(
        token, method_id("symbol()"), max_outsize=96, gas=ASK_GAS, is_static_call=True, revert_on_failure=False
    )
    raw: uint256 = 0
    length: uint256 = 0
    if success and len(response) == 32:
        raw = convert(slice(response, 0, 32), uint256)
        for i: uint256 in range(MAX_SYMBOL):
            if (raw >> (248 - 8 * i)) & 255 == 0:
                break
            length += 1
    elif success and len(response) == 96:
        raw = convert(slice(response, 64, 32), uint256)
        length = min(convert(slice(response, 32, 32), uint256), MAX_SYMBOL)

    text: uint256 = 0
    for i: uint256 in range(length, bound=MAX_SYMBOL):
        code: uint256 = (raw >> (248 - 8 * i)) & 255
        if code < 32 or code > 126:
            code = 63  # "?"
        text |= code << (248 - 8 * i)
    return convert(slice(convert(text, bytes32), 0, length), String[MAX_SYMBOL])
