"""The forecasters on two decades of real prices: how far off they are a day, a week and a month ahead, and which one is used.

    uv run python benchmarks/forecast.py [--json]

Daily closes of the S&P 500 and the Nasdaq, 1999 to 2018, as the library arch ships them; nothing is downloaded. Each forecaster
walks through the second half, a dozen fits on the way, and is judged by the squared returns that came. Differences are to the
plain EWMA, best first; p is that of Diebold and Mariano.
"""

import argparse
import json
import time

import pandas as pd
from arch.data import nasdaq, sp500
from rich.console import Console
from rich.table import Table

from keeper.cli.outlook_view import payload_of_outlook
from keeper.forecast import look
from keeper.history import PriceHistory

HORIZONS = {"a day": 1, "a week": 5, "a month": 22}  # bars of days on which stocks trade


def main() -> None:
    """Measure and print a table, or one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    prices, rows = indices(), []
    for name, horizon in HORIZONS.items():
        started = time.process_time()
        found = payload_of_outlook(look(prices, horizon))
        rows.append(
            {"ahead": name, "seconds": time.process_time() - started, **found["ranking"], "reason": found["reason"]}
        )
    if arguments.json:
        print(json.dumps({"bars": prices.bars, "horizons": rows}, indent=2))
        return
    console = Console(width=120)
    for row in rows:
        title = f"{row['ahead']} ahead, {row['forecasts']} forecasts in {row['seconds']:.0f} s of one processor"
        table = Table(title=title, title_justify="left", title_style="bold")
        table.add_column("forecaster")
        for heading in ("QLIKE", "MSE", "against ewma", "DM", "p"):
            table.add_column(heading, justify="right")
        for score in row["scores"]:
            tested = [score["difference"], score["dm"], score["p"]]
            figures = ["" if each is None else f"{each:.4f}" for each in tested]
            table.add_row(score["forecaster"], f"{score['qlike']:.4f}", f"{score['mse']:.6f}", *figures)
        console.print(table, row["reason"], "")


def indices() -> PriceHistory:
    """Both indices, on the days that both have."""
    closes = pd.concat([sp500.load()["Adj Close"], nasdaq.load()["Adj Close"]], axis=1, join="inner").dropna()
    times = (closes.index.astype("int64") // 10**9).to_numpy()
    return PriceHistory(("S&P 500", "Nasdaq"), times, closes.to_numpy())


if __name__ == "__main__":
    main()
