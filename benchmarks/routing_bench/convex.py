"""The same convex programme handed to cvxpy with Clarabel, scaled as well as ours.

Units are dollars by turnover. A stretch of a constant-product pool pays out = (b/a) (m - m²/(a + m)) for an input m of at most
`most`, where a = L low and b = L / low are its virtual reserves (Uniswap V3 whitepaper, 6.13 and 6.15). With w standing for
m²/(a + m), which is a rotated second-order cone, every number is near one also where the pool is a million times the trade: the
usual (a + m) (b - out) >= L² drowns the trade in the reserves.

Uniswap V2 and V3 pools are such stretches, in both directions. Weighted pools with weights that differ need power cones, and
stable pools cones of three variables, in which small trades drown again; they are left out, and ours is solved without them
as well when the two are compared.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import cvxpy
import numpy as np
import numpy.typing as npt
from scipy import sparse  # type: ignore[import-untyped]

from keeper.markets import Pool
from keeper.markets.price_curves import Floats, Ladder
from keeper.routing import WAD, RebalanceProblem

cp: Any = cvxpy  # what it exports is not typed


@dataclass(frozen=True, slots=True)
class ConvexAnswer:
    """What Clarabel says: its status and the objective in USD; processor ms of building and compiling, and of the solver."""

    status: str
    objective: float
    build_ms: float
    solve_ms: float


@dataclass(frozen=True, slots=True)
class _Stretches:
    """One row each, in the units above: tokens by number, virtual reserves, most that goes in, what the fee leaves."""

    source: npt.NDArray[np.int64]
    target: npt.NDArray[np.int64]
    a: Floats
    b: Floats
    most: Floats
    gamma: Floats


def fits(pools: Iterable[Pool]) -> tuple[Pool, ...]:
    """The pools that are stretches of constant products."""
    return tuple(pool for pool in pools if isinstance(pool.price_curve(*pool.tokens[:2]), Ladder))


def solve_convex(problem: RebalanceProblem, reward: float) -> ConvexAnswer:
    """Maximise the value bought less (1 - reward) times that sold, over pools that fit; gas is free.

    Trades are floats and fees apply per pool, as in our dual. Raises cvxpy's SolverError.
    """
    start = time.process_time()
    usd = {token: problem.prices[token] / WAD / 10 ** problem.decimals[token] for token in sorted(problem.prices)}
    number = {token: at for at, token in enumerate(usd)}
    turnover = min(_worth(problem.surplus, usd), _worth(problem.deficit, usd))
    rows = _stretches(problem.pools, usd, number, turnover, 1 - reward)
    surplus, deficit = np.zeros(len(usd)), np.zeros(len(usd))
    for token, amount in problem.surplus.items():
        surplus[number[token]] = amount * usd[token] / turnover
    for token, amount in problem.deficit.items():
        deficit[number[token]] = amount * usd[token] / turnover

    unit = np.sqrt(rows.most)
    bend = unit / rows.a
    moved, loss = cp.Variable(len(unit), nonneg=True), cp.Variable(len(unit), nonneg=True)
    sold, bought = cp.Variable(len(usd), nonneg=True), cp.Variable(len(usd), nonneg=True)
    depth = 1 + cp.multiply(bend, moved)
    columns = np.arange(len(unit))
    shape = (len(usd), len(unit))
    rate = rows.b / rows.a * unit
    paid = sparse.csr_array((unit / rows.gamma, (rows.source, columns)), shape)
    out = sparse.csr_array((rate, (rows.target, columns)), shape)
    lost = sparse.csr_array((rate * bend, (rows.target, columns)), shape)
    programme = cp.Problem(
        cp.Maximize(cp.sum(bought) - (1 - reward) * cp.sum(sold)),
        [
            cp.SOC(loss + depth, cp.vstack([2 * moved, loss - depth]), axis=0),  # loss * depth >= moved ** 2
            moved <= rows.most / unit,
            sold <= surplus,
            bought <= deficit,
            out @ moved - lost @ loss - paid @ moved + sold - bought >= 0,
        ],
    )
    data, chain, inverse = programme.get_problem_data(cp.CLARABEL)
    built = time.process_time()
    answer = chain.solve_via_data(programme, data)
    solved = time.process_time()
    programme.unpack_results(answer, chain, inverse)
    return ConvexAnswer(
        programme.status, float(programme.value) * turnover, (built - start) * 1e3, (solved - built) * 1e3
    )


def _stretches(
    pools: Iterable[Pool], usd: dict[str, float], number: dict[str, int], turnover: float, worst: float
) -> _Stretches:
    """All that pays at least `worst` for the next dollar."""
    rows: list[tuple[Floats, ...]] = []
    for pool in pools:
        for token_in, token_out in permutations(pool.tokens, 2):
            curve = pool.price_curve(token_in, token_out)
            if not isinstance(curve, Ladder):
                continue
            curve = curve.scaled(usd[token_in] / turnover, usd[token_out] / turnover)
            end = np.sqrt(curve.gamma_in / worst)
            near = curve.low < end
            low, high, liquidity = curve.low[near], np.minimum(curve.high[near], end), curve.liquidity[near]
            same = np.ones(len(low))
            rows.append(
                (
                    same * number[token_in],
                    same * number[token_out],
                    liquidity * low,
                    liquidity / low,
                    liquidity * (high - low),
                    same * curve.gamma_in,
                )
            )
    source, target, *others = (np.concatenate(column) for column in zip(*rows, strict=True))
    return _Stretches(source.astype(int), target.astype(int), *others)


def _worth(amounts: Mapping[str, int], usd: Mapping[str, float]) -> float:
    return sum(amount * usd[token] for token, amount in amounts.items())
