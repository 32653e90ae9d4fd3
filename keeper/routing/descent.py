"""The descent to the prices at which the pools' trades add up, compiled: it is many small steps over flat arrays.

Everything is in units of the turnover, tokens and edges by number. `network` lays the arrays out and `dual` says what is asked.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]

_STEPS = 1_000
_ROUNDING = 1e-15
_FIRST_DAMPING, _LEAST_DAMPING, _LESS, _MORE = 10.0, 1e-2, 10.0, 4.0
# After so many steps corners are looked at, so many in a row, where an edge pulls so many times as hard.
_PATIENCE, _CORNERS, _STIFFER = 20, 4, 2.0
# Below this share of the turnover a trade is as good as none.
SMALLEST = 1e-2


class Arrays(NamedTuple):
    """Edges [edges] and their segments [segments]: the fields of `Network` by the same names."""

    source: Ints
    target: Ints
    gamma_in: Floats
    gamma_out: Floats
    scale: Floats
    half_log_gamma: Floats
    hurdle: Floats
    first: Ints
    last: Ints
    low: Floats
    high: Floats
    liquidity: Floats
    before_in: Floats
    before_out: Floats


class Trades(NamedTuple):
    """What each edge trades: input with fee, output, the profit at the prices asked, and its pull on them.

    `pull` is how much more is paid out, at the price of the output, per rise of the logarithm of that price.
    """

    paid: Floats
    out: Floats
    profit: Floats
    pull: Floats


class Question(NamedTuple):
    """Per token: what may be sold and has to be bought, in turnovers, and the least and most that its log-price may be.

    A dollar sold costs `cost`, one bought is worth `worth`.
    """

    surplus: Floats
    deficit: Floats
    least: Floats
    most: Floats
    cost: float
    worth: float


class _Lines(NamedTuple):
    """Every edge's flow as a line in the log-prices: what is brought and taken at the point of the descent, and the pull.

    `off` is by how much the slope there differs from the true one, since some of the lines touch elsewhere.
    """

    brought: Floats
    taken: Floats
    pull: Floats
    off: Floats


@njit(cache=True, error_model="numpy")
def best_trades(pools: Arrays, log_prices: Floats) -> Trades:
    """Every edge's best trade at `log_prices`: swap until the marginal price meets theirs. Closed form."""
    count = len(pools.source)
    paid, out, profit, pull = np.zeros(count), np.zeros(count), np.zeros(count), np.zeros(count)
    prices = np.exp(log_prices)
    for edge in range(count):
        source, target = pools.source[edge], pools.target[edge]
        rise = (log_prices[target] - log_prices[source]) / 2
        if not rise > pools.hurdle[edge]:
            continue
        z = np.exp(rise + pools.half_log_gamma[edge])
        segment = _reached(pools, edge, z)
        low = pools.low[segment]
        reached = min(max(z, low), pools.high[segment])
        moved = pools.liquidity[segment] * (reached - low)
        scale = pools.scale[edge]
        paid[edge] = scale * (pools.before_in[segment] + moved) / pools.gamma_in[edge]
        scale = scale * pools.gamma_out[edge]
        out[edge] = scale * (pools.before_out[segment] + moved / (reached * low))
        profit[edge] = prices[target] * out[edge] - prices[source] * paid[edge]
        if reached == z:
            # A pool that is used up, or between two segments, does not pull.
            pull[edge] = scale * pools.liquidity[segment] / z * prices[target] / 2
    return Trades(paid, out, profit, pull)


@njit(cache=True, error_model="numpy")
def _reached(pools: Arrays, edge: int, z: float) -> int:
    """The segment that an edge stops in at `z`, or the last one before."""
    first, last = int(pools.first[edge]), int(pools.last[edge])
    while first < last:
        middle = (first + last + 1) // 2
        if pools.low[middle] <= z:
            first = middle
        else:
            last = middle - 1
    return first


@njit(cache=True, error_model="numpy")
def lowest(pools: Arrays, question: Question, start: Floats, flat: float) -> tuple[Floats, Trades]:
    """The log-prices that make the bound least, and the trades there, by projected Newton steps with Levenberg's damping.

    The damping is for where the curvature is nought since no pool trades. Close to the minimum the value's gains vanish in
    its rounding before the slope is small; there a step counts if it lowers the slope.

    A pool that begins to trade, or whose liquidity is denser further on, makes a corner in the slope. Where steps run into
    corners so often that the damping holds up everything else, the next step goes by what lies beyond the corner.

    :param flat: slope, by the logarithm of a price, at which to stop
    """
    at = np.minimum(np.maximum(start, question.least), question.most)
    trades = best_trades(pools, at)
    value, slope = _point(pools, question, at, trades)
    lines = _tangents(pools, at, trades)
    damping, eased, corners = _FIRST_DAMPING, True, 0
    for number in range(_STEPS):
        free = _free(question, at, slope)
        steepest = _steepest(free, slope)
        # Next to a trade much smaller than the basket, flows have to be that much closer to be of use.
        if steepest < flat * min(max(trades.out.sum(), SMALLEST), 1.0):
            break
        step, solved = _newton(pools, lines, free, slope + lines.off, damping)
        if not solved:
            # Next to the deepest pool the damping is lost in the rounding.
            damping, eased = damping * _MORE, False
            continue
        is_better = False
        for is_short in (False, True):
            next_at, differs = _moved(question, at, step, is_short)
            if not differs:
                continue
            there_at, there = next_at, best_trades(pools, next_at)
            there_value, there_slope = _point(pools, question, there_at, there)
            flatter = _steepest(_free(question, there_at, there_slope), there_slope) < steepest
            if there_value < value - _ROUNDING or (there_value <= value + _ROUNDING and flatter):
                is_better = True
                break
        if is_better:
            at, trades, value, slope = there_at, there, there_value, there_slope
            lines = _tangents(pools, at, trades)
            damping, eased, corners = max(damping / (_LESS if eased else 1.0), _LEAST_DAMPING), True, 0
        elif number >= _PATIENCE and corners < _CORNERS and _has_corner(lines, there):
            lines = _cornered(pools, lines, there_at - at, _tangents(pools, there_at, there))
            corners += 1
        else:
            lines = _tangents(pools, at, trades)
            damping, eased, corners = damping * _MORE, False, 0
    return at, trades


@njit(cache=True, error_model="numpy")
def _point(pools: Arrays, question: Question, log_prices: Floats, trades: Trades) -> tuple[float, Floats]:
    """The bound at `log_prices`, and its slope by them."""
    prices = np.exp(log_prices)
    flow = question.surplus - question.deficit
    for edge in range(len(pools.source)):
        if trades.out[edge] > 0:
            flow[pools.target[edge]] += trades.out[edge]
            flow[pools.source[edge]] -= trades.paid[edge]
    value = trades.profit.sum()
    for token in range(len(prices)):
        value += question.surplus[token] * (prices[token] - question.cost)
        value += question.deficit[token] * (question.worth - prices[token])
    return value, flow * prices


@njit(cache=True, error_model="numpy")
def _free(question: Question, at: Floats, slope: Floats) -> npt.NDArray[np.bool_]:
    """The prices that can still move downhill: not those held by a limit."""
    free = np.empty(len(at), np.bool_)
    for token in range(len(at)):
        is_low = at[token] <= question.least[token] and slope[token] > 0
        free[token] = not (is_low or (at[token] >= question.most[token] and slope[token] < 0))
    return free


@njit(cache=True, error_model="numpy")
def _steepest(free: npt.NDArray[np.bool_], slope: Floats) -> float:
    steepest = 0.0
    for token in range(len(slope)):
        if free[token]:
            steepest = max(steepest, abs(slope[token]))
    return steepest


@njit(cache=True, error_model="numpy")
def _newton(
    pools: Arrays, lines: _Lines, free: npt.NDArray[np.bool_], slope: Floats, damping: float
) -> tuple[Floats, bool]:
    """The step to where the lines are level, as far as the damping lets it; False where rounding leaves no inverse."""
    step = np.zeros(len(slope))
    place = np.full(len(slope), -1)
    count = 0
    for token in range(len(slope)):
        if free[token] and slope[token] != 0:
            place[token] = count
            step[count] = -slope[token]
            count += 1
    matrix = np.zeros((count, count))
    for edge in range(len(pools.source)):
        pull = lines.pull[edge]
        if pull > 0:
            source, target = place[pools.source[edge]], place[pools.target[edge]]
            if source >= 0:
                matrix[source, source] += pull
            if target >= 0:
                matrix[target, target] += pull
            if source >= 0 and target >= 0:
                matrix[max(source, target), min(source, target)] -= pull
    for row in range(count):
        matrix[row, row] += damping
    solved = _solve_in_place(matrix, step, count)
    for token in range(len(slope) - 1, -1, -1):
        # Places only move up, so that none is overwritten before it is read.
        step[token] = step[place[token]] if place[token] >= 0 else 0.0
    return step, solved


@njit(cache=True, error_model="numpy")
def _solve_in_place(matrix: Floats, right: Floats, count: int) -> bool:
    """Put the solution of matrix @ x = right into `right`, by Cholesky's factors of the lower triangle of `matrix`.

    False, and nonsense in both, where rounding has left the matrix not positive. Our own, because compiling the library's
    takes longer than a day's solves.
    """
    for row in range(count):
        for column in range(row + 1):
            rest = matrix[row, column]
            for inner in range(column):
                rest -= matrix[row, inner] * matrix[column, inner]
            if column < row:
                matrix[row, column] = rest / matrix[column, column]
            elif rest > 0:
                matrix[row, row] = np.sqrt(rest)
            else:
                return False
    for row in range(count):
        for inner in range(row):
            right[row] -= matrix[row, inner] * right[inner]
        right[row] /= matrix[row, row]
    for row in range(count - 1, -1, -1):
        for inner in range(row + 1, count):
            right[row] -= matrix[inner, row] * right[inner]
        right[row] /= matrix[row, row]
    return True


@njit(cache=True, error_model="numpy")
def _moved(question: Question, at: Floats, step: Floats, is_short: bool) -> tuple[Floats, bool]:
    """`at` after the step with every price held back by its own limit; or, if short, as far as the first limit lets all go.

    The second is for prices that no pool pulls apart, which have to move together, as all do when only the general level of
    prices is wrong. False where it is the first again, or no step.
    """
    part = 1.0
    if is_short:
        for token in range(len(at)):
            if step[token] != 0:
                limit = question.most[token] if step[token] > 0 else question.least[token]
                part = min(part, (limit - at[token]) / step[token])
        if not 0 < part < 1:
            return at, False
    moved = np.empty(len(at))
    for token in range(len(at)):
        moved[token] = min(max(at[token] + part * step[token], question.least[token]), question.most[token])
    return moved, True


@njit(cache=True, error_model="numpy")
def _tangents(pools: Arrays, log_prices: Floats, trades: Trades) -> _Lines:
    brought, taken = np.zeros(len(trades.out)), np.zeros(len(trades.out))
    for edge in range(len(brought)):
        if trades.out[edge] > 0:
            brought[edge] = np.exp(log_prices[pools.target[edge]]) * trades.out[edge]
            taken[edge] = np.exp(log_prices[pools.source[edge]]) * trades.paid[edge]
    return _Lines(brought, taken, trades.pull, np.zeros(len(log_prices)))


@njit(cache=True, error_model="numpy")
def _has_corner(lines: _Lines, there: Trades) -> bool:
    for edge in range(len(lines.pull)):  # noqa: SIM110  (generators do not compile)
        if there.pull[edge] > _STIFFER * lines.pull[edge]:
            return True
    return False


@njit(cache=True, error_model="numpy")
def _cornered(pools: Arrays, lines: _Lines, step: Floats, there: _Lines) -> _Lines:
    """The lines with those of the edges that a step ran into, as they are beyond the corner."""
    brought, taken, pull, off = lines.brought.copy(), lines.taken.copy(), lines.pull.copy(), lines.off.copy()
    for edge in range(len(pull)):
        if there.pull[edge] > _STIFFER * pull[edge]:
            source, target = pools.source[edge], pools.target[edge]
            back = there.pull[edge] * (step[target] - step[source])
            off[target] += there.brought[edge] - back - brought[edge]
            off[source] -= there.taken[edge] - back - taken[edge]
            brought[edge], taken[edge] = there.brought[edge] - back, there.taken[edge] - back
            pull[edge] = there.pull[edge]
    return _Lines(brought, taken, pull, off)
