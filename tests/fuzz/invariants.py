"""What holds after every step, whatever was done.

Each is a function of the world, of what the chain said before the step and says after it, and of the step. Its docstring is its
entry in docs/how-to/fuzz.md.
"""

from collections.abc import Callable
from fractions import Fraction
from functools import partial
from typing import Any

from fuzz.evm import ZERO
from fuzz.model.numbers import DAY, WAD, Refused
from fuzz.model.shares import DEAD, DEAD_SHARES, growth
from fuzz.seen import Action, Refusal, Seen
from fuzz.world import ATTACKER, FAR, World, plain

Check = Callable[[World, Seen | None, Seen, Action], None]

INVARIANTS: dict[str, Check] = {}


def invariant(check: Check) -> Check:
    """Enter a check under its name."""
    INVARIANTS[check.__name__] = check
    return check


def agrees(found: Any, wanted: Callable[[], Any], name: str) -> None:
    """A view answers what the model does, or refuses for one of the model's reasons."""
    try:
        expected = plain(wanted())
    except Refused as refusal:
        assert isinstance(found, Refusal), f"{name} answered {found}; it has to refuse: {refusal}"
        assert found.reason in refusal.reasons, f'{name} refused with "{found.reason}", not for {refusal}'
        return
    assert found == expected, f"{name} is {found}, the specification says {expected}"


# ------------------------------------------------- the chain is as the model


@invariant
def shares_as_specified(world: World, old: Seen | None, new: Seen, action: Action) -> None:
    """Everybody holds exactly the shares that the model says; the supply is their sum and the fees that are due."""
    shares = world.model.shares
    assert new.total == shares.total
    assert new.supply == shares.supply(world.model.now)
    assert new.shares == {holder: shares.balances[holder] for holder in world.holders}


@invariant
def tokens_as_specified(world: World, old: Seen | None, new: Seen, action: Action) -> None:
    """Everybody holds exactly the tokens that the model says, to the base unit."""
    for asset, balances in new.tokens.items():
        assert balances == {holder: world.model.tokens[asset].balances[holder] for holder in world.holders}


@invariant
def claims_as_specified(world: World, old: Seen | None, new: Seen, action: Action) -> None:
    """Claims are what redemptions could not pay, less what was paid since."""
    assert new.claims == {key: world.model.shares.claims[key] for key in new.claims}


@invariant
def basket_as_specified(world: World, old: Seen | None, new: Seen, action: Action) -> None:
    """The basket lists its assets in order and holds of each the balance less the claims."""
    model = world.model
    assert new.assets == model.assets
    places = 20 - len(model.assets)
    words = [int(asset, 16) | model.tokens[asset].decimals << 160 for asset in model.assets] + [0] * places

    def holdings() -> list[Any]:
        return [len(model.assets), words, [model.held(asset) for asset in model.assets] + [0] * places]

    found = new.views["holdings"]
    if not isinstance(found, Refusal):
        # Bit 168 is the vault's own note that some of the balance may belong to claims.
        found = [found[0], [word & (2**168 - 1) for word in found[1]], found[2]]
    agrees(found, holdings, "holdings")


@invariant
def targets_as_specified(world: World, old: Seen | None, new: Seen, action: Action) -> None:
    """Targets are those of the schedule at this second, and the schedule is the one that was set last."""
    model = world.model
    agrees(new.views["targets"], model.targets, "targets")
    places = len(model.assets)
    wanted = [model.schedule.after, model.schedule.start, model.schedule.end]
    assert new.views["schedule"] == wanted and len(new.views["targets"]) == places


@invariant
def bands_as_specified(world: World, old: Seen | None, new: Seen, action: Action) -> None:
    """Bands and rails are those that were set last."""
    bands = world.model.bands
    agrees(new.views["bands"], lambda: bands.bands, "bands")
    agrees(new.views["rails"], lambda: [bands.rails, bands.set_at], "rails")


@invariant
def value_as_specified(world: World, old: Seen | None, new: Seen, action: Action) -> None:
    """NAV, NAV per share, weights and drift are the model's, or refused for a price that nobody may believe."""
    model = world.model
    agrees(new.views["nav"], lambda: model.valuation().nav, "nav")
    agrees(new.views["nav_per_share"], model.nav_per_share, "nav_per_share")
    agrees(new.views["weights"], lambda: model.valuation().weights, "weights")
    agrees(new.views["drift"], lambda: model.valuation().drift, "drift")
    # The vault relays what its rebalancer says.
    assert new.relayed == {name: new.views[name] for name in new.relayed}


@invariant
def trigger_as_specified(world: World, old: Seen | None, new: Seen, action: Action) -> None:
    """The reasons to rebalance are the model's."""
    agrees(new.views["trigger"], lambda: world.model.trigger(world.model.valuation()), "trigger")


@invariant
def auction_as_specified(world: World, old: Seen | None, new: Seen, action: Action) -> None:
    """Whether a rebalance is open, since when, and what it asks, is the model's."""
    model, now = world.model, world.model.now
    agrees(new.views["price_bound"], lambda: model.auction.bound(now), "price_bound")
    agrees(new.views["is_open"], lambda: model.auction.is_open(now), "is_open")
    for name in ("opened_at", "closed_at", "completed_at"):
        agrees(new.views[name], partial(getattr, model.auction, name), name)


@invariant
def loss_as_specified(world: World, old: Seen | None, new: Seen, action: Action) -> None:
    """What was lost and has not drained is the model's."""
    agrees(new.views["loss"], lambda: world.model.loss.current(world.model.now), "loss")


@invariant
def roles_as_specified(world: World, old: Seen | None, new: Seen, action: Action) -> None:
    """Modes, roles, keepers, oracle, fees and cap are the model's."""
    model = world.model
    wanted = {
        "paused": model.is_paused, "is_shut_down": model.is_shut_down, "oracle": model.oracle.address,
        "owner": model.owner.holder, "pending_owner": model.owner.proposed,
        "guardian": model.guardian.holder, "pending_guardian": model.guardian.proposed,
        "strategist": model.strategist.holder, "pending_strategist": model.strategist.proposed,
        "head_start": model.head_start, "fees": list(model.shares.fees), "supply_cap": model.shares.cap,
    }  # fmt: skip
    assert {name: new.views[name] for name in wanted} == wanted
    assert new.keepers == model.keepers & set(world.holders)


# -------------------------------------------------- the chain by itself


@invariant
def supply_is_held(world: World, old: Seen | None, new: Seen, action: Action) -> None:
    """The supply is the sum of what everybody holds, the dead shares among it."""
    assert sum(new.shares.values()) == new.total <= new.supply


@invariant
def dead_shares_stay(world: World, old: Seen | None, new: Seen, action: Action) -> None:
    """The dead shares are made once and stay for ever, so the supply never returns to zero."""
    assert new.shares[DEAD] >= DEAD_SHARES if new.total else new.shares[DEAD] == 0
    assert old is None or new.total or not old.total


@invariant
def tokens_are_conserved(world: World, old: Seen | None, new: Seen, action: Action) -> None:
    """Every token is with somebody the model knows: the contracts lost none and sent none elsewhere."""
    for asset, balances in new.tokens.items():
        total = sum(balances.values())
        assert total == new.token_supply[asset] or (asset in world.leaky and total < new.token_supply[asset])


@invariant
def nothing_is_allowed(world: World, old: Seen | None, new: Seen, action: Action) -> None:
    """Nobody may take anything from the vault or its rebalancer; the vault took of its allowances what it pulled."""
    # A token a step: an allowance left over would still be there when its turn comes.
    asset = list(world.tokens)[world.chain.now % len(world.tokens)]
    token, model = world.tokens[asset], world.model.tokens[asset]
    for holder in world.holders:
        assert token.view("allowance", world.vault.address, holder) == 0
        assert token.view("allowance", world.rebalancer.address, holder) == 0
        assert token.view("allowance", holder, world.vault.address) == model.allowances[holder, world.vault.address]


@invariant
def targets_sum_to_one(world: World, old: Seen | None, new: Seen, action: Action) -> None:
    """Targets sum to exactly 1e18 at every second."""
    assert sum(new.views["targets"]) == WAD


@invariant
def assets_are_a_basket(world: World, old: Seen | None, new: Seen, action: Action) -> None:
    """Two to twenty assets, each once; every list is as long."""
    count = len(new.assets)
    assert 2 <= count == len(set(new.assets)) <= 20
    assert count == len(new.views["targets"]) == len(new.views["bands"]) == len(new.views["schedule"][0])


@invariant
def bands_are_in_their_range(world: World, old: Seen | None, new: Seen, action: Action) -> None:
    """Bands are multiples of 1e12 in [closing tolerance, 1); only the strategist moves one, no faster than the speed."""
    for band in new.views["bands"]:
        assert world.model.terms.closing_tolerance <= band < WAD and band % 10**12 == 0
    if old is None or old.assets != new.assets:
        return
    speed, elapsed = old.views["rails"][0][2], new.now - old.views["rails"][1]
    for before, after in zip(old.views["bands"], new.views["bands"], strict=True):
        assert before == after or (action.kind == "bands" and abs(after - before) * DAY <= speed * elapsed)


@invariant
def fees_are_within_limits(world: World, old: Seen | None, new: Seen, action: Action) -> None:
    """Streaming is at most 5 % a year, minting and redeeming 2 %; whoever earns is somebody; after a shutdown nobody does."""
    recipient, streaming, minting, redeeming = new.views["fees"]
    assert streaming <= WAD // 20 and max(minting, redeeming) <= WAD // 50
    assert recipient not in (ZERO, world.vault.address) or not (streaming or minting or redeeming)
    assert not new.views["is_shut_down"] or new.views["fees"] == [ZERO, 0, 0, 0]


@invariant
def fees_follow_their_rate(world: World, old: Seen | None, new: Seen, action: Action) -> None:
    """Time alone makes the supply grow by (1 + r)^dt, to within the error of a power in RAY, and never by more."""
    if old is None or old.total != new.total or old.views["fees"] != new.views["fees"]:
        return
    shares, fine = world.model.shares, 10**60
    truth = (new.total * WAD + shares.carried) * growth(shares.fees.streaming, new.now - shares.accrued_at, fine)
    error = 2 + 4 * new.total * max(1, new.now - shares.accrued_at) // 10**27
    assert truth // fine // WAD - error <= new.supply <= truth // fine // WAD
    assert new.supply >= old.supply


@invariant
def cap_holds_for_mints(world: World, old: Seen | None, new: Seen, action: Action) -> None:
    """No mint ends over the cap."""
    if old is not None and action.kind == "mint" and new.total > old.total:
        assert new.total <= new.views["supply_cap"]


@invariant
def pair_is_a_pair(world: World, old: Seen | None, new: Seen, action: Action) -> None:
    """Vault and rebalancer name each other for good; the rebalancer holds no token and no share; nothing is in flight."""
    assert new.views["rebalancer"] == world.rebalancer.address and new.views["vault"] == world.vault.address
    assert new.shares[world.rebalancer.address] == 0 and new.views["in_flight"] is False
    assert all(balances[world.rebalancer.address] == 0 for balances in new.tokens.values())


@invariant
def shut_down_is_for_good(world: World, old: Seen | None, new: Seen, action: Action) -> None:
    """What is shut down stays so, with nothing open, and its supply never grows again."""
    if old is not None and old.views["is_shut_down"]:
        assert new.views["is_shut_down"] and not new.views["is_open"] and new.supply <= old.supply


@invariant
def head_start_is_half_at_most(world: World, old: Seen | None, new: Seen, action: Action) -> None:
    """Keepers come first for half of an auction at most."""
    assert 2 * new.views["head_start"] <= world.model.terms.duration


@invariant
def weights_sum_to_one(world: World, old: Seen | None, new: Seen, action: Action) -> None:
    """Weights sum to 1e18 less a wei an asset at most; an empty basket has none."""
    weights = new.views["weights"]
    if not isinstance(weights, Refusal) and new.views["nav"]:
        assert WAD - len(weights) < sum(weights) <= WAD


@invariant
def drift_is_a_share(world: World, old: Seen | None, new: Seen, action: Action) -> None:
    """Drift is between 0 and 1, and half the distances of the weights to within their rounding."""
    drift, weights = new.views["drift"], new.views["weights"]
    if isinstance(drift, Refusal):
        return
    assert 0 <= drift <= WAD
    if new.views["nav"]:
        off = sum(abs(weight - target) for weight, target in zip(weights, new.views["targets"], strict=True))
        assert abs(2 * drift - off) <= len(weights) + 2


@invariant
def bound_is_in_its_range(world: World, old: Seen | None, new: Seen, action: Action) -> None:
    """The price bound is never over its start nor under its end, and never rises while a rebalance is open."""
    terms, bound = world.model.terms, new.views["price_bound"]
    assert WAD - terms.max_discount <= bound <= WAD + terms.start_premium
    if old is not None and old.views["is_open"] and new.views["opened_at"] == old.views["opened_at"]:
        assert bound <= old.views["price_bound"]


@invariant
def times_are_ordered(world: World, old: Seen | None, new: Seen, action: Action) -> None:
    """completed <= closed <= now; what is open was opened after the cooldown, is not over time, and not while paused."""
    terms = world.model.terms
    opened, closed, completed = (new.views[name] for name in ("opened_at", "closed_at", "completed_at"))
    assert completed <= closed <= new.now
    assert new.views["is_open"] == (opened != 0)
    if opened:
        assert closed + terms.cooldown <= opened <= new.now <= opened + terms.duration
        assert not new.views["paused"] and not new.views["is_shut_down"]


@invariant
def loss_is_in_its_budget(world: World, old: Seen | None, new: Seen, action: Action) -> None:
    """What was lost and has not drained is within the budget, and only a fill adds to it."""
    assert new.views["loss"] <= world.model.terms.max_loss
    if old is not None and action.kind != "fill":
        assert new.views["loss"] <= old.views["loss"]


@invariant
def claims_are_covered(world: World, old: Seen | None, new: Seen, action: Action) -> None:
    """The vault holds at least what is claimed of every asset, unless the token itself took it."""
    for asset, balances in new.tokens.items():
        assert asset in world.shorted | world.leaky or new.claimed(asset) <= balances[world.vault.address]


@invariant
def anybody_may_redeem(world: World, old: Seen | None, new: Seen, action: Action) -> None:
    """Whoever holds shares can redeem all of them now, for what the preview says; tried on the chain and undone."""
    holders = [
        who
        for who in world.holders
        if new.shares[who] and who not in (DEAD, world.vault.address, world.rebalancer.address)
    ]
    if not holders:
        return
    who = holders[new.now % len(holders)]
    vault, shares, state = world.vault, new.shares[who], world.chain.snapshot()
    preview = vault.view("preview_redeem", shares)
    call = (shares, world.holders[0], preview, FAR)
    if who == world.executor.address:
        data = world.executor.send(ATTACKER, "call", vault.address, vault.encode("redeem", *call))
        paid = vault.artifact.functions["redeem"].decode(data)
    else:
        paid = vault.send(who, "redeem", *call)
    assert paid == preview
    for asset, amount in zip(world.assets, preview, strict=True):
        if world.model.tokens[asset].mood.pays:
            left = world.tokens[asset].view("balanceOf", vault.address)
            assert left == new.tokens[asset][vault.address] - amount
    world.chain.restore(state)


@invariant
def claims_can_be_paid(world: World, old: Seen | None, new: Seen, action: Action) -> None:
    """Whoever has a claim on a token that moves again can take it; tried on the chain and undone."""
    for (who, asset), amount in new.claims.items():
        if not amount or asset in world.shorted | world.leaky or who == world.executor.address:
            continue
        if not world.model.tokens[asset].mood.pays:
            continue
        state = world.chain.snapshot()
        assert world.vault.send(who, "claim", asset, world.holders[0]) == amount
        world.chain.restore(state)
        return


# ----------------------------------------------------- from step to step


@invariant
def every_share_keeps_its_part(world: World, old: Seen | None, new: Seen, action: Action) -> None:
    """Nobody's mint, redemption, claim or transfer lowers what a share holds of any asset that takes no extra."""
    if old is None or not old.total or not action.is_of_shares:
        return
    for asset in new.assets:
        before, after = old.held(asset), new.held(asset)
        if world.model.tokens[asset].mood.extra_bps:
            continue
        if before is not None and after is not None and asset in old.assets:
            assert after * old.supply >= before * new.supply, f"a share lost of asset {asset}"


@invariant
def nobody_gains_by_shares(world: World, old: Seen | None, new: Seen, action: Action) -> None:
    """Who mints, redeems, claims or borrows for a transaction has no more of any asset after it, his shares' part included."""
    if old is None or not old.total or not action.is_of_shares:
        return
    them = {action.who, action.receiver} - {""}
    for asset in new.assets:
        if asset not in old.assets or new.views["fees"][0] in them:
            continue
        if asset in old.tokens and asset in new.tokens and not world.model.tokens[asset].mood.extra_bps:
            assert wealth(new, asset, them, world.given) <= wealth(old, asset, them, world.given_before)


def wealth(seen: Seen, asset: str, them: set[str], given: dict[tuple[str, str], int]) -> Fraction:
    """Base units that some people hold, claim and own through shares, less what they were given out of nothing."""
    own = sum(seen.tokens[asset][who] + seen.claims[who, asset] - given[who, asset] for who in them)
    held = seen.held(asset)
    assert held is not None
    return own + Fraction(sum(seen.shares[who] for who in them) * held, seen.supply)


@invariant
def bystanders_keep_theirs(world: World, old: Seen | None, new: Seen, action: Action) -> None:
    """What others do leaves one's shares, tokens and claims alone."""
    if old is None or not action.is_of_shares:
        return
    for who in world.holders:
        if who in (action.who, action.receiver, world.vault.address, DEAD, old.views["fees"][0]):
            continue
        assert new.shares[who] == old.shares[who]
        assert all(new.claims[who, asset] == old.claims[who, asset] for asset in world.tokens)


@invariant
def only_some_steps_move_the_basket(world: World, old: Seen | None, new: Seen, action: Action) -> None:
    """Time, prices, roles and settings move no token of the vault and no share."""
    if old is None or action.is_of_shares or action.kind == "build":
        return
    assert new.total == old.total
    if action.kind in ("fill", "donate", "shrink"):
        return
    for asset in new.tokens.keys() & old.tokens.keys():
        assert new.tokens[asset][world.vault.address] == old.tokens[asset][world.vault.address]


@invariant
def fills_cost_what_is_counted(world: World, old: Seen | None, new: Seen, action: Action) -> None:
    """What a fill takes from NAV at its own prices is counted whole against the budget; drift fell by it."""
    if old is None or action.kind != "fill":
        return
    if not all(asset in old.tokens and asset in new.tokens for asset in new.assets):
        return
    moved = any(new.tokens[asset][new.vault] < old.tokens[asset][old.vault] for asset in new.assets)
    if not moved or isinstance(new.views["nav"], Refusal) or isinstance(old.views["nav"], Refusal):
        return
    lost = old.views["nav"] - new.views["nav"]
    # A unit of rounding an asset; a fill in which time stood still has the prices of before it.
    counted = (new.views["loss"] - old.views["loss"]) * old.views["nav"]
    assert lost * WAD <= counted + len(new.assets) * WAD + old.views["nav"]
    assert new.views["drift"] < old.views["drift"]


@invariant
def fills_leave_claims_alone(world: World, old: Seen | None, new: Seen, action: Action) -> None:
    """A fill makes and pays no claim, and never takes what is claimed."""
    if old is not None and action.kind == "fill":
        assert new.claims == old.claims
