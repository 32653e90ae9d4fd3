"""RouteExecutor.rebalance_with_loan: the vault's pull form with borrowed tokens, from every kind of lender."""

from typing import Any

import pytest
from eth_utils.crypto import keccak

from devnet.addresses import AAVE_POOL, BALANCER_VAULT, CURVE_SUSD_POOL, MORPHO_BLUE, TOKENS, V3_POOLS
from devnet.artifacts import load_bundle
from devnet.codehashes import PUBLISHED
from devnet.deployer import Deployer
from devnet.protocols import morpho
from unit.route_executor.conftest import CURVE, ETHER, USDC, V2, V3, WBTC, WETH, Market
from unit.world import ALL, FAR, WAD, revert, undone

MORPHO, BALANCER_V2, AAVE_V3, UNISWAP_V3, ERC3156 = (1 << place for place in range(5))  # IRouteExecutor.Lender
(
    NO_CALLBACK, CALLS_TWICE, OTHER_INITIATOR, OTHER_DATA, OTHER_PROTOCOL, TAKES_LESS, LENDS_NOTHING, OTHER_TOKEN, OTHER_AMOUNT
) = (1 << place for place in range(9))  # Lender.Trick  # fmt: skip
BORROWED = 60_000 * 10**6  # base units of USDC or USDT

DAI_USDC = next(pool.address for pool in V3_POOLS if pool.tokens == ("DAI", "USDC"))
USDC_USDT = next(pool.address for pool in V3_POOLS if pool.tokens == ("USDC", "USDT"))


def ceil(amount: int, rate: int, one: int) -> int:
    """amount x rate / one, rounded up."""
    return -(-amount * rate // one)


def half_up(amount: int, bps: int) -> int:
    """Aave's percentMul."""
    return (amount * bps + 5_000) // 10_000


@pytest.fixture(scope="module", autouse=True)
def lender(market: Market) -> Any:
    """An ERC-3156 lender; it and Morpho Blue have what is borrowed. The devnet has Morpho Blue only on demand."""
    if not market.box.code(MORPHO_BLUE):
        morpho.deploy(Deployer(market.box, load_bundle(with_morpho=True)))
    assert keccak(market.box.code(MORPHO_BLUE)).hex() == PUBLISHED[MORPHO_BLUE]
    lender = market.world.deployer.deploy(market.world.project.Lender)
    for symbol in ("USDC", "USDT"):
        for who in (lender.address, MORPHO_BLUE):
            market.box.give(TOKENS[symbol].address, who, 2 * BORROWED)
    return lender


def fill(
    market: Market,
    lender: tuple[int, str],
    symbol: str = "USDC",
    amount: int = BORROWED,
    *,
    sells: Any = ((WETH, 20 * ETHER),),
    buys: Any = ((USDC, ALL),),
    buying: Any = (),
    repaying: Any = None,
    least_left: int = 0,
    miscount: int = 0,
    sender: Any = None,
) -> Any:
    """Sell the vault's WETH for what is borrowed; `lender` is kind and address."""
    world = market.world
    kind, address = lender
    if repaying is None:
        repaying = [market.operation(V3, "WETH", symbol, 500)]
    return market.executor.rebalance_with_loan(
        world.vault,
        world.legs(dict(sells)),
        world.legs(dict(buys)),
        [*buying, *repaying],
        FAR,
        (address, kind, TOKENS[symbol].address, amount, least_left, len(buying) + miscount),
        sender=sender or world.keeper,
    )


def assert_settled(market: Market, receipt: Any, *profit: str) -> None:
    """The executor kept nothing, allows nothing, and the keeper has something of each token in `profit` and of nothing else."""
    market.approvals(receipt)
    assert market.holdings(market.executor) == {}
    assert market.holdings(market.world.keeper).keys() == set(profit)


LENDERS = [
    pytest.param((MORPHO, MORPHO_BLUE), 0, id="morpho"),
    pytest.param((BALANCER_V2, BALANCER_VAULT), 0, id="balancer"),
    pytest.param((AAVE_V3, AAVE_POOL), half_up(BORROWED, 5), id="aave"),
    pytest.param((UNISWAP_V3, DAI_USDC), ceil(BORROWED, 100, 10**6), id="uniswap, token1"),
    pytest.param((UNISWAP_V3, USDC_USDT), ceil(BORROWED, 100, 10**6), id="uniswap, token0"),
]


@pytest.mark.parametrize(("source", "fee"), LENDERS)
def test_rebalance_with_loan__every_lender__fills_repays_and_pays_the_owner(
    market: Market, source: tuple[int, str], fee: int
) -> None:
    world = market.world
    held = world.wallet(world.vault)

    receipt = fill(market, source)

    loan = receipt.events.filter(market.executor.FlashLoan)[0]
    assert (loan.lender, loan.token, loan.amount, loan.fee) == (source[1], TOKENS["USDC"].address, BORROWED, fee)
    now = world.wallet(world.vault)
    swap = receipt.events.filter(market.executor.Swap)[0]
    taken = now[USDC] - held[USDC]
    assert held[WETH] - now[WETH] == 20 * ETHER == swap.amount_in
    assert market.holdings(world.keeper) == {"USDC": swap.amount_out - taken - fee}
    assert_settled(market, receipt, "USDC")
    event = receipt.events.filter(world.rebalancer.Rebalanced)[0]
    assert (event.caller, int(event.executor, 16)) == (market.executor, 0)
    assert tuple(receipt.return_value) == (event.value_out, event.value_in)
    # The vault took what the bound asks, and not a unit more.
    assert event.value_in - event.value_out * world.vault.price_bound(block_id=receipt.block_number) // WAD < 2 * 10**12


def test_rebalance_with_loan__erc3156__fills_and_pays_its_fee(market: Market, lender: Any) -> None:
    lender.configure(7 * 10**6, 0, sender=market.world.attacker)
    before = market.box.balance(TOKENS["USDC"].address, lender.address)
    receipt = fill(market, (ERC3156, lender.address))
    assert market.box.balance(TOKENS["USDC"].address, lender.address) == before + 7 * 10**6
    assert_settled(market, receipt, "USDC")


@pytest.mark.parametrize("kind", [MORPHO, BALANCER_V2, AAVE_V3])
def test_rebalance_with_loan__of_usdt__repays_a_token_that_returns_nothing(market: Market, kind: int) -> None:
    address = {MORPHO: MORPHO_BLUE, BALANCER_V2: BALANCER_VAULT, AAVE_V3: AAVE_POOL}[kind]
    buying = [market.operation(CURVE, "USDT", "USDC", 0, pool=CURVE_SUSD_POOL)]
    repaying = [market.operation(V3, "WETH", "USDT", 500), market.operation(V3, "USDC", "USDT", 100)]
    for _ in range(2):
        receipt = fill(
            market, (kind, address), "USDT", 6_000 * 10**6, sells=[(WETH, 2 * ETHER)], buying=buying, repaying=repaying
        )
    assert_settled(market, receipt, "USDT")


def test_rebalance_with_loan__of_what_is_sold__needs_no_swap_to_repay(market: Market) -> None:
    world = market.world
    buying = [market.operation(V3, "WETH", "USDC", 500, WAD * 6 // 10), market.operation(V3, "WETH", "WBTC", 500)]
    held = world.wallet(world.vault)
    receipt = fill(
        market,
        (BALANCER_V2, BALANCER_VAULT),
        "WETH",
        20 * ETHER,
        buys=[(WBTC, ALL), (USDC, ALL)],
        buying=buying,
        repaying=[],
    )
    now = world.wallet(world.vault)
    assert now[USDC] > held[USDC] and now[WBTC] > held[WBTC] and held[WETH] - now[WETH] == 20 * ETHER
    # What the vault did not take of the last token is the owner's.
    assert_settled(market, receipt, "USDC")


def test_rebalance_with_loan__middle_token_left_over__goes_to_the_owner(market: Market) -> None:
    repaying = [
        market.operation(V2, "WETH", "DAI", 3000, WAD // 1000),
        market.operation(V3, "WETH", "USDC", 500, WAD * 999 // 1000),
    ]
    receipt = fill(market, (MORPHO, MORPHO_BLUE), repaying=repaying)
    assert_settled(market, receipt, "DAI", "USDC", "WETH")


def test_rebalance_with_loan__vault_takes_less_than_offered__allowance_is_taken_back(market: Market) -> None:
    world = market.world
    receipt = fill(market, (MORPHO, MORPHO_BLUE))
    granted = market.approvals(receipt)[TOKENS["USDC"].address, world.vault.address]
    assert (granted[0], granted[-1]) == (BORROWED, 0)


def test_rebalance_with_loan__owner_left_with_a_unit_less_than_asked__reverts(market: Market) -> None:
    with undone(market.world.chain):
        fill(market, (MORPHO, MORPHO_BLUE))
        profit = market.holdings(market.world.keeper)["USDC"]
    # The bound falls by the second; ask for more than it can give, and for clearly less.
    with undone(market.world.chain), revert("executor: too little left"):
        fill(market, (MORPHO, MORPHO_BLUE), least_left=profit + 10 * 10**6)
    fill(market, (MORPHO, MORPHO_BLUE), least_left=profit - 10 * 10**6)


def test_rebalance_with_loan__proceeds_short_of_the_debt__reverts(market: Market) -> None:
    short = [market.operation(V3, "WETH", "USDC", 500, WAD * 9 // 10)]
    for source in ((MORPHO, MORPHO_BLUE), (BALANCER_V2, BALANCER_VAULT)):
        with revert("flash: cannot repay"):
            fill(market, source, repaying=short)


def test_rebalance_with_loan__nothing_to_trade__repays_at_once(market: Market, lender: Any, false_vault: Any) -> None:
    loan = lender.address, ERC3156, TOKENS["USDC"].address, BORROWED, 0, 0
    receipt = market.executor.rebalance_with_loan(false_vault, [], [], [], FAR, loan, sender=market.world.keeper)
    assert tuple(receipt.return_value) == (1, 2)
    assert market.approvals(receipt) == {(TOKENS["USDC"].address, lender.address): [BORROWED]}
    assert_settled(market, receipt)


@pytest.mark.parametrize("role", ["attacker", "owner", "deployer"])
def test_rebalance_with_loan__by_anybody_but_the_owner__reverts(market: Market, role: str) -> None:
    with revert("ownable: caller is not the owner"):
        fill(market, (MORPHO, MORPHO_BLUE), sender=getattr(market.world, role))


def test_rebalance_with_loan__more_swaps_before_the_vault_than_given__reverts(market: Market) -> None:
    with revert("executor: more swaps than given"):
        fill(market, (MORPHO, MORPHO_BLUE), miscount=2)
    # All of them before it: nothing turns what it paid into what is owed.
    with revert("flash: cannot repay"):
        fill(market, (MORPHO, MORPHO_BLUE), miscount=1)


@pytest.mark.parametrize("kind", [0, MORPHO | AAVE_V3])
def test_rebalance_with_loan__no_such_kind__reverts(market: Market, kind: int) -> None:
    with revert("flash: unknown lender"):
        fill(market, (kind, MORPHO_BLUE))


def test_rebalance_with_loan__uniswap_pair_that_the_v3_factory_did_not_make__reverts(market: Market) -> None:
    """A pool with the tokens of a real one, at another address."""
    provider = market.world.chain.provider
    address = market.world.stranger.address
    provider.set_code(address, provider.get_code(DAI_USDC))
    with revert("flash: not a factory pool"):
        fill(market, (UNISWAP_V3, address))


def test_rebalance_with_loan__token_that_the_pool_has_not__reverts(market: Market) -> None:
    with revert("flash: not a token of the pool"):
        fill(market, (UNISWAP_V3, DAI_USDC), "USDT")


# --- a lender that does not keep to its protocol


@pytest.mark.parametrize(
    ("trick", "reason"),
    [
        (NO_CALLBACK, "flash: nothing lent"),
        (CALLS_TWICE, "flash: not the lender"),
        (OTHER_INITIATOR, "flash: not the lender"),
        (OTHER_DATA, "flash: not the lender"),
        (OTHER_PROTOCOL, "flash: not the lender"),
        (OTHER_TOKEN, "flash: not the loan asked for"),
        (OTHER_AMOUNT, "flash: not the loan asked for"),
        (LENDS_NOTHING, "rebalance: value short"),
    ],
)
def test_rebalance_with_loan__lender_cheats__reverts(market: Market, lender: Any, trick: int, reason: str) -> None:
    lender.configure(0, trick, sender=market.world.attacker)
    with revert(reason):
        fill(market, (ERC3156, lender.address))


def test_rebalance_with_loan__lender_takes_less_than_its_due__allowance_is_taken_back(
    market: Market, lender: Any
) -> None:
    lender.configure(0, TAKES_LESS, sender=market.world.attacker)
    receipt = fill(market, (ERC3156, lender.address))
    assert market.approvals(receipt)[TOKENS["USDC"].address, lender.address][-1] == 0
    assert_settled(market, receipt, "USDC")


def test_callbacks__by_anybody__revert(market: Market) -> None:
    executor, usdc = market.executor, TOKENS["USDC"].address
    market.box.give(usdc, executor.address, 10**6)
    for who in (market.world.attacker, market.world.keeper):
        for callback, arguments in (
            (executor.onMorphoFlashLoan, (1, b"")),
            (executor.receiveFlashLoan, ([usdc], [1], [0], b"")),
            (executor.executeOperation, (usdc, 1, 0, executor, b"")),
            (executor.uniswapV3FlashCallback, (0, 0, b"")),
            (executor.onFlashLoan, (executor, usdc, 1, 0, b"")),
        ):
            with revert("flash: not the lender"):
                callback(*arguments, sender=who)


def test_callbacks__real_lender_started_by_somebody_else__revert(market: Market) -> None:
    """Who has Balancer lend to this executor cannot make it do anything."""
    usdc = TOKENS["USDC"].address
    market.box.give(usdc, market.executor.address, 10**6)
    world = market.world
    balancer = [
        BALANCER_VAULT,
        "flashLoan(address,address[],uint256[],bytes)",
        market.executor.address,
        [usdc],
        [1],
        b"",
    ]
    aave = [
        AAVE_POOL, "flashLoanSimple(address,address,uint256,bytes,uint16)", market.executor.address, usdc, 10**6, b"", 0
    ]  # fmt: skip
    for call in (balancer, aave):
        with pytest.raises(Exception, match="flash: not the lender"):
            market.box.send(world.attacker.address, *call)
