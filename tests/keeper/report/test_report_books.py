"""Books by hand: what a depositor and a vault bought and sold, and the files for tax software."""

from hypothesis import given, settings
from hypothesis import strategies as st
from report_samples import ALICE, BOB, DECIMALS, NOBODY, RECIPIENT, VAULT, A, B, Logs, counted, state_of, told

from keeper.chain import abi
from keeper.report.books import Part, of_holder, of_vault, pairs
from keeper.report.lots import Method

WAD = 10**18
HELD = {A: 100 * WAD, B: 100 * 10**6}
SUPPLY = 100 * WAD
PARTS = st.lists(st.tuples(st.integers(0, 10**24), st.integers(0, 10**24)), min_size=1, max_size=5)


def life() -> Logs:
    """Alice seeds, A rises from 1 to 2, the vault sells A for B, Alice gives Bob shares and redeems at A = 3."""
    logs = Logs().tx(1, "seed").seed({A: 50 * WAD, B: 50 * 10**6}, 100 * WAD)
    logs.tx(2, "fill").fill((A, 10 * WAD), (B, 19 * 10**6), 20 * WAD, 19 * WAD)
    logs.tx(3, "transfer").move(VAULT, ALICE, BOB, 40 * WAD)
    logs.tx(4, "redeem").move(VAULT, ALICE, RECIPIENT, WAD).move(VAULT, ALICE, NOBODY, 49 * WAD)
    logs.move(A, VAULT, ALICE, 20 * WAD).log(VAULT, abi.Vault.claim_made, ALICE, B, 30 * 10**6)
    logs.log(VAULT, abi.Vault.redeemed, ALICE, ALICE, 50 * WAD, WAD)
    return (
        logs.tx(5, "claim").move(B, VAULT, ALICE, 30 * 10**6).log(VAULT, abi.Vault.claimed, ALICE, B, ALICE, 30 * 10**6)
    )


def read(logs: Logs):
    story = told(logs, 9)
    states = {
        block: state_of(block, {A: price * WAD, B: WAD}, HELD, SUPPLY)
        for block, price in ((1, 1), (2, 2), (3, 2), (4, 3), (5, 3))
    }
    return story, states, counted(story, {2: {A: 2 * WAD, B: WAD}})


def test_of_vault__sale_in_a_fill__gains_what_came_less_what_it_cost():
    story, states, fills = read(life())
    books = of_vault(story, states, fills, DECIMALS, Method.FIFO)
    (sale,) = (each for each in books.disposals if each.source == "fill")
    assert (sale.asset, sale.quantity, sale.proceeds, sale.basis, sale.gain) == (
        A,
        10 * WAD,
        19 * WAD,
        10 * WAD,
        9 * WAD,
    )
    assert sale.held_s == 12
    handed = [(each.asset, each.quantity, each.gain) for each in books.disposals if each.source == "distribution"]
    assert handed == [(A, 20 * WAD, 0), (B, 30 * 10**6, 0)]
    assert (books.quantity(A), books.quantity(B)) == (20 * WAD, 39 * 10**6)
    assert books.cost == 20 * WAD + 39 * WAD
    assert books.gain == 9 * WAD


def test_of_vault__gift__costs_nothing():
    story, states, fills = read(Logs().tx(1, "seed").seed({A: 5, B: 5}, 9).tx(2, "gift").move(A, BOB, VAULT, 7))
    books = of_vault(story, states, fills, DECIMALS, Method.FIFO)
    assert [(lot.quantity, lot.cost, lot.source) for lot in books.lots if lot.source == "gift"] == [(7, 0, "gift")]


def test_of_holder__who_mints_passes_on_and_redeems__has_the_gain_of_the_redemption():
    story, states, _ = read(life())
    books = of_holder(story, states, DECIMALS, Method.FIFO, [ALICE])
    given_a, given_b, passed, redeemed = books.disposals
    # What was given came from elsewhere: its basis is unknown, its proceeds are its value.
    assert [(each.proceeds, each.basis, each.gain) for each in (given_a, given_b)] == [(50 * WAD, None, None)] * 2
    assert (passed.source, passed.quantity, passed.proceeds, passed.gain) == ("transfer_out", 40 * WAD, 40 * WAD, 0)
    # 50 shares at 1 each for 20 A at 3 and a claim on 30 B.
    assert (redeemed.source, redeemed.quantity, redeemed.proceeds, redeemed.basis) == (
        "redeem",
        50 * WAD,
        90 * WAD,
        50 * WAD,
    )
    assert (books.gain, books.quantity(VAULT)) == (40 * WAD, 10 * WAD)
    assert [(lot.asset, lot.quantity, lot.cost) for lot in books.lots if lot.asset != VAULT] == [
        (A, 20 * WAD, 60 * WAD),
        (B, 30 * 10**6, 30 * WAD),
    ]


def test_of_holder__who_gets_shares_and_fees__has_lots_at_nav_per_share():
    story, states, _ = read(life())
    bob = of_holder(story, states, DECIMALS, Method.FIFO, [BOB])
    # At block 3 the basket is worth 300 for 100 shares.
    assert [(lot.source, lot.quantity, lot.cost) for lot in bob.lots] == [("transfer_in", 40 * WAD, 120 * WAD)]
    recipient = of_holder(story, states, DECIMALS, Method.FIFO, [RECIPIENT])
    assert [(lot.source, lot.quantity, lot.cost) for lot in recipient.lots] == [("fee_income", WAD, 4 * WAD)]


def test_of_holder__two_addresses_of_one_person__pass_shares_without_a_trace():
    story, states, _ = read(life())
    books = of_holder(story, states, DECIMALS, Method.FIFO, [ALICE, BOB])
    assert not [entry for entry in books.entries if entry.kind.startswith("transfer")]
    assert books.quantity(VAULT) == 50 * WAD


@settings(deadline=None)
@given(PARTS, PARTS)
def test_pairs__any_sides__hold_every_part_to_the_unit(one, other):
    sold = [Part(f"s{i}", amount, value) for i, (amount, value) in enumerate(one)]
    bought = [Part(f"b{i}", amount, value) for i, (amount, value) in enumerate(other)]
    found = pairs(sold, bought)
    for side, parts in enumerate((sold, bought)):
        for part in parts:
            own = [pair[side] for pair in found if pair[side].asset == part.asset]
            assert sum(each.amount for each in own) == part.amount
    assert sum(out.value for out, _ in found) <= sum(part.value for part in sold)
