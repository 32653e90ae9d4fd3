"""EIP-1559 fees."""

import pytest

from keeper.chain.rpc import Client
from keeper.execution.fees import GasTooExpensive, choose, current
from keeper.settings import FeeSettings

GWEI = 10**9
SETTINGS = FeeSettings(gas_price_max_gwei=100, tip_min_gwei=0.5, tip_max_gwei=3)


def test_choose__is_twice_the_base_fee_and_the_median_tip():
    fees = choose(10 * GWEI, [1 * GWEI, 9 * GWEI, 2 * GWEI], SETTINGS)
    assert (fees.tip, fees.max_fee) == (2 * GWEI, 22 * GWEI)


@pytest.mark.parametrize(("tips", "tip"), [([], 5 * 10**8), ([1], 5 * 10**8), ([50 * GWEI], 3 * GWEI)])
def test_choose__clamps_the_tip(tips, tip):
    assert choose(GWEI, tips, SETTINGS).tip == tip


def test_choose__when_twice_the_base_fee_is_over_the_cap__pays_the_cap_at_most():
    assert choose(60 * GWEI, [GWEI], SETTINGS).max_fee == 100 * GWEI


def test_choose__when_gas_costs_more_than_the_cap__refuses_and_names_the_setting():
    assert choose(99 * GWEI, [GWEI], SETTINGS).max_fee == 100 * GWEI
    with pytest.raises(GasTooExpensive, match=r"^gas costs 100\.00 gwei, more than gas_price_max_gwei \(100\)"):
        choose(99 * GWEI + 1, [GWEI], SETTINGS)


def test_choose__max_fee_outlives_five_full_blocks():
    fees = choose(10 * GWEI, [GWEI], SETTINGS)
    assert fees.max_fee >= 10 * GWEI * 1.125**5 + fees.tip


def test_current__takes_the_base_fee_of_the_block_to_come(fake):
    fake.base_fee, fake.tips = 7 * GWEI, (GWEI, 2 * GWEI, 3 * GWEI)
    fees = current(Client(fake.url), SETTINGS)
    assert (fees.base_fee, fees.tip) == (7 * GWEI, 2 * GWEI)
    method, params = fake.requests[-1]
    assert (method, params) == ("eth_feeHistory", ["0xa", "latest", [25]])


def test_expected__lets_the_base_fee_rise_by_an_eighth_within_the_cap():
    assert choose(8 * GWEI, [GWEI], SETTINGS).expected == 10 * GWEI
    assert choose(98 * GWEI, [GWEI], SETTINGS).expected == 100 * GWEI
