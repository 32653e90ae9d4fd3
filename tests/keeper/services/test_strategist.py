"""A strategist's pass on a fake endpoint: which prices it takes, what it decides, what it signs, what it writes down."""

import numpy as np
import pytest
from eth_account import Account
from fake_chain import NOBODY, USDC, WAD, WETH, FakeVault, Revert, address, bare_snapshot, error_string, mine, target_of
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from keeper.chain import abi
from keeper.chain.rpc import Client
from keeper.chain.snapshot import Asset
from keeper.errors import ConfigurationError, ForecastError
from keeper.execution.fees import GasTooExpensive
from keeper.execution.signer import KeystoreSigner
from keeper.execution.signer.policy import FeeAboveCap, SelectorNotAllowed, TargetNotAllowed
from keeper.execution.simulate import Halted
from keeper.history import PriceHistory
from keeper.ledger import Ledger, State
from keeper.policy import Decision, Kind
from keeper.policy.bands import DAY_S, UNIT
from keeper.services.price_sources import of_basket, of_ledger
from keeper.services.strategist import strategist_pass
from keeper.settings import load

PERCENT = WAD // 100


def prices_until(end: int, bars: int = 300, deviation: float = 0.04, names=("WETH", "USDC"), step_s: int = DAY_S):
    """Daily prices of a token and of a coin that hardly moves, up to `end`."""
    generator = np.random.Generator(np.random.PCG64(12))
    returns = generator.standard_normal((bars, 2)) * [deviation, 1e-4]
    prices = [2_000, 1] * np.exp(np.vstack([np.zeros(2), np.cumsum(returns, axis=0)]))
    return PriceHistory(names, end - step_s * np.arange(bars, -1, -1), prices)


class Desk:
    """A strategist's client, settings, ledger and key over a fake vault."""

    def __init__(self, fake, folder):
        self.fake = fake
        self.vault = FakeVault(fake).install()
        self.client = Client(fake.url, attempts=1)
        self.ledger = Ledger(folder / "ledger.sqlite")
        self.signer = KeystoreSigner(Account.create())
        self.bands = [5 * PERCENT, 5 * PERCENT]
        self.rails = (PERCENT, 10 * PERCENT, PERCENT)
        self.set_at = fake.timestamp - DAY_S
        self.strategist = self.signer.address
        self.history = prices_until(fake.timestamp)
        rebalancer = abi.Rebalancer
        for function, answer in (
            (rebalancer.bands, lambda *_: self.bands),
            (rebalancer.rails, lambda *_: (self.rails, self.set_at)),
            (rebalancer.strategist, lambda *_: self.strategist),
            (rebalancer.set_bands, b""),
        ):
            fake.view(self.vault.rebalancer, function, answer)
        fake.on_send = mine(fake)
        self.change()

    def change(self, enabled: bool = True, **strategist) -> None:
        arguments = {"confirmations": 1, "strategist": {"enabled": enabled, "forecaster": "ewma"} | strategist}
        self.settings = load(arguments=arguments, environment={})

    def run(self, armed: bool = True, history: PriceHistory | None = None):
        signer = self.signer if armed else None
        return strategist_pass(
            self.client, self.settings, self.vault.address, self.ledger, history or self.history, signer
        )


@pytest.fixture
def desk(fake, tmp_path):
    found = Desk(fake, tmp_path)
    yield found
    found.ledger.close()


def test_pass__when_armed__sets_what_the_speed_allows_towards_what_is_wanted(desk):
    result = desk.run()
    first, second = result.plan.bands.moves
    # Both weights of a pair move alike: 4 % a day is 76 % a year, a quarter of that each; (3 · 0.003 · 0.19² / 8)^(1/3).
    assert result.plan.half_widths[0] == pytest.approx(result.plan.half_widths[1])
    assert first.wanted / WAD == pytest.approx(0.0345, rel=0.2)
    assert 0 < 5 * PERCENT - first.settable <= PERCENT
    assert (first.settable % UNIT, first.settable) == (0, second.settable)
    (raw,) = desk.fake.sent
    assert target_of(raw) == desk.vault.rebalancer
    (row,) = desk.ledger.transactions()
    (decision,) = desk.ledger.decisions()
    assert (row.state, row.mode, row.decision_id) == (State.CONFIRMED, "bands", decision.id)
    assert (decision.kind, decision.armed) == ("bands", True)
    assert decision.reason.startswith("WETH 5.0000% → 4.")
    assert decision.reason.endswith("ewma is used: it was asked for")
    assert result.plan.call.data == abi.Rebalancer.set_bands.encode([first.settable, second.settable])


def test_pass__when_dry__sends_nothing_and_simulates_as_the_strategist(desk):
    desk.strategist = address("somebody else")
    result = desk.run(armed=False)
    assert (result.mined, result.armed, desk.fake.sent) == (None, False, [])
    assert result.plan.simulation.gas == 200_000
    asked = [params[0]["from"] for method, params in desk.fake.requests if method == "eth_estimateGas"]
    assert asked == [desk.strategist]
    (decision,) = desk.ledger.decisions()
    assert (decision.kind, decision.armed) == ("bands", False)


def test_pass__small_change__is_held_and_written_down(desk):
    wanted = desk.run(armed=False).plan.bands.moves[0].wanted
    desk.bands = [wanted + 9 * PERCENT // 100] * 2
    result = desk.run()
    assert desk.fake.sent == []
    assert result.plan.decision.reason == "nothing is set: every band is as wide as it should be, or nearly so"
    assert desk.ledger.decisions()[-1].kind == "bands"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"rails": (PERCENT, 10 * PERCENT, 0)}, "the owner has fixed the bands"),
        ({"strategist": NOBODY}, "the vault has no strategist"),
        ({"set_at": 1_800_000_000}, "too small a step yet"),
    ],
)
def test_pass__nothing_may_be_set__says_why_and_simulates_nothing(desk, change, words):
    for name, value in change.items():
        setattr(desk, name, value)
    result = desk.run(armed=False)
    assert words in result.plan.decision.reason
    assert (result.plan.call, result.plan.simulation) == (None, None)


def test_pass__vault_is_shut_down__sets_nothing(desk):
    desk.vault.is_shut_down = True
    assert desk.run().plan.decision.reason == "nothing is set: the vault is shut down"
    assert desk.fake.sent == []


def test_pass__by_default__is_not_allowed_to_set_bands(desk):
    assert load(arguments={}, environment={}).strategist.enabled is False
    desk.change(enabled=False)
    with pytest.raises(ConfigurationError, match=r"strategist\.enabled is off"):
        desk.run()
    assert desk.fake.sent == []
    assert desk.run(armed=False).plan.call is not None


@pytest.mark.parametrize(
    ("fees", "error", "words"),
    [
        ({"gas_price_max_gwei": 0.001}, GasTooExpensive, "gas_price_max_gwei"),
        ({"transaction_max_eth": 0.000_1}, FeeAboveCap, "the cap is 100000000000000"),
    ],
)
def test_pass__dearer_than_the_settings_allow__sends_nothing(desk, fees, error, words):
    desk.settings = desk.settings.model_copy(update={"fees": desk.settings.fees.model_copy(update=fees)})
    with pytest.raises(error, match=words):
        desk.run()
    assert desk.fake.sent == []


def test_lane__order_for_bands_with_settings_that_do_not_allow_it__signs_nothing(desk, monkeypatch):
    """The signer's policy holds by itself, whatever the code before it forgets."""
    from keeper.execution.lane import launch

    strict = load(arguments={}, environment={})
    monkeypatch.setattr(
        launch.checks, "strategist_policy_of", lambda _, *rest, of=launch.checks.strategist_policy_of: of(strict, *rest)
    )
    with pytest.raises(TargetNotAllowed):
        desk.run()
    assert desk.fake.sent == []


def test_lane__bands_under_another_mode__are_refused(desk, monkeypatch):
    """A keeper's mode has a keeper's list, on which the rebalancer does not stand."""
    from dataclasses import replace

    from keeper.services import strategist

    setting = strategist.setting_bands
    monkeypatch.setattr(strategist, "setting_bands", lambda *given: replace(setting(*given), mode="open"))
    with pytest.raises((TargetNotAllowed, SelectorNotAllowed)):
        desk.run()
    assert desk.fake.sent == []


def test_pass__key_of_somebody_else__names_the_strategist(desk):
    desk.strategist = address("somebody else")
    with pytest.raises(ConfigurationError, match=f"is not the strategist of vault .*, {desk.strategist} is"):
        desk.run()
    assert desk.ledger.decisions()[-1].kind == "bands"


def test_pass__simulation_reverts__sends_nothing(desk):
    def revert(*_):
        raise Revert(error_string("bands: outside rails"))

    desk.fake.view(desk.vault.rebalancer, abi.Rebalancer.set_bands, revert)
    with pytest.raises(Halted, match=r"simulated bands of .* reverts: bands: outside rails"):
        desk.run()
    assert desk.fake.sent == []


def test_pass__simulation_is_too_early__waits(desk):
    def revert(*_):
        raise Revert(error_string("bands: too fast"))

    desk.fake.view(desk.vault.rebalancer, abi.Rebalancer.set_bands, revert)
    result = desk.run()
    assert "it may do at a later block" in result.plan.decision.reason
    assert desk.fake.sent == []


@pytest.mark.parametrize(
    ("history", "words"),
    [
        (lambda now: prices_until(now, bars=249), "249 bars of prices, 250 are needed"),
        (lambda now: prices_until(now - 200_000), "the last price is 200000 s old, 172800 are allowed"),
    ],
)
def test_pass__history_that_is_short_or_old__is_refused_and_written_down(desk, history, words):
    desk.fake.pending_timestamp = desk.fake.timestamp
    with pytest.raises(ForecastError, match=words):
        desk.run(history=history(desk.fake.timestamp))
    assert words in desk.ledger.decisions()[-1].reason


def test_pass__prices_of_the_future__are_not_used(desk):
    """A file may be ahead of the chain's clock; what was not known then says nothing of what is known now."""
    desk.fake.pending_timestamp = desk.fake.timestamp
    ahead = prices_until(desk.fake.timestamp + 40 * DAY_S, bars=340)
    result = desk.run(armed=False, history=ahead)
    expected = desk.run(armed=False, history=ahead.until(desk.fake.timestamp))
    assert result.plan.outlook.at <= desk.fake.timestamp
    assert result.plan.half_widths == expected.plan.half_widths


# --- prices


def test_of_basket__columns_by_symbol_or_address__are_put_in_the_baskets_order():
    snapshot = bare_snapshot("0xV", assets=(Asset(WETH, "WETH", 18, 0, 0, 0), Asset(USDC, "USDC", 6, 0, 0, 0)))
    history = prices_until(10**9, bars=5, names=(USDC.lower(), "weth"))
    found = of_basket(history, snapshot)
    assert found.assets == ("weth", USDC.lower())
    assert (found.prices[:, 0] == history.prices[:, 1]).all()
    with pytest.raises(ConfigurationError, match=f"no prices of WETH .* has A, USDC: add a column WETH or {WETH}"):
        of_basket(prices_until(10**9, bars=5, names=("A", "USDC")), snapshot)


def test_of_basket__two_assets_of_one_symbol__want_addresses():
    twins = (Asset(WETH, "X", 18, 0, 0, 0), Asset(USDC, "X", 6, 0, 0, 0))
    with pytest.raises(ConfigurationError, match="no prices of X"):
        of_basket(prices_until(10**9, bars=5, names=("X", USDC)), bare_snapshot("0xV", assets=twins))


def written(desk, every_s: int, count: int) -> None:
    """Decisions of a keeper that saw a price of ether each time."""
    from dataclasses import replace

    from keeper.services.plan import take

    snapshot = take(desk.client, desk.settings, desk.vault.address)
    generator = np.random.Generator(np.random.PCG64(4))
    price = 2_000.0
    made = []
    for i in range(count):
        price *= float(np.exp(generator.standard_normal() * 0.01))
        at = desk.fake.timestamp - (count - 1 - i) * every_s
        valuation = replace(snapshot.priced(), prices=(int(price * WAD), WAD))
        block = replace(snapshot.block, timestamp=at, hash=f"0x{i}")
        made.append((replace(snapshot, block=block, valuation=valuation), Decision(Kind.WAIT, "x")))
    desk.ledger.record_decisions(1, made, armed=False)


def test_pass__without_a_file__forecasts_by_what_the_ledger_saw(desk):
    written(desk, 1_800, 700)
    desk.bands = [8 * PERCENT] * 2
    result = strategist_pass(desk.client, desk.settings, desk.vault.address, desk.ledger, None, desk.signer)
    assert result.plan.outlook.step_s == 3_600
    # 1 % every half hour.
    assert result.plan.outlook.variances[0] ** 0.5 == pytest.approx(0.01 * (365 * 48) ** 0.5, rel=0.2)
    assert result.mined is not None


def test_of_ledger__bars_as_dense_as_the_decisions_are(desk):
    written(desk, 3_700, 1_400)
    from keeper.services.plan import take

    snapshot = take(desk.client, desk.settings, desk.vault.address)
    assert of_ledger(desk.ledger, 1, snapshot, 250).step_s == 4 * 3_600


@pytest.mark.parametrize(("every_s", "count", "found"), [(1_800, 0, 0), (1_800, 100, 49), (200_000, 400, 0)])
def test_pass__without_a_file_and_with_few_prices__says_so(desk, every_s, count, found):
    if count:
        written(desk, every_s, count)
    with pytest.raises(
        ForecastError, match=rf"has {found} bars of prices of vault .*, 250 are needed: .*--history FILE"
    ):
        strategist_pass(desk.client, desk.settings, desk.vault.address, desk.ledger, None)


@given(st.floats(0.001, 0.2), st.floats(1, 500), st.floats(0.1, 100))
@hypothesis_settings(max_examples=50, deadline=None)
def test_half_widths__of_any_market__are_settable(deviation, cost_bps, penalty):
    from keeper.policy.bands import Rails, half_width, wanted_bands

    rails = Rails(PERCENT, 10 * PERCENT, PERCENT, 0)
    (band,) = wanted_bands([half_width(deviation**2 * 365 / 16, cost_bps / 10_000, penalty)], rails)
    assert PERCENT <= band <= 10 * PERCENT
    assert band % UNIT == 0
