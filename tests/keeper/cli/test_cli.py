"""The command line as a process: one line per error, exit codes, JSON."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from eth_account import Account
from fake_chain import USDC, WETH, FakeVault, address, mine

from keeper.chain import abi
from keeper.chain.abi import Fault
from keeper.cli.app import main
from keeper.errors import ConfigurationError


class Done(NamedTuple):
    """How a run ended."""

    returncode: int
    stdout: str
    stderr: str


KEY = "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318"
NOTHING = address("nothing")


@pytest.fixture
def vault(fake):
    return FakeVault(fake).install()


@pytest.fixture
def run(fake, tmp_path, monkeypatch, capsys):
    """`main` in this process, as the console script runs it."""
    for name in [name for name in os.environ if name.startswith("EQUIPOISE_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str, url: str | None = None, **environment: str) -> Done:
        given = {
            "EQUIPOISE_RPC_URL": url or fake.url,
            "EQUIPOISE_LEDGER_FILE": str(tmp_path / "ledger.sqlite"),
            "EQUIPOISE_READ_ATTEMPTS": "1",
            "EQUIPOISE_CONFIRMATIONS": "1",
            "EQUIPOISE_POOLS__CACHE_FOLDER": str(tmp_path / "pools"),
        }
        for name, value in (given | environment).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr("sys.argv", ["equipoise", *arguments])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        out, err = capsys.readouterr()
        return Done(code, out, err)

    return call


@pytest.fixture
def key_files(tmp_path, fake, vault) -> tuple[Path, Path]:
    """The executor's owner's key and its password."""
    account = Account.create()
    fake.view(vault.executor, abi.Executor.owner, account.address)
    key, password = tmp_path / "key.json", tmp_path / "password"
    key.write_text(json.dumps(Account.encrypt(account.key, "right", kdf="scrypt", iterations=2)))
    password.write_text("right")
    return key, password


def failed(done: Done, *words: str) -> None:
    """Exit 1, nothing on stdout, one line on stderr with these words and no traceback."""
    assert done.returncode == 1, done
    assert done.stdout == ""
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("error: ")
    for word in words:
        assert word in lines[0]


# --- bad input


@pytest.mark.parametrize("command", [["plan"], ["keeper", "once"], ["keeper", "once", "--arm"]])
def test_bad_input__when_the_rpc_is_down(run, command, key_files):
    key, password = key_files
    keys = ["--key-file", str(key), "--password-file", str(password)] if "--arm" in command else []
    failed(
        run(*command, NOTHING, *keys, url="http://127.0.0.1:1"),
        "no RPC endpoint answers at http://127.0.0.1:1",
        "set rpc_url",
    )


@pytest.mark.parametrize("command", [["plan"], ["keeper", "once"]])
def test_bad_input__when_the_chain_is_another(run, fake, command):
    fake.chain_id = 31337
    failed(run(*command, NOTHING), "wrong chain id: expected 1, got 31337", "set chain_id or rpc_url")


@pytest.mark.parametrize("command", [["plan"], ["keeper", "once"]])
def test_bad_input__when_there_is_no_contract(run, vault, command):
    failed(run(*command, NOTHING), f"no contract at {NOTHING}", "check the vault's address")


@pytest.mark.parametrize("command", [["plan"], ["keeper", "once"]])
def test_bad_input__when_the_contract_is_no_vault(run, vault, command):
    failed(run(*command, vault.oracle), "is not an index vault", "check the vault's address")


@pytest.mark.parametrize("command", [["plan"], ["keeper", "once"]])
def test_bad_input__when_a_feed_is_stale(run, vault, command):
    vault.fault = int(Fault.STALE)
    failed(run(*command, vault.address), "WETH: its feed is stale", "wait for")


@pytest.mark.parametrize("command", [["plan"], ["keeper", "once"]])
def test_bad_input__when_there_is_no_route(run, vault, command):
    vault.with_pool = False
    failed(run(*command, vault.address), "no pool")


@pytest.mark.parametrize("arm", [[], ["--arm"]])
def test_bad_input__when_the_key_file_is_missing(run, vault, arm):
    failed(
        run("keeper", "once", vault.address, "--key-file", "/nonexistent.json", *arm),
        "key file /nonexistent.json does not exist",
        "set key_file",
    )


def test_bad_input__when_armed_without_a_key(run, vault):
    failed(run("keeper", "once", vault.address, "--arm"), "no key to sign with", "--key-file")


def test_bad_input__when_the_vault_is_no_address(run):
    failed(run("plan", "vault"), "'vault' is not an address")


def test_bad_input__when_an_argument_is_a_private_key__refuses_without_repeating_it(run, vault):
    done = run("keeper", "once", vault.address, "--key-file", KEY)
    failed(done, "private key", "key_file")
    assert KEY not in done.stderr


def test_bad_input__when_the_environment_holds_a_private_key(run, vault):
    failed(run("plan", vault.address, EQUIPOISE_EXECUTOR="0x" + KEY), "EQUIPOISE_EXECUTOR holds a private key")


def test_bad_input__when_a_setting_is_unknown(run, vault, tmp_path):
    (tmp_path / "equipoise.toml").write_text("[policy]\nslipage_bps = 1\n")
    failed(run("plan", vault.address), "policy.slipage_bps is not a setting", "policy.slippage_bps")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["NOPE", "USDC", "1"], "unknown token 'NOPE': give its address"),
        ([NOTHING, "USDC", "1"], f"no token at {NOTHING} on chain 1"),
        (["WETH", WETH, "1"], "are the same token"),
        (["WETH", "USDC", "0"], "amount 0 is nothing"),
        (["WETH", "USDC", "-5"], "amount '-5' is not a decimal number above 0"),
        (["WETH", "USDC", "lots"], "amount 'lots' is not a decimal number above 0"),
        (["WETH", "USDC", "1.0000001", "--exact-out"], "USDC has 6: give at most 6"),
    ],
)
def test_bad_input__of_route(run, vault, arguments, words):
    failed(run("route", *arguments), words)


def test_bad_input__of_route__when_there_is_none(run, vault):
    vault.with_pool = False
    failed(run("route", "WETH", "USDC", "1"), "no route from WETH to USDC: no pool with liquidity connects")


def test_bad_input__of_route__when_the_rpc_is_down(run):
    failed(run("route", "WETH", "USDC", "1", url="http://127.0.0.1:1"), "no RPC endpoint answers")


def test_bad_input__when_the_command_line_makes_no_sense__exits_with_2(run):
    no_such_option = ["route", "WETH", "USDC", "1", "--nonsense"]
    for arguments in (["plan"], ["nonsense"], ["plan", NOTHING, "--nonsense"], ["route", "WETH"], no_such_option):
        done = run(*arguments)
        assert done.returncode == 2
        assert "Traceback" not in done.stderr


def test_debug__shows_the_traceback(run):
    with pytest.raises(ConfigurationError):
        run("--debug", "plan", "vault")


def test_unexpected_error__is_one_line_too(run, vault, monkeypatch):
    def broken(*_, **__):
        raise KeyError("boom")

    monkeypatch.setattr("keeper.services.plan.plan", broken)
    failed(run("plan", vault.address), "unexpected KeyError", "--debug")


def test_process__an_error_is_one_line_and_no_traceback(tmp_path):
    program = [sys.executable, "-c", "from keeper.cli.app import main; main()", "plan", NOTHING]
    environment = os.environ | {"EQUIPOISE_RPC_URL": "http://127.0.0.1:1", "EQUIPOISE_READ_ATTEMPTS": "1"}
    done = subprocess.run(program, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    failed(Done(done.returncode, done.stdout, done.stderr), "no RPC endpoint answers")


# --- good input


def test_plan__pool_that_pays_less_than_it_says__is_named(run, vault, fake):
    vault.add_v3_pool()
    fake.swaps[vault.pair.lower()] = lambda token, amount: vault.swap(token, amount) - 7
    arguments = ("plan", vault.address, "--executor", vault.executor)
    (dropped,) = json.loads(run(*arguments, "--json").stdout)["dropped_pools"]
    assert (dropped["pool"], dropped["venue"], dropped["reverted"]) == (vault.pair, "uniswap_v2", None)
    assert int(dropped["promised"]) - int(dropped["paid"]) == 7
    assert f"Left out: uniswap_v2 pool {vault.pair} was to pay {dropped['promised']}" in run(*arguments).stdout


def test_plan__as_json__says_what_and_why(run, vault):
    done = run("plan", vault.address, "--json")
    assert done.returncode == 0, done.stderr
    plan = json.loads(done.stdout)
    assert (plan["decision"], plan["vault"]) == ("open", vault.address)
    assert plan["snapshot"]["weights"].keys() == {"WETH", "USDC"}
    assert abs(sum(plan["snapshot"]["weights"].values()) - 1) < 1e-9
    (leg,) = plan["legs"]
    assert (leg["pool"], leg["venue"], leg["symbol_in"]) == (vault.pair, "uniswap_v2", "WETH")
    assert abs(int(leg["amount_in"]) - 50 * 10**18) < 10**12
    assert plan["until"] > plan["now"]


def test_plan__for_people__shows_the_weights_the_route_and_the_decision(run, vault):
    done = run("plan", vault.address)
    assert done.returncode == 0, done.stderr
    for word in ("WETH", "50.00% ± 2.00%", "►", "Uniswap V2", vault.pair, "OPEN", "bps"):
        assert word in done.stdout


def certified(certificate: dict[str, float]) -> None:
    """A certificate adds up, and its bound is not below what the route is worth."""
    gap = (certificate["bound_usd"] - certificate["worth_usd"]) / certificate["turnover_usd"] * 1e4
    assert certificate["gap_bps"] == pytest.approx(gap)
    assert 0 <= certificate["gap_bps"] < 1
    assert certificate["gas_usd"] > 0


@pytest.mark.parametrize("command", [["plan"], ["keeper", "once"]])
def test_plan_and_once__as_json__certify_the_route(run, vault, command):
    report = json.loads(run(*command, vault.address, "--json").stdout)
    plan = report if command == ["plan"] else report["vaults"][0]
    certified(plan["certificate"])
    assert plan["certificate"]["turnover_usd"] == pytest.approx(plan["value_out"])


@pytest.mark.parametrize("command", [["plan"], ["keeper", "once"]])
def test_plan_and_once__for_people__certify_the_route(run, vault, command):
    certificate = json.loads(run("plan", vault.address, "--json").stdout)["certificate"]
    done = run(*command, vault.address)
    assert f"At most {certificate['gap_bps']:.2f} bps from the best route" in done.stdout
    assert f"counting {certificate['gas_usd']:,.2f} USD for the gas" in done.stdout
    assert f"the bound is {certificate['bound_usd']:,.2f} USD" in done.stdout


def test_route__as_json__gives_amounts_as_strings_of_base_units(run, vault):
    done = run("route", "WETH", "usdc", "50", "--json")
    assert done.returncode == 0, done.stderr
    route = json.loads(done.stdout)
    assert (route["goal"], route["token_in"], route["token_out"]) == ("exact_in", WETH, USDC)
    assert (route["amount"], route["amount_in"]) == (str(50 * 10**18), str(50 * 10**18))
    assert route["amount_out"] == str(vault.swap(WETH.lower(), 50 * 10**18))
    certified(route["certificate"])
    assert route["gas_cost_usd"] == route["certificate"]["gas_usd"]
    assert (route["simulated"], route["partial_reason"], route["block"], route["pools_read"]) == (False, None, 100, 1)
    (leg,) = route["legs"]
    assert leg == {
        "pool": vault.pair,
        "venue": "uniswap_v2",
        "token_in": WETH,
        "token_out": USDC,
        "symbol_in": "WETH",
        "symbol_out": "USDC",
        "amount_in": route["amount_in"],
        "amount_out": route["amount_out"],
        "share": str(10**18),
    }


def test_route__exact_out__reads_the_amount_in_the_token_bought(run, vault):
    route = json.loads(run("route", WETH, USDC, "100000.5", "--exact-out", "--json").stdout)
    assert (route["goal"], route["amount"]) == ("exact_out", "100000500000")
    assert int(route["amount_out"]) >= 100_000_500_000
    certified(route["certificate"])


def test_route__for_people__shows_the_legs_the_price_and_what_the_bound_covers(run, vault):
    done = run("route", "WETH", "USDC", "50")
    assert done.returncode == 0, done.stderr
    for words in (
        "Route at block 100",
        "Uniswap V2",
        vault.pair,
        "100.00%",
        "Sells 50 WETH for 99,4",
        "USDC per WETH",
        "the 1,994 that the first unit fetches",
        "Gas of the swaps",
        "bps from the best route: worth 99,4",
        "The bound covers every route on the 1 pools read",
        "1 USDC counts as 1 USD",
        "Not simulated",
    ):
        assert words in done.stdout
    assert "Trades less" not in done.stdout


def test_route__exact_out__for_people__bounds_the_cost(run, vault):
    route = json.loads(run("route", "WETH", "USDC", "1000", "--exact-out", "--json").stdout)["certificate"]
    cost = route["turnover_usd"] + route["gas_usd"]
    done = run("route", "WETH", "USDC", "1000", "--exact-out")
    assert f"costs {cost:,.2f} USD" in done.stdout
    assert f"the bound is {cost - route['bound_usd'] + route['worth_usd']:,.2f} USD" in done.stdout


def test_route__of_more_than_the_pools_hold__says_how_much_trades(run, vault):
    done = run("route", "WETH", "USDC", "50000000", "--exact-out")
    assert done.returncode == 0, done.stderr
    assert "Trades less than was asked for: the pools have no more liquidity" in " ".join(done.stdout.split())
    assert "costs" not in done.stdout


def test_once__is_a_dry_run_and_says_so(run, fake, vault):
    done = run("keeper", "once", vault.address)
    assert done.returncode == 0, done.stderr
    assert "Dry run" in done.stdout
    assert fake.sent == []


def test_once__when_armed__sends_and_reports(run, fake, vault, key_files):
    fake.on_send = mine(fake)
    key, password = key_files
    done = run(
        "keeper", "once", vault.address, "--arm", "--key-file", str(key), "--password-file", str(password), "--json"
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["armed"] is True
    (transaction,) = report["vaults"][0]["transactions"]
    assert (transaction["mode"], transaction["gas_used"]) == ("open", 180_000)
    assert len(fake.sent) == 1


def test_once__when_one_vault_fails__still_serves_the_others_and_exits_with_1(run, vault):
    done = run("keeper", "once", NOTHING, vault.address, "--json")
    assert done.returncode == 1
    first, second = json.loads(done.stdout)["vaults"]
    assert "no contract" in first["error"]
    assert second["decision"] == "open"
    assert done.stderr.count("\n") == 1


def test_doctor__when_something_is_wrong__exits_with_1_and_prints_every_row(run):
    done = run("doctor", "--json", url="http://127.0.0.1:1")
    assert done.returncode == 1
    rows = {row["check"]: row["status"] for row in json.loads(done.stdout)["rows"]}
    assert rows["rpc"] == "error"
    assert rows["contracts"] == "ok"


def test_doctor__when_nothing_is_wrong__exits_with_0(run, vault):
    done = run("doctor", vault.address, "--executor", vault.executor)
    assert done.returncode == 0, done.stdout + done.stderr


def test_help__names_every_command(run):
    done = run("--help")
    assert done.returncode == 0
    for command in ("demo", "devnet", "doctor", "plan", "route", "keeper"):
        assert command in done.stdout


# --- vault zap


@pytest.fixture
def share(fake, vault):
    """The vault as a token; a share is 0.6 WETH and 1,000 USDC."""
    fake.view(vault.address, abi.Token.decimals, 18)
    fake.view(vault.address, abi.Vault.preview_redeem, lambda shares: [shares * 6 // 10, shares // 10**9])
    return vault.address


def test_vault_zap__dry__tells_what_would_come_of_it_and_sends_nothing(run, share, fake):
    done = run("vault", "zap", "mint", share, "2200", "USDC", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["goal"], told["token_in"], told["token_out"], told["armed"]) == ("mint", USDC, share, False)
    # 2,000 USD a WETH, of which 0.6 are in a share beside 1,000 USDC, and 0.3 % for the pool.
    assert int(told["amount_out"]) == pytest.approx(2_200 / (1_000 + 1_200 / 0.997) * 1e18, rel=1e-4)
    assert int(told["least_out"]) == -(-int(told["amount_out"]) * 9_970 // 10_000)
    assert [leg["token_out"] for leg in told["legs"]] == [WETH]
    assert told["certificate"]["gap_bps"] >= 0
    assert bytes.fromhex(told["data"][2:10]) == abi.Zap.zap_mint.selector

    told = json.loads(run("vault", "zap", "redeem", share, "2", "WETH", "--json").stdout)
    assert (told["goal"], told["token_in"], told["token_out"]) == ("redeem", share, WETH)
    assert int(told["amount_out"]) == pytest.approx((1.2 + 0.997) * 1e18, rel=1e-3)
    assert bytes.fromhex(told["data"][2:10]) == abi.Zap.zap_redeem.selector

    told = json.loads(run("vault", "zap", "mint", share, "1", "eth", "--slippage-bps", "100", "--json").stdout)
    assert (told["token_in"], told["amount_in"]) == ("0x" + "0" * 40, str(10**18))
    assert int(told["least_out"]) == -(-int(told["amount_out"]) * 99 // 100)
    assert {leg["token_in"] for leg in told["legs"]} == {WETH}

    for command, wanted in ((["mint", share, "2200", "USDC"], "TWO"), (["redeem", share, "2", "WETH"], "WETH")):
        text = run("vault", "zap", *command).stdout
        assert "Dry run: nothing was sent." in text
        assert f"{wanted}, at least" in text
        assert "Uniswap V2" in text
        assert "from the best route" in text
    assert fake.sent == []


def test_bad_input__of_vault_zap(run, share, fake, key_files):
    key, password = key_files
    keys = ["--key-file", str(key), "--password-file", str(password)]
    failed(run("vault", "zap", "mint", share, "10", "USDC", "--arm", *keys), "no zap: set zap", "--zap")
    failed(run("vault", "zap", "mint", share, "10", "USDC", "--arm"), "no key to sign with")
    failed(run("vault", "zap", "mint", "vault", "10", "USDC"), "'vault' is not an address")
    failed(run("vault", "zap", "mint", share, "x", "USDC"), "not a decimal number")
    failed(run("vault", "zap", "redeem", share, "1", "NONE"), "unknown token 'NONE'")
    fake.view(share, abi.Vault.supply, 0)
    failed(run("vault", "zap", "mint", share, "10", "USDC"), "has no shares yet", "first mint in kind")
    failed(run("vault", "zap", "redeem", NOTHING, "1", "USDC"), f"no contract at {NOTHING}")
    assert fake.sent == []
