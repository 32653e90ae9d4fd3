"""IndexVault.__init__: every term that it refuses, at its edge."""

from typing import Any

import pytest
from ape.exceptions import ProviderError
from eth_utils import to_hex

from unit.world import BAND, INTERVAL, NO_FEES, TARGETS, WAD, ZERO, World, revert

DAY = 86400
YEAR = 365 * DAY

REFUSED = [
    ({"triggers": 0}, "auction: no trigger"),
    ({"triggers": TARGETS}, "auction: bad interval"),  # an interval that counts for nothing
    ({"fees": (ZERO, 0, 0, 10**12)}, "fees: bad recipient"),
    ({"triggers": INTERVAL, "interval": 0}, "auction: bad interval"),
    ({"triggers": BAND, "interval": 1}, "auction: bad interval"),
    ({"interval": 10 * YEAR + 1}, "auction: bad interval"),
    ({"cooldown": YEAR + 1}, "auction: bad cooldown"),
    ({"duration": 59}, "auction: bad duration"),
    ({"duration": 7 * DAY + 1}, "auction: bad duration"),
    ({"start_premium": WAD // 10 + 1}, "auction: premium too large"),
    ({"max_discount": WAD // 20 + 1}, "auction: discount too large"),
    ({"closing_tolerance": WAD // 10_000 - 1}, "auction: bad tolerance"),
    ({"closing_tolerance": WAD // 20 + 1}, "auction: bad tolerance"),
    ({"max_loss": WAD // 20 + 1}, "loss: share too large"),
    ({"loss_window": 3599}, "loss: bad window"),
    ({"loss_window": YEAR + 1}, "loss: bad window"),
    ({"owner": ZERO}, "vault: no owner"),
    ({"oracle": ZERO}, "rebalancer: oracle has no code"),
    ({"oracle": "0x" + "11" * 20}, "rebalancer: oracle has no code"),
]

ACCEPTED = [
    {"triggers": BAND, "interval": 0, "cooldown": 0, "duration": 60, "start_premium": 0, "max_discount": 0, "max_loss": 0},
    {"triggers": TARGETS, "interval": 0},
    {"triggers": INTERVAL | BAND | TARGETS, "require_all": True},
    {"triggers": INTERVAL, "interval": 1, "closing_tolerance": WAD // 10_000, "loss_window": 3600},
    {
        "interval": 10 * YEAR, "cooldown": YEAR, "duration": 7 * DAY, "start_premium": WAD // 10,
        "max_discount": WAD // 20, "closing_tolerance": WAD // 40, "loss_window": YEAR, "max_loss": WAD // 20, "guardian": ZERO,
    },
]  # fmt: skip


@pytest.mark.parametrize(("overrides", "reason"), REFUSED, ids=str)
def test_constructor__term_out_of_range__reverts(world: World, overrides: dict[str, Any], reason: str) -> None:
    with revert(reason):
        world.deploy_vault(**overrides)


@pytest.mark.parametrize("overrides", ACCEPTED, ids=["least", "targets", "all", "edge", "most"])
def test_constructor__terms_at_the_edge__accepted(world: World, overrides: dict[str, Any]) -> None:
    terms = rebalancer(world, world.deploy_vault(**overrides)).terms()
    for name, value in overrides.items():
        if name != "guardian":
            assert getattr(terms, name) == value


def rebalancer(world: World, vault: Any) -> Any:
    """The other half of a vault."""
    return world.project.Rebalancer.at(vault.rebalancer())


def change(world: World, index: int, **fields: Any) -> list[tuple[Any, ...]]:
    """The basket's terms with fields of one asset changed."""
    assets = [dict(zip(("asset", "units", "target", "band"), terms, strict=True)) for terms in world.asset_terms()]
    assets[index] |= fields
    return [tuple(terms.values()) for terms in assets]


@pytest.mark.parametrize(
    ("index", "fields", "reason"),
    [
        (1, {"asset": ZERO}, "basket: bad asset"),
        (1, {"units": 0}, "basket: zero units"),
        (2, {"target": 0}, "rebalancer: zero target"),
        (0, {"band": 0}, "bands: under tolerance"),
        (0, {"band": WAD}, "bands: bad band"),
        (0, {"band": 10**12 + 1}, "bands: bad band"),
        (0, {"target": WAD // 2 - 1}, "targets: do not sum to 1"),
        (0, {"target": WAD // 2 + 1}, "targets: do not sum to 1"),
        # One that does not fit the 64 bits of its place next to the others.
        (0, {"target": 2**64 + WAD // 2}, "targets: do not sum to 1"),
    ],
    ids=str,
)
def test_constructor__asset_out_of_range__reverts(
    world: World, index: int, fields: dict[str, Any], reason: str
) -> None:
    with revert(reason):
        world.deploy_vault(assets=change(world, index, **fields))


def test_constructor__band_under_the_closing_tolerance__reverts_and_at_it_passes(world: World) -> None:
    tolerance = WAD // 20
    wide = [(asset, units, target, tolerance) for asset, units, target, _ in world.asset_terms()]
    for index in range(3):
        asset, units, target, band = wide[index]
        narrow = [*wide[:index], (asset, units, target, band - 10**12), *wide[index + 1 :]]
        with revert("bands: under tolerance"):
            world.deploy_vault(assets=narrow, closing_tolerance=tolerance)
    vault = world.deploy_vault(assets=wide, closing_tolerance=tolerance)
    assert list(rebalancer(world, vault).bands()) == [tolerance] * 3


@pytest.mark.parametrize("count", [0, 1])
def test_constructor__fewer_than_two_assets__reverts(world: World, count: int) -> None:
    with revert("basket: fewer than two assets"):
        world.deployer.deploy(
            world.project.IndexVault, "Test Index", "TIDX", world.owner, world.guardian, world.oracle,
            world.asset_terms()[:count], world.terms.as_tuple(), NO_FEES, world.blueprint,
        )  # fmt: skip


def test_constructor__an_asset_twice__reverts(world: World) -> None:
    with revert("basket: duplicate asset"):
        world.deploy_vault(assets=change(world, 2, asset=world.tokens[0]))


def test_constructor__its_own_share_as_an_asset__reverts(world: World) -> None:
    assets = change(world, 1, asset=world.deployer.get_deployment_address())
    creation = world.project.IndexVault.constructor.serialize_transaction(
        "Test Index",
        "TIDX",
        world.owner,
        world.guardian,
        world.oracle,
        assets,
        world.terms.as_tuple(),
        NO_FEES,
        world.blueprint,
    )
    # Called and not sent: once mined, ape would look for the reason at the next nonce, where the address is another.
    with pytest.raises(ProviderError, match=r"^execution reverted: basket: bad asset$"):
        world.chain.provider.make_request(
            "eth_call", [{"from": world.deployer.address, "data": to_hex(creation.data)}, "latest"]
        )


def test_constructor__more_than_27_decimals__reverts_and_27_passes(world: World) -> None:
    for decimals, refused in ((28, True), (27, False)):
        token = world.deployer.deploy(world.project.Token, "LONG", decimals)
        assets = change(world, 1, asset=token)
        if refused:
            with revert("basket: too many decimals"):
                world.deploy_vault(assets=assets)
        else:
            assert list(world.deploy_vault(assets=assets).assets())[1] == token


def test_constructor__largest_band__is_stored_whole(world: World) -> None:
    band = WAD - 10**12
    vault = world.deploy_vault(assets=change(world, 1, band=band))
    assert list(rebalancer(world, vault).bands())[1] == band


def test_constructor__time__starts_cooldown_interval_and_targets(world: World) -> None:
    world.at(world.chain.pending_timestamp + 1000)
    times = rebalancer(world, world.deploy_vault())
    now = world.chain.blocks.head.timestamp
    assert (times.opened_at(), times.closed_at(), times.completed_at()) == (0, now, now)
    targets, start, end = times.schedule()
    assert (list(targets), start, end) == ([plan.target for plan in world.plans], now, now)


def test_constructor__deployer__keeps_no_power(world: World) -> None:
    vault = world.deploy_vault()
    assert vault.owner() == world.owner
    with revert("vault: not guardian"):
        vault.pause(sender=world.deployer)
