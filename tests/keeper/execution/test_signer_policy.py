"""What may be signed: each rule on both sides of its bound, each with its own reason."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from keeper.chain import abi
from keeper.execution.plan import opening
from keeper.execution.signer import policy as policies
from keeper.execution.signer.policy import (
    DAY_S,
    DayAboveCap,
    FeeAboveCap,
    Malformed,
    Refused,
    SelectorNotAllowed,
    SignerPolicy,
    Spending,
    TargetNotAllowed,
    ValueSent,
    WrongChain,
    WrongType,
    keeper_calls,
    strategist_calls,
)

VAULT, OTHER_VAULT, EXECUTOR, STRANGER = ("0x" + digit * 40 for digit in "1234")
OPEN = "0x" + abi.Vault.open_rebalance.selector.hex()
REBALANCE = "0x" + abi.Executor.rebalance.selector.hex()
FORMS = {
    "0x" + form.selector.hex()
    for form in (abi.Executor.rebalance, abi.Executor.rebalance_with_calls, abi.Executor.rebalance_with_loan)
}
GAS, PRICE = 100_000, 10**10
FEE = GAS * PRICE
POLICY = SignerPolicy(1, keeper_calls([VAULT], EXECUTOR), fee_max_wei=FEE, day_max_wei=3 * FEE)
NOON = 20_000 * DAY_S + DAY_S // 2
CALL = {
    "type": 2,
    "chainId": 1,
    "nonce": 0,
    "to": VAULT,
    "value": 0,
    "data": OPEN,
    "gas": GAS,
    "maxFeePerGas": PRICE,
    "maxPriorityFeePerGas": 1,
}


def check(spent=(), now=NOON, policy=POLICY, **changes) -> None:
    policy.check(CALL | changes, spent, now)


def refused(kind, **changes) -> str:
    with pytest.raises(Refused) as caught:
        check(**changes)
    assert type(caught.value) is kind
    line = str(caught.value)
    assert "\n" not in line
    return line


def test_check__lets_the_keepers_own_calls_pass():
    check()
    check(to=EXECUTOR, data=REBALANCE + "00" * 320)
    check(data="0x" + opening(VAULT).data.hex())


def test_check__when_the_chain_is_another__refuses():
    assert refused(WrongChain, chainId=5) == "a transaction for chain 5 is not signed: chain_id is 1"
    check(chainId=5, policy=SignerPolicy(5, POLICY.allowed, FEE, FEE))


@pytest.mark.parametrize("kind", [0, 1, 3, 4])
def test_check__when_the_type_is_another__refuses(kind):
    assert "only type 2" in refused(WrongType, type=kind)


def test_check__when_a_wei_goes_along__refuses():
    assert "sends no ether" in refused(ValueSent, value=1)


def test_check__when_the_target_is_a_stranger__refuses():
    assert STRANGER in refused(TargetNotAllowed, to=STRANGER)
    refused(TargetNotAllowed, to=OTHER_VAULT)
    check(to=OTHER_VAULT, policy=SignerPolicy(1, keeper_calls([VAULT, OTHER_VAULT], EXECUTOR), FEE, FEE))


def test_check__when_a_contract_is_created__refuses():
    creation = {name: value for name, value in CALL.items() if name != "to"}
    with pytest.raises(TargetNotAllowed, match="a new contract"):
        POLICY.check(creation, (), NOON)


@pytest.mark.parametrize(
    ("to", "data"),
    [
        (VAULT, REBALANCE),
        (EXECUTOR, OPEN),
        (VAULT, "0x" + abi.Token.transfer.selector.hex()),
        (VAULT, "0x"),
        (VAULT, OPEN[:-2]),
        (VAULT, "0x" + "00" * 4 + OPEN[2:]),
    ],
)
def test_check__when_the_function_is_another__refuses(to, data):
    assert to in refused(SelectorNotAllowed, to=to, data=data)


def test_check__an_address_is_the_same_in_any_case():
    vault = "0xabcdefabcdefabcdefabcdefabcdefabcdefabcd"
    policy = SignerPolicy(1, keeper_calls([vault], EXECUTOR), FEE, FEE)
    check(to=vault, policy=policy)
    check(to="0x" + vault[2:].upper(), policy=policy)


@pytest.mark.parametrize(("gas", "price"), [(GAS, PRICE + 1), (GAS + 1, PRICE), (FEE + 1, 1), (1, FEE + 1)])
def test_check__when_it_may_cost_a_wei_more_than_the_cap__refuses(gas, price):
    assert f"may cost {gas * price} wei" in refused(FeeAboveCap, gas=gas, maxFeePerGas=price)
    check(gas=FEE, maxFeePerGas=1)


def test_check__when_the_day_may_cost_a_wei_more_than_its_cap__refuses():
    check(spent=[Spending(NOON, FEE), Spending(NOON - 1, FEE)])
    line = refused(DayAboveCap, spent=[Spending(NOON, FEE), Spending(NOON - 1, FEE + 1)])
    assert line.startswith(
        f"{FEE} wei on top of today's {2 * FEE + 1} are not signed: the cap of a UTC day is {3 * FEE}"
    )


def test_check__a_day_is_from_midnight_to_midnight_utc():
    midnight = NOON // DAY_S * DAY_S
    full = [Spending(midnight, 3 * FEE)]
    for now in (midnight, midnight + DAY_S - 1):
        refused(DayAboveCap, spent=full, now=now)
    check(spent=full, now=midnight + DAY_S)
    check(spent=[Spending(midnight - 1, 3 * FEE)], now=midnight)


def test_check__when_the_clock_was_set_back__counts_what_lies_ahead():
    refused(DayAboveCap, spent=[Spending(NOON + 2 * DAY_S, 3 * FEE)])


def test_spending__when_negative__is_an_error():
    with pytest.raises(ValueError, match="would raise the cap"):
        Spending(NOON, -1)


@pytest.mark.parametrize("value", [None, -1, 2**256, pytest.param(10**5000, id="huge"), "0x1", 1.0, True, "1"])
@pytest.mark.parametrize("name", ["type", "chainId", "nonce", "value", "gas", "maxFeePerGas", "maxPriorityFeePerGas"])
def test_check__when_a_number_is_none__refuses_and_names_it(name, value):
    assert f"field {name} " in refused(Malformed, **{name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("to", None),
        ("to", ""),
        ("to", "0x"),
        ("to", "0x" + "1" * 39),
        ("to", "0x" + "1" * 41),
        ("to", VAULT[2:]),
        ("to", VAULT + "\n"),
        ("to", b"\x11" * 20),
        ("data", None),
        ("data", ""),
        ("data", "0x1"),
        ("data", "0xzz"),
        ("data", OPEN + "\n"),
        ("data", b"\x00"),
        ("accessList", []),
        ("gasPrice", 1),
        ("maxFeePerBlobGas", 1),
        ("input", OPEN),
    ],
)
def test_check__when_a_field_is_not_what_the_rules_look_at__refuses_and_names_it(name, value):
    assert f"field {name} " in refused(Malformed, **{name: value})


@pytest.mark.parametrize("name", sorted(set(CALL) - {"to"}))
def test_check__when_a_field_is_missing__refuses_and_names_it(name):
    with pytest.raises(Malformed, match=f"field {name} "):
        POLICY.check({key: value for key, value in CALL.items() if key != name}, (), NOON)


@given(
    st.dictionaries(st.sampled_from([*CALL, "accessList"]), st.none() | st.integers() | st.text() | st.just(STRANGER)),
    st.lists(st.builds(Spending, st.integers(), st.integers(0))),
    st.integers(0, 2**40),
)
@hypothesis_settings(deadline=None)
def test_check__whatever_is_asked__passes_only_within_every_rule(changes, spent, now):
    transaction = CALL | changes
    try:
        POLICY.check(transaction, spent, now)
    except Refused as error:
        assert str(error).isprintable()
        return
    assert (transaction["type"], transaction["chainId"], transaction["value"]) == (2, 1, 0)
    assert (transaction["to"], transaction["data"][:10]) in {(VAULT, OPEN), *((EXECUTOR, form) for form in FORMS)}
    today = sum(each.wei for each in spent if each.at // DAY_S == now // DAY_S)
    assert policies.cost_max(transaction) <= FEE
    assert today + policies.cost_max(transaction) <= 3 * FEE


def test_keeper_calls__without_an_executor__are_openings_alone() -> None:
    assert keeper_calls([VAULT], None) == {(VAULT, abi.Vault.open_rebalance.selector)}


CANCELLATION = {"to": STRANGER, "data": "0x"}


def test_check__a_cancellation__is_nothing_from_the_account_to_itself():
    own = replace(POLICY, account=STRANGER)
    check(policy=own, **CANCELLATION)
    refused(TargetNotAllowed, policy=POLICY, **CANCELLATION)
    refused(TargetNotAllowed, policy=own, **(CANCELLATION | {"data": "0x00"}))
    refused(TargetNotAllowed, policy=own, **(CANCELLATION | {"to": OTHER_VAULT}))
    refused(SelectorNotAllowed, policy=own, **(CANCELLATION | {"to": VAULT}))
    refused(ValueSent, policy=own, **(CANCELLATION | {"value": 1}))
    refused(FeeAboveCap, policy=own, **(CANCELLATION | {"gas": GAS + 1}))
    refused(WrongChain, policy=own, **(CANCELLATION | {"chainId": 2}))


def test_check__the_fee_for_data_counts_towards_both_caps():
    POLICY.check(CALL | {"gas": GAS - 1}, [], NOON, data_fee=PRICE)
    with pytest.raises(FeeAboveCap):
        POLICY.check(CALL | {"gas": GAS - 1}, [], NOON, data_fee=PRICE + 1)
    POLICY.check(CALL | {"gas": GAS - 1}, [Spending(NOON, 2 * FEE)], NOON, data_fee=PRICE)
    with pytest.raises(DayAboveCap):
        POLICY.check(CALL | {"gas": GAS - 1}, [Spending(NOON, 2 * FEE + 1)], NOON, data_fee=PRICE)


def test_keeper_calls__of_an_executor__are_its_rebalances_in_each_form_and_nothing_of_its_owners() -> None:
    assert keeper_calls([], EXECUTOR) == {(EXECUTOR, bytes.fromhex(form[2:])) for form in FORMS}
    assert abi.Executor.set_aggregator.selector not in {selector for _, selector in keeper_calls([VAULT], EXECUTOR)}


def test_keeper_calls__with_a_batch_executor__has_its_one_function() -> None:
    allowed = keeper_calls([VAULT, OTHER_VAULT], EXECUTOR, STRANGER)
    assert allowed - keeper_calls([VAULT, OTHER_VAULT], EXECUTOR) == {
        (STRANGER, abi.BatchExecutor.rebalance_many.selector)
    }


def test_keeper_calls__never_let_bands_be_set():
    """A keeper's key that is stolen, or a keeper gone mad, must not be able to widen the bands of its vaults."""
    set_bands = abi.Rebalancer.set_bands.selector
    allowed = keeper_calls([VAULT, OTHER_VAULT], EXECUTOR, STRANGER)
    assert set_bands not in {selector for _, selector in allowed}
    refused(SelectorNotAllowed, data="0x" + set_bands.hex())


def test_strategist_calls__let_bands_be_set_and_nothing_else():
    rebalancer, other = OTHER_VAULT, STRANGER
    policy = SignerPolicy(1, strategist_calls([rebalancer]), FEE, 3 * FEE)
    data = "0x" + abi.Rebalancer.set_bands.encode([10**16]).hex()
    check(to=rebalancer, data=data, policy=policy)
    refused(TargetNotAllowed, to=other, data=data, policy=policy)
    refused(TargetNotAllowed, policy=policy)
    refused(SelectorNotAllowed, to=rebalancer, data="0x" + abi.Token.transfer.selector.hex(), policy=policy)
