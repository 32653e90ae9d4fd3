"""Who lends, how much and for what: the cheapest with enough of it, always the same one."""

import pytest
from fake_chain import USDC, WETH, FakeChain, Revert, address

from keeper.chain import abi
from keeper.chain.abi import Lender
from keeper.chain.rpc import Client
from keeper.execution import lenders
from keeper.execution.lenders import GAS, Offer
from keeper.markets import UniswapV2Pool, UniswapV3Pool
from keeper.routing.route import Leg
from keeper.settings import LenderSettings, Settings

ONE = 10**6
AMOUNT = 1_000_003
MORPHO, BALANCER, COLLECTOR, AAVE, MAKER, POOL = map(
    address, ("morpho", "balancer", "collector", "aave", "maker", "pool")
)
ACTIVE, FROZEN, PAUSED, LENDS = (1 << bit for bit in (56, 57, 60, 63))
SETTINGS = LenderSettings(
    morpho=MORPHO, balancer_vault=BALANCER, balancer_fees_collector=COLLECTOR, aave_pool=AAVE, erc3156=(MAKER,)
)


@pytest.fixture
def held(fake: FakeChain) -> dict[str, int]:
    """What each lender holds of USDC; tests change it."""
    held = {MORPHO.lower(): 10 * AMOUNT, BALANCER.lower(): 10 * AMOUNT, POOL.lower(): 10 * AMOUNT}
    fake.view(USDC, abi.Token.balance_of, lambda who: held.get(who, 0))
    fake.view(COLLECTOR, abi.Lenders.balancer_fee, 0)
    fake.view(AAVE, abi.Lenders.aave_configuration, ACTIVE | LENDS)
    fake.view(AAVE, abi.Lenders.aave_available, 10 * AMOUNT)
    fake.view(AAVE, abi.Lenders.aave_premium, 5)
    fake.view(MAKER, abi.Lenders.erc3156_max, 10 * AMOUNT)
    fake.view(MAKER, abi.Lenders.erc3156_fee, 7)
    return held


def pool(venue: type = UniswapV3Pool, fee: int = 500) -> object:
    if venue is UniswapV2Pool:
        return UniswapV2Pool(POOL, USDC, WETH, 1, 1)
    return UniswapV3Pool(POOL, USDC, WETH, fee, 10, 2**96, 0, 0, ())


def offers(
    fake: FakeChain, settings: LenderSettings = SETTINGS, wei_per_gas: int = 0, **options: object
) -> list[Offer]:
    client = Client(fake.url, attempts=1)
    pools = options.get("pools", [pool()])
    return lenders.offers(
        client,
        settings,
        USDC,
        AMOUNT,
        pools,
        options.get("legs", []),
        client.head(),
        Settings().multicall,
        lambda fee, gas: fee + gas * wei_per_gas,
    )


def test_offers__are_all_with_their_fees_rounded_up_and_cheapest_first(fake: FakeChain, held: dict[str, int]) -> None:
    fake.view(COLLECTOR, abi.Lenders.balancer_fee, 10**12)  # a millionth
    found = offers(fake)
    assert [(each.kind, each.lender, each.fee) for each in found] == [
        (Lender.MORPHO, MORPHO, 0),
        (Lender.BALANCER_V2, BALANCER, 2),  # 1.000003 of a base unit
        (Lender.ERC3156, MAKER, 7),
        (Lender.UNISWAP_V3, POOL, 501),  # 500.0015
        (Lender.AAVE_V3, AAVE, 501),  # the same, for more gas
    ]
    assert {each.gas for each in found} == set(GAS.values())
    assert all((each.token, each.amount) == (USDC, AMOUNT) for each in found)


def test_offers__gas_counts(fake: FakeChain, held: dict[str, int]) -> None:
    fake.view(COLLECTOR, abi.Lenders.balancer_fee, 10**12)
    del held[MORPHO.lower()]
    assert offers(fake)[0].kind is Lender.BALANCER_V2
    fake.view(COLLECTOR, abi.Lenders.balancer_fee, 10**14)  # 101
    assert offers(fake)[0].kind is Lender.ERC3156
    assert offers(fake, wei_per_gas=1)[0].kind is Lender.BALANCER_V2  # 50,000 of gas are more than 94


@pytest.mark.parametrize("lacking", ["morpho", "balancer", "pool", "aave", "maker"])
def test_offers__a_unit_too_little__is_none(fake: FakeChain, held: dict[str, int], lacking: str) -> None:
    for name, amount in ((lacking, AMOUNT), (lacking, AMOUNT - 1)):
        held[address(name).lower()] = amount
        if name == "aave":
            fake.view(AAVE, abi.Lenders.aave_available, amount)
        if name == "maker":
            fake.view(MAKER, abi.Lenders.erc3156_max, amount)
        assert (address(lacking) in {each.lender for each in offers(fake)}) == (amount == AMOUNT)


@pytest.mark.parametrize("configuration", [0, ACTIVE, LENDS, ACTIVE | LENDS | FROZEN, ACTIVE | LENDS | PAUSED])
def test_offers__reserve_of_aave_that_does_not_lend__is_none(
    fake: FakeChain, held: dict[str, int], configuration: int
) -> None:
    fake.view(AAVE, abi.Lenders.aave_configuration, configuration)
    assert Lender.AAVE_V3 not in {each.kind for each in offers(fake)}


def test_offers__lender_that_reverts_or_is_not_there__is_none_and_stops_no_other(
    fake: FakeChain, held: dict[str, int]
) -> None:
    def unsupported(*_: object) -> int:
        raise Revert(b"")

    fake.view(MAKER, abi.Lenders.erc3156_fee, unsupported)
    settings = SETTINGS.model_copy(update={"aave_pool": address("nobody")})
    kinds = {each.kind for each in offers(fake, settings)}
    assert kinds == {Lender.MORPHO, Lender.BALANCER_V2, Lender.UNISWAP_V3}


def test_offers__of_pools_alone__are_those_of_uniswap_v3(fake: FakeChain, held: dict[str, int]) -> None:
    settings = SETTINGS.model_copy(update={"enabled": ("uniswap_v3",)})
    assert [each.kind for each in offers(fake, settings)] == [Lender.UNISWAP_V3]
    assert offers(fake, settings, pools=[pool(UniswapV2Pool)]) == []


@pytest.mark.parametrize("kind", Lender)
def test_offers__of_one_that_is_not_enabled__are_none(fake: FakeChain, held: dict[str, int], kind: Lender) -> None:
    assert kind in {each.kind for each in offers(fake)}
    enabled = tuple(name for name in SETTINGS.enabled if name != str(kind.name).lower())
    assert kind not in {each.kind for each in offers(fake, SETTINGS.model_copy(update={"enabled": enabled}))}


def test_offers__of_two_that_cost_the_same__is_always_the_same(fake: FakeChain, held: dict[str, int]) -> None:
    others = [address(name) for name in ("one", "two", "three")]
    settings = SETTINGS.model_copy(update={"erc3156": tuple(others), "enabled": ("erc3156", "uniswap_v3")})
    for other in others:
        fake.view(other, abi.Lenders.erc3156_max, AMOUNT)
        fake.view(other, abi.Lenders.erc3156_fee, 0)
    backwards = settings.model_copy(update={"erc3156": tuple(reversed(others))})
    assert offers(fake, settings) == offers(fake, backwards)
    assert [each.lender for each in offers(fake, settings)[:3]] == sorted(others)


@pytest.mark.parametrize(
    ("venue", "where", "locked"),
    [
        ("uniswap_v3", POOL, Lender.UNISWAP_V3),
        ("balancer_v2", address("any pool of it"), Lender.BALANCER_V2),
        ("uniswap_v2", address("another pool"), None),
    ],
)
def test_offers__of_whoever_is_locked_while_lending__are_none_when_swapped_on(
    fake: FakeChain, held: dict[str, int], venue: str, where: str, locked: Lender | None
) -> None:
    leg = Leg(where, venue, USDC, WETH, 1, 1, 10**18, 500)
    assert {each.kind for each in offers(fake, legs=[leg])} == set(Lender) - {locked}


def test_offers__are_read_in_one_request(fake: FakeChain, held: dict[str, int]) -> None:
    client = Client(fake.url, attempts=1)
    block = client.head()
    fake.requests.clear()
    lenders.offers(client, SETTINGS, USDC, AMOUNT, [pool()], [], block, Settings().multicall, lambda fee, gas: fee)
    assert [method for method, _ in fake.requests] == ["eth_call"]
