"""A whole comparison: policies and peers on the same prices, with the guards against reading too much into it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from keeper.backtest.engine import Runs, backtest, basket_returns
from keeper.backtest.fund import Fund
from keeper.backtest.guards import Interval, deflated_sharpe, sharpe_interval, walk_forward
from keeper.backtest.metrics import Metrics, metrics, net_returns, pool_growth, theoretical_premium
from keeper.backtest.peers import HOLD, MONTHLY, governance
from keeper.errors import ConfigurationError
from keeper.history.prices import PricePaths
from keeper.policy.rules.spec import RebalancingPolicy

Floats = npt.NDArray[np.float64]

_SHOWN = 12  # policies whose bars are kept, for intervals and pictures


@dataclass(frozen=True, slots=True)
class Row:
    """A policy or a peer. No interval where returns do not differ, are too few or were not kept."""

    name: str
    metrics: Metrics
    interval: Interval | None
    is_peer: bool = False


@dataclass(frozen=True, slots=True)
class Fold:
    """What was best in sample, and what it was worth there and on the bars after."""

    name: str
    in_sample: float  # Sharpe ratios
    out_of_sample: float


@dataclass(frozen=True, slots=True, eq=False)
class Study:
    """A comparison. `rows` are peers first, then policies by their Sharpe ratio, best first."""

    runs: Runs  # of what is shown, with every bar
    names: tuple[str, ...]  # of the runs' policies
    rows: tuple[Row, ...]
    trials: int
    deflated: float | None  # probability that the best Sharpe ratio is no luck
    folds: tuple[Fold, ...]
    theoretical_premium: float
    pool_growth: float  # of a weighted pool, log return a year
    pool_loss: float  # of it to arbitrage, a year


def study(
    fund: Fund,
    prices: PricePaths,
    policies: Mapping[str, RebalancingPolicy],
    folds: int = 0,
    scheduler: str | None = None,
) -> Study:
    """Run and judge.

    :param folds: how often to choose on the past and judge on what follows; 0 for not at all
    :param scheduler: address of a Dask scheduler, on whose workers all trials run, also those of the folds; None for this
        machine's cores. What is shown runs here once more, since every bar of it is kept.
    :raises ConfigurationError: as `backtest`, or the scheduler does not answer
    """
    names, wanted = list(policies), list(policies.values())
    with _runner(scheduler) as run:
        found = metrics(run(fund, prices, wanted))
        judged = _folds(run, fund, prices, names, wanted, folds)
    order = sorted(range(len(wanted)), key=lambda place: -found[place].sharpe)
    shown = order[:_SHOWN]
    peers = {"hold": (fund, HOLD), "monthly": (fund, MONTHLY), "governance auction": (governance(fund), MONTHLY)}
    rows = []
    for name, (its_fund, its_policy) in peers.items():
        runs = backtest(its_fund, prices, [its_policy], is_recorded=True)
        rows.append(Row(name, metrics(runs)[0], _interval(runs, 0), is_peer=True))
    kept = backtest(fund, prices, [wanted[place] for place in shown], is_recorded=True)
    intervals = {place: _interval(kept, at) for at, place in enumerate(shown)}
    rows += [Row(names[place], found[place], intervals.get(place)) for place in order]
    bars_a_year = (prices.bars - 1) / kept.years
    returns = net_returns(kept, 0).ravel()  # of all paths: as many trials of the same policy
    deflated = None
    if len(returns) >= 10 and returns.std() > 0:
        deflated = deflated_sharpe(returns, np.array([each.sharpe for each in found]) / np.sqrt(bars_a_year))
    growth, loss = pool_growth(kept)
    return Study(
        kept,
        tuple(names[place] for place in shown),
        tuple(rows),
        len(wanted),
        deflated,
        judged,
        theoretical_premium(kept),
        growth,
        loss,
    )


def _folds(
    run: "_Run", fund: Fund, prices: PricePaths, names: Sequence[str], policies: Sequence[RebalancingPolicy], count: int
) -> tuple[Fold, ...]:
    found = []
    for split in walk_forward(prices.bars, count) if count else ():
        past, future = prices.slice(split.start, split.middle + 1), prices.slice(split.middle, split.stop + 1)
        sharpes = [each.sharpe for each in metrics(run(fund, past, policies))]
        best = int(np.argmax(sharpes))
        after = metrics(run(fund, future, [policies[best]]))[0].sharpe
        found.append(Fold(names[best], sharpes[best], after))
    return tuple(found)


def _interval(runs: Runs, policy: int) -> Interval | None:
    returns = net_returns(runs, policy)
    if returns.shape[1] < 10 or not (returns.std(axis=1) > 0).all():
        return None
    return sharpe_interval(returns, returns.shape[1] / runs.years)


class _Run(Protocol):
    def __call__(self, fund: Fund, prices: PricePaths, policies: Sequence[RebalancingPolicy], /) -> Runs: ...


@contextmanager
def _runner(scheduler: str | None) -> Iterator[_Run]:
    """What runs policies: this machine, or a cluster while it is connected to."""
    if scheduler is None:
        yield backtest
        return
    from distributed import Client

    client: Any
    try:
        client = Client(scheduler, timeout="10s")  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"no Dask scheduler at {scheduler}: {error}; give one as tcp://host:8786") from None
    with client:
        yield partial(_on_cluster, client)


def _on_cluster(client: Any, fund: Fund, prices: PricePaths, policies: Sequence[RebalancingPolicy]) -> Runs:
    """The policies in parts on a cluster's workers, each of which uses all its cores."""
    workers = max(len(client.scheduler_info(n_workers=-1)["workers"]), 1)
    parts = [part for part in np.array_split(np.arange(len(policies)), 4 * workers) if len(part)]
    shared = client.scatter(prices, broadcast=True)
    jobs = [client.submit(_part, fund, shared, [policies[i] for i in part], pure=False) for part in parts]
    results = np.concatenate(client.gather(jobs))
    return Runs(fund, tuple(policies), prices, results, basket_returns(fund, prices))


def _part(fund: Fund, prices: PricePaths, policies: Sequence[RebalancingPolicy]) -> "npt.NDArray[np.void]":
    return backtest(fund, prices, policies).results
