"""`equipoise history`, as the console script runs it."""

import json
import os

import numpy as np
import pytest

from keeper.cli.app import main
from keeper.history import PriceHistory, read, write
from keeper.history.summary import summarise

HOUR = 3_600
START = 1_735_689_600


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    for name in [name for name in os.environ if name.startswith("EQUIPOISE_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["equipoise", *arguments])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        return (code, *capsys.readouterr())

    return call


def dump(file, closes, first=START):
    rows = [
        f"{(first + i * HOUR) * 1_000},1,1,1,{c},5,{(first + (i + 1) * HOUR) * 1_000 - 1}" for i, c in enumerate(closes)
    ]
    file.write_text("\n".join(rows) + "\n")


def test_history_import__two_assets_of_three_files__makes_a_file_that_show_reads(run, tmp_path):
    dump(tmp_path / "a1.csv", [100, 110])
    dump(tmp_path / "a2.csv", [121, 100], START + 2 * HOUR)
    dump(tmp_path / "b.csv", [1, 1, 1, 1])
    code, out, err = run(
        "history", "import", "binance", "WETH=a1.csv", "WETH=a2.csv", "USDC=b.csv", "--out", "h.parquet", "--json"
    )
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert (found["bars"], found["step_s"], found["gaps"]) == (4, HOUR, [])
    assert [row["asset"] for row in found["assets"]] == ["WETH", "USDC"]
    assert found["assets"][0]["drawdown"] == pytest.approx(21 / 121)
    assert found["assets"][1]["flat"] == 1.0
    assert found["correlation"][0][1] is None  # USDC never moved
    assert read(tmp_path / "h.parquet").prices[:, 0].tolist() == [100, 110, 121, 100]
    code, out, err = run("history", "show", "h.parquet")
    assert (code, err) == (0, "")
    assert "4 bars every 3600 s, 2025-01-01T01:00:00Z to 2025-01-01T04:00:00Z" in out
    assert "No gaps" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("show", "absent.csv"), "history absent.csv does not exist"),
        (("import", "binance", "WETH", "--out", "h.csv"), "'WETH': write it as NAME=VALUE"),
        (("import", "kraken", "WETH=x", "--out", "h.csv"), "format 'kraken' is unknown"),
        (("download", "kraken", "WETH=x", "--from", "2025-01-01", "--out", "h.csv"), "source 'kraken' is unknown"),
        (("download", "binance", "WETH=x", "--from", "soon", "--out", "h.csv"), "time 'soon' is no ISO 8601 date"),
        (
            ("download", "binance", "WETH=x", "--from", "2025-01-01", "--url", "http://127.0.0.1:9", "--out", "h.csv"),
            "binance cannot be reached",
        ),
    ],
)
def test_history__what_cannot_be_done__is_one_line(run, monkeypatch, arguments, message):
    monkeypatch.setenv("EQUIPOISE_READ_ATTEMPTS", "1")
    code, out, err = run("history", *arguments)
    assert (code, out) == (1, "")
    assert message in err
    assert err.count("\n") == 1


def test_history_show__gaps__are_counted_and_named(run, tmp_path):
    times = START + HOUR * np.array([0, 1, 2, 5, 6, 7, 9])
    write(PriceHistory(("[b]A",), times, np.arange(1.0, 8)[:, None]), tmp_path / "h.csv")
    code, out, _ = run("history", "show", "h.csv")
    assert code == 0
    assert "2 gaps, 3 bars missing" in out
    assert "2025-01-01T02:00:00Z to 2025-01-01T05:00:00Z: 2 bars" in out
    assert "[b]A" in out  # a name is no markup


def test_summarise__volatility_and_correlation__are_the_textbooks():
    draws = np.random.default_rng(1).multivariate_normal([0, 0], [[4e-4, 1e-4], [1e-4, 1e-4]], 4_000)
    prices = np.exp(np.vstack([[0, 0], np.cumsum(draws, axis=0)]))
    found = summarise(PriceHistory(("A", "B"), START + 86_400 * np.arange(4_001), prices))
    assert found.volatility == pytest.approx((0.02 * 365**0.5, 0.01 * 365**0.5), rel=0.03)
    assert found.correlation[0][1] == pytest.approx(0.5, abs=0.03)
    assert found.correlation[0][0] == pytest.approx(1)


def test_download__key__comes_from_the_environment_or_a_file(tmp_path):
    from keeper.errors import ConfigurationError
    from keeper.settings import api_key, load

    name = "EQUIPOISE_HISTORY__COINGECKO_API_KEY"
    wanted = load(environment={name: "CG-x"}).history
    assert api_key(wanted.coingecko_api_key, wanted.coingecko_api_key_file).get_secret_value() == "CG-x"
    (tmp_path / "key").write_text("CG-y\n")
    wanted = load(environment={f"{name}_FILE": str(tmp_path / "key")}).history
    assert api_key(wanted.coingecko_api_key, wanted.coingecko_api_key_file).get_secret_value() == "CG-y"
    with pytest.raises(ConfigurationError, match="both set"):
        load(environment={name: "CG-x", f"{name}_FILE": "key"})
