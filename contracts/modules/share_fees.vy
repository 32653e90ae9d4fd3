# pragma version 0.4.3
# pragma nonreentrancy off
"""
@title Fees in shares: over time, on minting and on redeeming
@license GNU Affero General Public License v3.0 only
@notice The streaming fee makes new shares for the recipient: the supply grows by (1 + r)^dt for dt seconds, where r is the yearly fee over the seconds
        of a year, so a holder is diluted by no more than the fee a year. The fraction of a base unit that is left is carried over, so any
        split of a span of time makes the same shares. No fee touches the basket, so none can stop a redemption.
@dev Mechanism only; the host makes the shares and decides who may change fees. Everything but the recipient shares one slot.
"""
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
# bits 0-23 streaming, 24-47 mint, 48-71 redeem, in millionths; 72-111 when it accrued last; 112-175 fraction of a base unit, WAD
_terms: uint256


@internal
def _set(fees: IIndexVault.Fees):
    """
    @notice Change the fees; whatever is due has to be accrued before
    """
    assert fees.streaming <= MAX_STREAMING and fees.mint <= MAX_ONCE and fees.redeem <= MAX_ONCE, "fees: too high"
    assert (fees.streaming | fees.mint | fees.redeem) == 0 or (
        fees.recipient != empty(address) and fees.recipient != self
    ), "fees: bad recipient"
    assert (
        fees.streaming % UNIT == 0 and fees.mint % UNIT == 0 and fees.redeem % UNIT == 0
    ), "fees: not in millionths"
    self._recipient = fees.recipient
    self._terms = (
        (fees.streaming // UNIT)
        | ((fees.mint // UNIT) << 24)
        | ((fees.redeem // UNIT) << 48)
        | (block.timestamp << 72)
        | (self._terms >> 112 << 112)
    )


@internal
@view
def _current() -> IIndexVault.Fees:
    packed: uint256 = self._terms
    return IIndexVault.Fees(
        recipient=self._recipient,
        streaming=(packed & RATE) * UNIT,
        mint=((packed >> 24) & RATE) * UNIT,
        redeem=((packed >> 48) & RATE) * UNIT,
    )


@internal
@view
def _due_down(supply: uint256) -> (uint256, uint256):
    """
    @notice What the streaming fee has made since it accrued last
    @param supply Base units of shares
    @return Base units of shares, rounded down, and the fraction that is left, WAD
    """
    packed: uint256 = self._terms
    fraction: uint256 = (packed >> 112) & FRACTION
    elapsed: uint256 = min(block.timestamp - ((packed >> 72) & (2**40 - 1)), MAX_ELAPSED)
    rate: uint256 = packed & RATE
    if rate == 0 or elapsed == 0:
        return 0, fraction
    grown: uint256 = wad._mul_div_down(
        supply * wad.ONE + fraction, self._power_down(RAY + rate * (RAY // 10**6) // YEAR, elapsed), RAY
    )
    return grown // wad.ONE - supply, grown % wad.ONE


@internal
def _accrue(supply: uint256) -> uint256:
    """
    @notice Take note of what is due; the host makes it
    @return Base units of shares, see `_due_down`
    """
    packed: uint256 = self._terms
    if packed & RATE == 0:
        return 0
    due: uint256 = 0
    fraction: uint256 = 0
    due, fraction = self._due_down(supply)
    self._terms = (packed & (2**72 - 1)) | (block.timestamp << 72) | (fraction << 112)
    return due


@internal
@view
def _on_mint_up(shares: uint256) -> uint256:
    """
    @return Base units of shares made for the recipient on top: the fee is a share of all that are made, rounded up
    """
    fee: uint256 = (self._terms >> 24) & RATE
    return wad._mul_div_up(shares, 10**6, 10**6 - fee) - shares


@internal
@view
def _on_redeem_up(shares: uint256) -> uint256:
    """
    @return Base units of shares that go to the recipient instead of being burnt, rounded up
    """
    return wad._mul_div_up(shares, (self._terms >> 48) & RATE, 10**6)


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
