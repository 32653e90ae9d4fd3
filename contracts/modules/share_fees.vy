# pragma version 0.4.3
# pragma nonreentrancy off
"""
@title Fees in shares: over time, on minting and on redeeming
@license GNU Affero General Public License v3.0 only
@notice The streaming fee makes new shares for the recipient: the supply grows by (1 + r)^dt for dt seconds, where r is the yearly fee over the seconds
        of a year, so a holder is diluted by no more than the fee a year. The fraction of a base unit that is left is carried over, so any
        split of a span of time makes the same shares but for the rounding of the power, 1e-27 of the supply a second at most and in the
        holders' favour. No fee touches the basket, so none can stop a redemption.
@dev Mechanism only; the host makes the shares, keeps the word of terms and decides who may change fees. A word of terms is bits 0-23 streaming,
     24-47 mint, 48-71 redeem, in millionths; 72-111 when it accrued last; 112-175 the fraction of a base unit, WAD.
"""
from contracts.modules import reasons
from contracts.modules import wad
from contracts.interfaces import IIndexVault

RAY: constant(uint256) = 10**27
YEAR: constant(uint256) = 31_557_600  # s, 365.25 days
UNIT: constant(uint256) = 10**12  # WAD per stored unit
MAX_STREAMING: constant(uint256) = 5 * 10**16  # WAD a year, 5 %
MAX_ONCE: constant(uint256) = 2 * 10**16  # WAD, 2 %: on minting, and on redeeming
# Beyond it the power could overflow, and a redemption must never.
MAX_ELAPSED: constant(uint256) = 20 * YEAR

RATE: constant(uint256) = 2**24 - 1
FRACTION: constant(uint256) = 2**64 - 1

_recipient: address


@internal
def _set(terms: uint256, fees: IIndexVault.Fees) -> uint256:
    """
    @notice Change the fees; whatever is due has to be accrued before
    @return The new word of terms
    """
    reasons._require(
        fees.streaming <= MAX_STREAMING and fees.mint <= MAX_ONCE and fees.redeem <= MAX_ONCE, "fees: too high"
    )
    reasons._require(
        fees.streaming % UNIT == 0 and fees.mint % UNIT == 0 and fees.redeem % UNIT == 0, "fees: not in millionths"
    )
    reasons._require(
        (fees.streaming | fees.mint | fees.redeem) == 0
        or (fees.recipient != empty(address) and fees.recipient != self),
        "fees: bad recipient",
    )
    self._recipient = fees.recipient
    return (
        (fees.streaming // UNIT)
        | ((fees.mint // UNIT) << 24)
        | ((fees.redeem // UNIT) << 48)
        | (block.timestamp << 72)
        | (terms >> 112 << 112)
    )


@internal
@view
def _current(terms: uint256) -> IIndexVault.Fees:
    return IIndexVault.Fees(
        recipient=self._recipient,
        streaming=(terms & RATE) * UNIT,
        mint=((terms >> 24) & RATE) * UNIT,
        redeem=((terms >> 48) & RATE) * UNIT,
    )


@internal
@view
def _due_down(terms: uint256, supply: uint256) -> (uint256, uint256):
    """
    @notice What the streaming fee has made since it accrued last; within the same second that is nothing
    @param supply Base units of shares
    @return Base units of shares, rounded down, and the fraction that is left, WAD
    """
    fraction: uint256 = (terms >> 112) & FRACTION
    rate: uint256 = terms & RATE
    if rate == 0:
        return 0, fraction
    elapsed: uint256 = min(block.timestamp - ((terms >> 72) & (2**40 - 1)), MAX_ELAPSED)
    grown: uint256 = wad._mul_div_down(
        supply * wad.ONE + fraction, self._power_down(RAY + rate * (RAY // 10**6) // YEAR, elapsed), RAY
    )
    return grown // wad.ONE - supply, grown % wad.ONE


@internal
@view
def _accrued(terms: uint256, supply: uint256) -> (uint256, uint256):
    """
    @return Base units of shares that are due, see `_due_down`, and the word of terms once they are made
    """
    due: uint256 = 0
    fraction: uint256 = 0
    due, fraction = self._due_down(terms, supply)
    return due, (terms & (2**72 - 1)) | (block.timestamp << 72) | (fraction << 112)


@internal
@pure
def _on_mint_up(terms: uint256, shares: uint256) -> uint256:
    """
    @return Base units of shares made for the recipient on top: the fee is a share of all that are made, rounded up
    """
    fee: uint256 = (terms >> 24) & RATE
    if fee == 0:
        return 0
    return wad._mul_div_up(shares, 10**6, 10**6 - fee) - shares


@internal
@pure
def _on_redeem_up(terms: uint256, shares: uint256) -> uint256:
    """
    @return Base units of shares that go to the recipient instead of being burnt, rounded up
    """
    fee: uint256 = (terms >> 48) & RATE
    if fee == 0:
        return 0
    return wad._mul_div_up(shares, fee, 10**6)


@internal
@pure
def _power_down(base: uint256, exponent: uint256) -> uint256:
    """
    @notice base ** exponent by squaring, each step rounded down
    @param base RAY
    @param exponent Under 2**30
    @return RAY
    """
    result: uint256 = RAY
    square: uint256 = base
    rest: uint256 = exponent
    for _: uint256 in range(30):
        if rest == 0:
            break
        if rest & 1 != 0:
            result = wad._mul_div_down(result, square, RAY)
        square = wad._mul_div_down(square, square, RAY)
        rest >>= 1
    return result
