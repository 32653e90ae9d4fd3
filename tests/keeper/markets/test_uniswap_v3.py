"""The Uniswap V3 swap loop without a chain: hand-walked steps, ends, gaps, unread ticks, and what must always hold."""

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from keeper.markets import InsufficientLiquidity, InvalidPool, Tick, TicksNotLoaded, UniswapV3Pool, WrongToken
from keeper.markets.sqrt_price_math import Q96
from keeper.markets.swap_math import compute_swap_step
from keeper.markets.tick_math import (
    MAX_SQRT_RATIO,
    MAX_TICK,
    MIN_SQRT_RATIO,
    MIN_TICK,
    sqrt_ratio_at_tick,
    tick_at_sqrt_ratio,
)

POOL = "0x00000000000000000000000000000000000000aa"
LOW = "0x0000000000000000000000000000000000000001"
HIGH = "0x0000000000000000000000000000000000000002"
OTHER = "0x0000000000000000000000000000000000000003"
ETHER = 10**18
SPACING = 60


def pool_of(
    *ranges: tuple[int, int, int], sqrt_price_x96: int = Q96, fee: int = 3000, spacing: int = SPACING
) -> UniswapV3Pool:
    """A fully read pool whose positions are (lower tick, upper tick, liquidity)."""
    tick = tick_at_sqrt_ratio(sqrt_price_x96)
    net: dict[int, int] = {}
    for lower, upper, liquidity in ranges:
        net[lower] = net.get(lower, 0) + liquidity
        net[upper] = net.get(upper, 0) - liquidity
    ticks = tuple(Tick(index, amount) for index, amount in sorted(net.items()))
    active = sum(liquidity for lower, upper, liquidity in ranges if lower <= tick < upper)
    return UniswapV3Pool(POOL, LOW, HIGH, fee, spacing, sqrt_price_x96, tick, active, ticks)


@st.composite
def pools(draw: st.DrawFn) -> UniswapV3Pool:
    """Full-range depth so that no amount drawn runs dry, and up to four overlapping positions around the price."""
    spacing, fee = draw(st.sampled_from([(1, 100), (10, 500), (60, 3000), (200, 10_000)]))
    end = MAX_TICK // spacing * spacing
    ranges = [(-end, end, draw(st.integers(10**15, 10**22)))]
    for _ in range(draw(st.integers(0, 4))):
        lower, width = draw(st.integers(-400, 399)), draw(st.integers(1, 400))
        ranges.append((lower * spacing, (lower + width) * spacing, draw(st.integers(1, 10**23))))
    start = sqrt_ratio_at_tick(draw(st.integers(-200, 200)) * spacing)
    return pool_of(*ranges, sqrt_price_x96=start + draw(st.integers(0, 10**20)), fee=fee, spacing=spacing)


amounts = st.integers(1, 10**22)
ways = st.sampled_from([(LOW, HIGH), (HIGH, LOW)])


def test_amount_out__within_one_range__is_one_step() -> None:
    pool = pool_of((-6000, 6000, 100 * ETHER))
    step = compute_swap_step(Q96, sqrt_ratio_at_tick(6000), 100 * ETHER, ETHER, 3000)
    assert pool.amount_out(HIGH, LOW, ETHER) == step.amount_out
    # 0.997 in on liquidity 100 at price 1 pays 0.997 / 1.00997.
    assert step.amount_out == 99_700 * ETHER // 100_997
    _, after = pool.swap(HIGH, LOW, ETHER)
    assert after.sqrt_price_x96 == step.sqrt_price_x96
    assert after.tick == tick_at_sqrt_ratio(step.sqrt_price_x96)


def test_amount_out__crosses_into_another_range__is_the_sum_of_steps() -> None:
    pool = pool_of((-600, 600, 10 * ETHER), (-6000, 6000, 5 * ETHER))
    boundary = sqrt_ratio_at_tick(600)
    first = compute_swap_step(Q96, boundary, 15 * ETHER, ETHER, 3000)
    left = ETHER - first.amount_in - first.fee_amount
    second = compute_swap_step(boundary, sqrt_ratio_at_tick(6000), 5 * ETHER, left, 3000)
    result = pool.simulate(False, ETHER)
    assert result.amount_out == first.amount_out + second.amount_out
    assert (result.ticks_crossed, result.liquidity) == (1, 5 * ETHER)


def test_amount_out__passes_a_word_of_the_bitmap__rounds_there_as_the_chain_does() -> None:
    # Tick spacing 1: words end every 256 ticks, so a swap from tick 0 to below 5000 stops at 255, 511, ...
    pool = pool_of((-5000, 5000, 10**15 + 7), fee=100, spacing=1)
    amount = 10**14
    price, left, out = Q96, amount, 0
    for stop in range(255, 5000, 256):
        step = compute_swap_step(price, sqrt_ratio_at_tick(stop), 10**15 + 7, left, 100)
        price, left, out = step.sqrt_price_x96, left - step.amount_in - step.fee_amount, out + step.amount_out
        if not left:
            break
    straight = compute_swap_step(Q96, sqrt_ratio_at_tick(5000), 10**15 + 7, amount, 100)
    assert pool.amount_out(HIGH, LOW, amount) == out
    assert out < straight.amount_out


def test_simulate__ends_exactly_on_an_initialised_tick__tick_depends_on_direction() -> None:
    pool = pool_of((-60, 60, ETHER), (-6000, 6000, ETHER))
    down = pool.simulate(True, ETHER, sqrt_ratio_at_tick(-60))
    assert (down.sqrt_price_x96, down.tick, down.liquidity) == (sqrt_ratio_at_tick(-60), -61, ETHER)
    up = pool.simulate(False, ETHER, sqrt_ratio_at_tick(60))
    assert (up.sqrt_price_x96, up.tick, up.liquidity) == (sqrt_ratio_at_tick(60), 60, ETHER)


def test_swap__after_ending_on_a_tick__goes_on_both_ways() -> None:
    start = pool_of((-60, 60, ETHER), (-6000, 6000, ETHER))
    pool = start.after(start.simulate(True, ETHER, sqrt_ratio_at_tick(-60)))
    assert pool.amount_out(LOW, HIGH, 10**6) > 0
    back = pool.simulate(False, 10**15)
    assert back.ticks_crossed == 1
    assert back.liquidity == 2 * ETHER


def test_simulate__price_limit__fills_in_part() -> None:
    pool = pool_of((-6000, 6000, ETHER))
    result = pool.simulate(True, ETHER, sqrt_ratio_at_tick(-60))
    assert result.sqrt_price_x96 == sqrt_ratio_at_tick(-60)
    assert 0 < result.amount_in < ETHER


@pytest.mark.parametrize(
    ("zero_for_one", "limit"), [(True, Q96), (True, MIN_SQRT_RATIO), (False, Q96), (False, MAX_SQRT_RATIO)]
)
def test_simulate__limit_on_the_wrong_side__is_refused(zero_for_one: bool, limit: int) -> None:
    with pytest.raises(ValueError, match="price limit"):
        pool_of((-600, 600, ETHER)).simulate(zero_for_one, 1, limit)


def test_simulate__of_nothing__is_refused_as_on_chain() -> None:
    with pytest.raises(ValueError, match="nothing"):
        pool_of((-600, 600, ETHER)).simulate(True, 0)


def test_amount_out__more_than_all_liquidity__has_no_liquidity_but_simulate_fills_what_it_can() -> None:
    pool = pool_of((-600, 600, ETHER))
    with pytest.raises(InsufficientLiquidity, match="can take"):
        pool.amount_out(LOW, HIGH, 10**30)
    result = pool.simulate(True, 10**30)
    assert (result.sqrt_price_x96, result.liquidity, result.ticks_crossed) == (MIN_SQRT_RATIO + 1, 0, 1)
    with pytest.raises(InsufficientLiquidity, match="can give"):
        pool.amount_in(LOW, HIGH, result.amount_out + 1)
    assert pool.amount_in(LOW, HIGH, result.amount_out) == result.amount_in


def test_amount_out__across_a_gap_without_liquidity__goes_through() -> None:
    pool = pool_of((-60, 60, ETHER), (-6000, -3000, ETHER))
    result = pool.simulate(True, ETHER // 50)
    assert result.amount_in == ETHER // 50
    assert result.tick < -3000
    assert result.ticks_crossed == 2


def test_amount_out__liquidity_up_to_the_last_ticks__walks_to_the_end() -> None:
    end = MAX_TICK // SPACING * SPACING
    pool = pool_of((-end, end, 10**6))
    assert pool.amount_out(LOW, HIGH, 10**24) > 0
    assert pool.amount_out(HIGH, LOW, 10**24) > 0
    assert pool.simulate(True, 10**40).sqrt_price_x96 == MIN_SQRT_RATIO + 1
    assert pool.simulate(False, 10**40).sqrt_price_x96 == MAX_SQRT_RATIO - 1


def test_pool__at_the_end_of_prices__can_only_go_back() -> None:
    end = MAX_TICK // SPACING * SPACING
    start = pool_of((-end, end, 10**6))
    pool = start.after(start.simulate(True, 10**40))
    with pytest.raises(InsufficientLiquidity, match="end of its prices"):
        pool.amount_out(LOW, HIGH, 1)
    assert pool.price_curve(LOW, HIGH) is None
    assert pool.amount_out(HIGH, LOW, 10**6) > 0


def test_pool__without_liquidity__has_no_price_and_takes_nothing() -> None:
    pool = pool_of()
    with pytest.raises(InsufficientLiquidity):
        pool.amount_out(LOW, HIGH, 1)
    assert pool.marginal_price(LOW, HIGH) == 0.0
    assert pool.price_curve(HIGH, LOW) is None


def test_pool__one_sided__trades_one_way_only() -> None:
    pool = pool_of((600, 1200, ETHER))
    assert pool.amount_out(HIGH, LOW, 10**9) > 0
    assert pool.marginal_price(HIGH, LOW) == pytest.approx(1.0001**-600 * 0.997)
    assert pool.marginal_price(LOW, HIGH) == 0.0
    with pytest.raises(InsufficientLiquidity):
        pool.amount_out(LOW, HIGH, 10**9)


def test_amount_out__of_nothing__is_nothing() -> None:
    pool = pool_of((-600, 600, ETHER))
    assert (pool.amount_out(LOW, HIGH, 0), pool.amount_in(LOW, HIGH, 0)) == (0, 0)
    assert pool.swap(LOW, HIGH, 0) == (0, pool)


def test_amount_out__token_of_another_pool__names_it() -> None:
    with pytest.raises(WrongToken, match=OTHER):
        pool_of((-600, 600, ETHER)).amount_out(OTHER, LOW, 1)


def test_amount_out__negative_amount__is_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        pool_of((-600, 600, ETHER)).amount_out(LOW, HIGH, -1)


def test_price_curve__two_ranges__carries_depth_and_ends() -> None:
    pool = pool_of((-600, 600, 10 * ETHER), (-6000, 6000, 5 * ETHER))
    for way in ((LOW, HIGH), (HIGH, LOW)):
        curve = pool.price_curve(*way)
        assert curve is not None
        assert curve.liquidity.tolist() == [15e18, 5e18]
        assert curve.low.tolist() == pytest.approx([1, 1.0001**300], rel=1e-15)
        assert curve.high.tolist() == pytest.approx([1.0001**300, 1.0001**3000], rel=1e-15)


def partly_read(pool: UniswapV3Pool, lower: int, upper: int) -> UniswapV3Pool:
    ticks = tuple(tick for tick in pool.ticks if lower <= tick.index <= upper)
    return replace(pool, ticks=ticks, tick_lower_loaded=lower, tick_upper_loaded=upper)


def test_amount_out__stays_in_the_ticks_loaded__equals_the_whole_pool() -> None:
    whole = pool_of((-600, 600, 10 * ETHER), (-12000, 12000, 5 * ETHER))
    part = partly_read(whole, -900, 900)
    for way in ((LOW, HIGH), (HIGH, LOW)):
        for amount in (1, 10**15, ETHER // 2):
            assert part.amount_out(*way, amount) == whole.amount_out(*way, amount)


def test_amount_out__leaves_the_ticks_loaded__says_so() -> None:
    part = partly_read(pool_of((-600, 600, 10 * ETHER), (-12000, 12000, 5 * ETHER)), -900, 900)
    for way in ((LOW, HIGH), (HIGH, LOW)):
        with pytest.raises(TicksNotLoaded, match=r"-900\.\.900; read more"):
            part.amount_out(*way, ETHER)
        curve = part.price_curve(*way)
        assert curve is not None
        assert ((curve.low < curve.high) & (curve.high < 1.05)).all()


def test_amount_out__price_reaches_the_last_loaded_tick_and_no_further__is_known() -> None:
    whole = pool_of((-600, 600, 10 * ETHER), (-12000, 12000, 5 * ETHER))
    part = partly_read(whole, -600, 600)
    to_edge = whole.simulate(True, ETHER, sqrt_ratio_at_tick(-600))
    assert part.simulate(True, to_edge.amount_in) == to_edge
    with pytest.raises(TicksNotLoaded):
        part.simulate(True, to_edge.amount_in + 10**9)


@pytest.mark.parametrize(
    "change",
    [
        {"sqrt_price_x96": 0},
        {"sqrt_price_x96": MAX_SQRT_RATIO},
        {"tick": 5},
        {"tick": MAX_TICK},
        {"tick_spacing": 0},
        {"tick_spacing": 7},
        {"liquidity": -1},
        {"liquidity": 3 * ETHER},
        {"fee": 10**6},
        {"token0": HIGH, "token1": LOW},
        {"ticks": (Tick(600, -ETHER), Tick(-600, ETHER))},
        {"ticks": (Tick(-600, ETHER), Tick(600, -2 * ETHER))},
        {"ticks": (Tick(-600, ETHER), Tick(-600, ETHER), Tick(600, -2 * ETHER)), "liquidity": 2 * ETHER},
        {"tick_lower_loaded": 60},
        {"tick_upper_loaded": -60},
        {"tick_lower_loaded": -300},
        {"tick_lower_loaded": MIN_TICK - 1},
    ],
)
def test_pool__impossible_state__is_refused(change: dict[str, object]) -> None:
    with pytest.raises(InvalidPool, match=POOL):
        replace(pool_of((-600, 600, ETHER)), **change)  # type: ignore[arg-type]


@given(pools(), ways, amounts, amounts)
def test_amount_out__more_in__never_less_out(pool: UniswapV3Pool, way: tuple[str, str], a: int, b: int) -> None:
    assert pool.amount_out(*way, a + b) >= pool.amount_out(*way, a)


@given(pools(), ways, amounts)
def test_amount_in__of_an_output__costs_no_more_than_was_paid_and_buys_it(
    pool: UniswapV3Pool, way: tuple[str, str], amount: int
) -> None:
    out = pool.amount_out(*way, amount)
    assume(out > 0)
    asked = pool.amount_in(*way, out)
    assert asked <= amount
    assert pool.amount_out(*way, asked) >= out


@given(pools(), ways, amounts, amounts)
def test_swap__in_two_parts__never_beats_the_whole(pool: UniswapV3Pool, way: tuple[str, str], a: int, b: int) -> None:
    first, middle = pool.swap(*way, a)
    second, _ = middle.swap(*way, b)
    assert first + second <= pool.amount_out(*way, a + b)


@given(pools(), ways, amounts)
def test_swap__there_and_back__never_profits(pool: UniswapV3Pool, way: tuple[str, str], amount: int) -> None:
    out, after = pool.swap(*way, amount)
    assert after.amount_out(*reversed(way), out) <= amount


@given(pools(), ways, amounts)
def test_swap__any__ends_in_a_state_that_checks_out(pool: UniswapV3Pool, way: tuple[str, str], amount: int) -> None:
    _, after = pool.swap(*way, amount)  # raises InvalidPool if price, tick, liquidity and ticks disagree
    assert (after.sqrt_price_x96 <= pool.sqrt_price_x96) == (
        way[0] == LOW
    ) or after.sqrt_price_x96 == pool.sqrt_price_x96


@given(pools(), ways)
def test_price_curve__any__describes_the_exact_swap(pool: UniswapV3Pool, way: tuple[str, str]) -> None:
    curve = pool.price_curve(*way)
    assert curve is not None
    start, liquidity = float(curve.low[0]), float(curve.liquidity[0])
    end = min(float(curve.high[0]), start * 1.005)
    taken, paid = liquidity * (end - start), liquidity * (1 / start - 1 / end)
    assume(paid > 10**9)
    # The curve begins where the float next to the root of the price is.
    rounding = liquidity / start * 1e-15
    assert pool.amount_out(*way, int(taken / curve.gamma_in)) == pytest.approx(paid, rel=1e-6, abs=rounding)


def test_pool__lowest_tick_of_all__is_a_state() -> None:
    pool = pool_of((MIN_TICK, MAX_TICK, 10**6), spacing=1, sqrt_price_x96=MIN_SQRT_RATIO + 1)
    assert pool.tick == MIN_TICK
    assert pool.amount_out(HIGH, LOW, 10) > 0
