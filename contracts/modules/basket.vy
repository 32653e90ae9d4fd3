# pragma version 0.4.3
# pragma nonreentrancy off
"""
@title The basket: which assets, how much of each, and how they move
@license GNU Affero General Public License v3.0 only
@notice A redemption is never stopped by an asset that cannot be paid: what a transfer refused to move becomes a claim of the redeemer, is no
        longer part of the basket, and can be claimed when the token moves again, also when the asset has left the basket.
@dev Holds no authority, no prices and no targets. A word per asset, see modules/asset.vy.
"""
from ethereum.ercs import IERC20
from ethereum.ercs import IERC20Detailed

from contracts.modules import asset
from contracts.modules import reasons
from contracts.modules import wad
from contracts.interfaces import IIndexVault

MAX_ASSETS: constant(uint256) = 20
MAX_DECIMALS: constant(uint8) = 27
MAX_DUST: constant(uint256) = 2  # base units by which a transfer may fall short
MIN_SEED: constant(uint256) = 10**4  # base units of each asset at the first mint
# What a token may burn in a redemption, so that hostile ones cannot stop it by eating all gas: twenty of them fit into the 2^24 that a
# transaction may have (EIP-7825).
TRANSFER_GAS: constant(uint256) = 600_000
BALANCE_GAS: constant(uint256) = 150_000
MAX_BALANCE: constant(uint256) = 2**128  # base units; more, times shares, could overflow and stop a redemption


event ClaimMade:
    owner: indexed(address)
    asset: indexed(address)
    amount: uint256


event Claimed:
    owner: indexed(address)
    asset: indexed(address)
    receiver: indexed(address)
    amount: uint256


# Base units that an account could not be paid, by account and asset.
claims: public(HashMap[address, HashMap[address, uint256]])
_claimed: HashMap[address, uint256]  # base units of all claims on an asset
_assets: uint256[MAX_ASSETS]  # packed, see modules/asset.vy; `_count` of them count
# bits 0-7 how many assets there are, 8-255 the host's: what a mint and a redemption read anyway
_header: uint256
_units: DynArray[uint256, MAX_ASSETS]  # base units a whole share holds at the first mint; never read again


@deploy
def __init__(assets: DynArray[IIndexVault.AssetTerms, MAX_ASSETS]):
    """
    @param assets Two or more assets, each once
    """
    reasons._require(len(assets) >= 2, "basket: fewer than two assets")
    for terms: IIndexVault.AssetTerms in assets:
        reasons._require(terms.units != 0, "basket: zero units")
        self._add(terms.asset)
        self._units.append(terms.units)


@internal
def _add(token: address) -> uint256:
    """
    @notice Append an asset to the basket
    @return Its place
    """
    reasons._require(token.is_contract and token != self, "basket: bad asset")
    count: uint256 = self._count()
    reasons._require(count < MAX_ASSETS, "basket: too many assets")
    for i: uint256 in range(count, bound=MAX_ASSETS):
        reasons._require(asset._address(self._assets[i]) != token, "basket: duplicate asset")
    decimals: uint8 = staticcall IERC20Detailed(token).decimals()
    reasons._require(decimals <= MAX_DECIMALS, "basket: too many decimals")
    self._assets[count] = asset._pack(token, decimals, self._claimed[token] != 0)
    self._header += 1
    return count


@internal
def _remove(index: uint256):
    """
    @notice Take an asset out of the basket; the last takes its place
    """
    last: uint256 = self._count() - 1
    reasons._require(last >= 2, "basket: fewer than two assets")
    self._assets[index] = self._assets[last]
    self._assets[last] = 0
    self._header -= 1


@internal
@view
def _count() -> uint256:
    return self._header & 255


@internal
@view
def _index(token: address) -> uint256:
    """
    @notice The place of an asset in the basket
    """
    for i: uint256 in range(self._count(), bound=MAX_ASSETS):
        if asset._address(self._assets[i]) == token:
            return i
    raise "basket: not an asset"


@internal
@view
def _addresses() -> DynArray[address, MAX_ASSETS]:
    found: DynArray[address, MAX_ASSETS] = []
    for i: uint256 in range(self._count(), bound=MAX_ASSETS):
        found.append(asset._address(self._assets[i]))
    return found


@internal
@view
def _words() -> (uint256, uint256[MAX_ASSETS]):
    """
    @return How many assets there are, and the word of each
    """
    words: uint256[MAX_ASSETS] = empty(uint256[MAX_ASSETS])
    count: uint256 = self._count()
    for i: uint256 in range(count, bound=MAX_ASSETS):
        words[i] = self._assets[i]
    return count, words


@internal
@view
def _balances(count: uint256, words: uint256[MAX_ASSETS]) -> uint256[MAX_ASSETS]:
    """
    @return Base units that belong to the basket
    """
    held: uint256[MAX_ASSETS] = empty(uint256[MAX_ASSETS])
    for i: uint256 in range(count, bound=MAX_ASSETS):
        held[i] = self._held(words[i])
    return held


@internal
@view
def _balances_or_zero(count: uint256, words: uint256[MAX_ASSETS]) -> uint256[MAX_ASSETS]:
    """
    @notice As `_balances`, with zero for a token that does not answer
    """
    question: Bytes[36] = self._question()
    held: uint256[MAX_ASSETS] = empty(uint256[MAX_ASSETS])
    for i: uint256 in range(count, bound=MAX_ASSETS):
        token: address = asset._address(words[i])
        held[i] = self._without_claims(words[i], token, self._balance_or_zero(token, question))
    return held


@internal
@view
def _balance(token: address) -> uint256:
    return staticcall IERC20(token).balanceOf(self)


@internal
@view
def _held(packed: uint256) -> uint256:
    """
    @notice Base units of an asset that belong to the basket: the balance less what belongs to claims
    """
    token: address = asset._address(packed)
    return self._without_claims(packed, token, self._balance(token))


@internal
@view
def _without_claims(packed: uint256, token: address, balance: uint256) -> uint256:
    if packed & asset.CLAIMED == 0:
        return balance
    return balance - min(balance, self._claimed[token])


@internal
@view
def _question() -> Bytes[36]:
    """
    @return balanceOf(self), encoded once for a whole basket
    """
    return abi_encode(self, method_id=method_id("balanceOf(address)"))


@internal
@view
def _balance_or_zero(token: address, question: Bytes[36]) -> uint256:
    """
    @notice As `_balance`, and zero for a token that does not answer or answers what no sum could hold: nothing can be paid of it
    @param question See `_question`
    """
    success: bool = False
    response: Bytes[32] = b""
    success, response = raw_call(
        token,
        question,
        max_outsize=32,
        gas=BALANCE_GAS,
        is_static_call=True,
        revert_on_failure=False,
    )
    if success and len(response) == 32:
        balance: uint256 = convert(response, uint256)
        if balance <= MAX_BALANCE:
            return balance
    return 0


@internal
@view
def _seed_amounts_up(shares: uint256) -> DynArray[uint256, MAX_ASSETS]:
    """
    @notice What the first `shares` (18 decimals) cost in each asset, rounded up
    @dev Every later mint is pro rata of this one, so its rounding must not bend the basket: at MIN_SEED units it is at most 1 bp.
    @return Base units per asset
    """
    amounts: DynArray[uint256, MAX_ASSETS] = []
    for units: uint256 in self._units:
        amount: uint256 = wad._mul_div_up(units, shares, wad.ONE)
        reasons._require(amount >= MIN_SEED, "basket: first mint too small")
        amounts.append(amount)
    return amounts


@internal
@view
def _amounts_up(shares: uint256, supply: uint256) -> DynArray[uint256, MAX_ASSETS]:
    """
    @notice What `shares` of `supply` hold of each asset, rounded up
    @param supply Not zero
    @return Base units per asset
    """
    amounts: DynArray[uint256, MAX_ASSETS] = []
    for i: uint256 in range(self._count(), bound=MAX_ASSETS):
        amounts.append(wad._mul_div_up(self._held(self._assets[i]), shares, supply))
    return amounts


@internal
@view
def _amounts_down(shares: uint256, supply: uint256) -> DynArray[uint256, MAX_ASSETS]:
    """
    @notice What `shares` of `supply` hold of each asset, rounded down; see `_amounts_up`
    """
    question: Bytes[36] = self._question()
    amounts: DynArray[uint256, MAX_ASSETS] = []
    for i: uint256 in range(self._count(), bound=MAX_ASSETS):
        packed: uint256 = self._assets[i]
        token: address = asset._address(packed)
        held: uint256 = self._without_claims(packed, token, self._balance_or_zero(token, question))
        amounts.append(wad._mul_div_down(held, shares, supply))
    return amounts


@internal
def _pull_seed_up(
    owner: address, shares: uint256, max_amounts: DynArray[uint256, MAX_ASSETS]
) -> DynArray[uint256, MAX_ASSETS]:
    """
    @notice Take from `owner` what the first `shares` cost; see `_seed_amounts_up` and `_pull_pro_rata_up`
    """
    amounts: DynArray[uint256, MAX_ASSETS] = self._seed_amounts_up(shares)
    for i: uint256 in range(len(amounts), bound=MAX_ASSETS):
        assert amounts[i] <= max_amounts[i], "vault: amount over maximum"
        self._pull(asset._address(self._assets[i]), owner, amounts[i])
    return amounts


@internal
def _pull_pro_rata_up(
    owner: address, shares: uint256, supply: uint256, max_amounts: DynArray[uint256, MAX_ASSETS]
) -> DynArray[uint256, MAX_ASSETS]:
    """
    @notice Take from `owner` what `shares` of `supply` hold of each asset, rounded up
    @param supply Not zero
    @param max_amounts Base units of each asset that may be taken at most, one for each
    @return Base units taken
    """
    amounts: DynArray[uint256, MAX_ASSETS] = []
    for i: uint256 in range(len(max_amounts), bound=MAX_ASSETS):
        packed: uint256 = self._assets[i]
        token: address = asset._address(packed)
        balance: uint256 = self._balance(token)
        amount: uint256 = wad._mul_div_up(self._without_claims(packed, token, balance), shares, supply)
        assert amount <= max_amounts[i], "vault: amount over maximum"
        self._pull_from(token, owner, amount, balance)
        amounts.append(amount)
    return amounts


@internal
def _push_pro_rata_down(
    receiver: address, shares: uint256, supply: uint256, min_amounts: DynArray[uint256, MAX_ASSETS]
) -> DynArray[uint256, MAX_ASSETS]:
    """
    @notice Pay what `shares` of `supply` hold of each asset, rounded down; what cannot be paid becomes a claim of the caller
    @param supply Not zero
    @param min_amounts Base units of each asset that are due at least, one for each
    @return Base units paid, or claimed
    """
    question: Bytes[36] = self._question()
    amounts: DynArray[uint256, MAX_ASSETS] = []
    for i: uint256 in range(len(min_amounts), bound=MAX_ASSETS):
        packed: uint256 = self._assets[i]
        token: address = convert(packed & convert(max_value(uint160), uint256), address)
        balance: uint256 = self._balance_or_zero(token, question)
        held: uint256 = balance
        if packed & asset.CLAIMED != 0:
            held = self._without_claims(packed, token, balance)
        amount: uint256 = (
            held * shares // supply
        )  # rounds down; spelt out, as the address above: a call costs gas for each asset
        assert amount >= min_amounts[i], "vault: amount under minimum"
        amounts.append(amount)
        if amount == 0:
            continue
        # Whether the call succeeded is not looked at: the balance tells.
        success: bool = raw_call(
            token,
            abi_encode(receiver, amount, method_id=method_id("transfer(address,uint256)")),
            gas=TRANSFER_GAS,
            revert_on_failure=False,
        )
        left: uint256 = self._balance_or_zero(token, question)
        if left + amount != balance:
            self._owe(i, token, amount, balance - min(balance, left))
    return amounts


@internal
def _owe(index: uint256, token: address, amount: uint256, moved: uint256):
    """
    @notice Give the caller a claim on what was due and did not leave, but for dust; see `_check_paid`
    @param index Of the asset
    @param amount Base units that were due
    @param moved Base units that left
    """
    if moved + min(MAX_DUST, amount // 10_000) >= amount:
        return
    owed: uint256 = amount - moved
    self.claims[msg.sender][token] += owed
    self._claimed[token] += owed
    self._assets[index] |= asset.CLAIMED
    log ClaimMade(owner=msg.sender, asset=token, amount=owed)


@internal
@pure
def _check_paid(before: uint256, left: uint256, amount: uint256):
    """
    @notice Never more than the amount may leave. A little less may, at most a basis point of it: rebasing tokens round what they move
    """
    rest: uint256 = left + amount
    if rest != before:
        reasons._require(rest > before and rest <= before + min(MAX_DUST, amount // 10_000), "basket: transfer failed")


@internal
def _claim(token: address, receiver: address) -> uint256:
    """
    @notice Pay the caller's claim on an asset
    @return Base units paid
    """
    amount: uint256 = self.claims[msg.sender][token]
    reasons._require(amount != 0, "basket: nothing to claim")
    self.claims[msg.sender][token] = 0
    self._claimed[token] -= amount
    self._push(token, receiver, amount)
    log Claimed(owner=msg.sender, asset=token, receiver=receiver, amount=amount)
    return amount


@internal
def _pull(token: address, owner: address, amount: uint256):
    """
    @notice Take `amount` from `owner` by allowance and see that it arrived
    @dev The token's return value is not looked at: the balance tells. Nothing is called for zero, which some tokens refuse.
    """
    self._pull_from(token, owner, amount, self._balance(token))


@internal
def _pull_from(token: address, owner: address, amount: uint256, balance: uint256):
    """
    @notice As `_pull`, for who knows the balance
    """
    if amount == 0:
        return
    extcall IERC20(token).transferFrom(owner, self, amount, default_return_value=True)
    assert self._balance(token) >= balance + amount, "basket: too little arrived"


@internal
def _push(token: address, receiver: address, amount: uint256):
    """
    @notice Pay `amount` and see that it left; see `_pull` and `_check_paid`
    """
    if amount == 0:
        return
    balance: uint256 = self._balance(token)
    extcall IERC20(token).transfer(receiver, amount, default_return_value=True)
    self._check_paid(balance, self._balance(token), amount)


@internal
def _pull_all(count: uint256, words: uint256[MAX_ASSETS], amounts: uint256[MAX_ASSETS], owner: address):
    """
    @notice Take an amount of each asset; see `_pull`
    """
    for i: uint256 in range(count, bound=MAX_ASSETS):
        self._pull(asset._address(words[i]), owner, amounts[i])


@internal
def _push_all(count: uint256, words: uint256[MAX_ASSETS], amounts: uint256[MAX_ASSETS], receiver: address):
    """
    @notice Pay an amount of each asset; see `_push`
    """
    for i: uint256 in range(count, bound=MAX_ASSETS):
        self._push(asset._address(words[i]), receiver, amounts[i])


@internal
@pure
def _legs(
    count: uint256, words: uint256[MAX_ASSETS], amounts: uint256[MAX_ASSETS]
) -> DynArray[IIndexVault.Leg, MAX_ASSETS]:
    """
    @return Those amounts that are not zero
    """
    legs: DynArray[IIndexVault.Leg, MAX_ASSETS] = []
    for i: uint256 in range(count, bound=MAX_ASSETS):
        if amounts[i] != 0:
            legs.append(IIndexVault.Leg(asset=asset._address(words[i]), amount=amounts[i]))
    return legs
