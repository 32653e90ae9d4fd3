"""Settings: precedence, refusal of what is unknown or secret, one line per fault."""

import re
from pathlib import Path

import pytest

from keeper.errors import ConfigurationError
from keeper.settings import keys, load, load_chains, refuse_plain_arguments

KEY = "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318"


@pytest.fixture
def file(tmp_path):
    def write(text: str) -> Path:
        path = tmp_path / "equipoise.toml"
        path.write_text(text)
        return path

    return write


def refused(**sources) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load(sources.get("file"), sources.get("arguments"), sources.get("environment", {}))
    line = str(caught.value)
    assert "\n" not in line
    return line


def test_load__when_nothing_is_given__uses_mainnets_addresses():
    settings = load(environment={})
    assert settings.chain_id == 1
    assert settings.pools.v3_factory == "0x1F98431c8aD98523631AE4a59f267346ea31F984"
    assert settings.executor is None


def test_load__when_sources_disagree__argument_beats_environment_beats_file(file):
    path = file(
        'rpc_url = "http://file"\nread_attempts = 2\nchain_id = 5\n[policy]\nslippage_bps = 11\nmin_trade_usd = 7'
    )
    environment = {"EQUIPOISE_RPC_URL": "http://env", "EQUIPOISE_POLICY__SLIPPAGE_BPS": "12", "EQUIPOISE_CHAIN_ID": "6"}
    settings = load(path, {"rpc_url": "http://argument", "chain_id": None}, environment)
    assert settings.rpc_url == "http://argument"
    assert settings.chain_id == 6
    assert settings.policy.slippage_bps == 12
    assert settings.policy.min_trade_usd == 7
    assert settings.read_attempts == 2


def test_load__when_the_default_file_exists__reads_it(file, monkeypatch):
    monkeypatch.chdir(file("chain_id = 7").parent)
    assert load(environment={}).chain_id == 7


def test_load__when_an_address_is_lower_case__checksums_it():
    settings = load(arguments={"executor": "0x1f98431c8ad98523631ae4a59f267346ea31f984"}, environment={})
    assert settings.executor == "0x1F98431c8aD98523631AE4a59f267346ea31F984"


def test_load__when_a_key_of_the_file_is_unknown__names_it_and_the_nearest(file):
    line = refused(file=file("[policy]\nslipage_bps = 3"))
    assert "policy.slipage_bps is not a setting" in line
    assert "policy.slippage_bps" in line


def test_load__when_a_variable_is_unknown__names_it_and_the_nearest():
    line = refused(environment={"EQUIPOISE_GAS_PRICE_MAX_GWEI": "3"})
    assert "EQUIPOISE_GAS_PRICE_MAX_GWEI is not a setting" in line
    assert "EQUIPOISE_FEES__GAS_PRICE_MAX_GWEI" in line


def test_load__when_a_variable_belongs_to_another_part__ignores_it():
    load(environment={"EQUIPOISE_CACHE": "/somewhere", "PATH": KEY})


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[policy]\nslippage_bps = 99999", "policy.slippage_bps"),
        ("[policy]\nslippage_bps = -1", "policy.slippage_bps"),
        ("chain_id = 0", "chain_id"),
        ('chain_id = "one"', "chain_id"),
        ('executor = "0x12"', "executor"),
        ('rpc_url = "ws://x"', "rpc_url"),
        ("[fees]\ntip_min_gwei = 9\ntip_max_gwei = 1", "tip_min_gwei"),
        ('key_file = "a"\nunlocked_sender = "0x1F98431c8aD98523631AE4a59f267346ea31F984"', "unlocked_sender"),
        ('password_file = "a"\npassword_fd = 3', "password_fd"),
        ('[operations]\nhttp_address = "9464"', "operations.http_address"),
        ('[operations]\nhttp_address = "host:port"', "operations.http_address"),
        ('[operations]\nhttp_address = "http://host:80"', "operations.http_address"),
        ('[operations]\nhttp_address = "host:80/path"', "operations.http_address"),
        ('[operations]\nhttp_address = "me@host:80"', "operations.http_address"),
        ("[operations]\nbalance_min_eth = 2\nbalance_max_eth = 2", "balance_min_eth"),
        ('[operations]\nlog_format = "xml"', "operations.log_format"),
        ("confirmations = 0", "confirmations"),
        ("confirmations = 65", "reorg_watch_blocks"),
        ('rollup = "zk"', "rollup"),
        ('[relays]\nkind = "private_rpc"', "kind is private_rpc with 0 urls"),
        ('[relays]\nurls = ["https://x.invalid"]', "kind is none with 1 urls"),
        ('[relays]\nkind = "private_rpc"\nurls = ["x.invalid"]', "relays.urls"),
        ('[relays]\nkind = "flashbots"\nurls = ["https://x.invalid"]', "auth_key_file goes with flashbots"),
        ('[relays]\nkind = "private_rpc"\nurls = ["https://x.invalid"]\nauth_key_file = "k"', "auth_key_file"),
    ],
)
def test_load__when_a_value_is_out_of_range__names_the_setting_and_the_file(file, text, named):
    path = file(text)
    line = refused(file=path)
    assert named in line
    assert str(path) in line


def test_load__when_the_file_is_missing__says_so():
    assert "does not exist" in refused(file=Path("/nonexistent/equipoise.toml"))


def test_load__when_the_file_is_no_toml__says_so(file):
    assert "not valid TOML" in refused(file=file("chain_id ="))


@pytest.mark.parametrize(
    "text",
    [
        f'note = "{KEY}"',
        f'[policy]\nnote = "0x{KEY}"',
        'private_key = "x"',
        f'list = ["{KEY}"]',
        f'list = [["a"], ["{KEY}"]]',
        f'[[list]]\nnote = "0x{KEY.upper()}"',
        f"chain_id = 0x{KEY}",
        f'chain_id = "{int(KEY, 16)}"',
        f"{KEY} = 1",
    ],
)
def test_load__when_the_file_holds_a_private_key__refuses_without_repeating_it(file, text):
    line = refused(file=file(text))
    assert "private key" in line
    assert "key_file" in line
    assert KEY not in line


@pytest.mark.parametrize(
    "environment",
    [
        {"EQUIPOISE_KEY_FILE": "0x" + KEY},
        {"EQUIPOISE_PRIVATE_KEY": "x"},
        {"EQUIPOISE_CHAIN_ID": str(int(KEY, 16))},
        {"EQUIPOISE_" + KEY: "x"},
    ],
)
def test_load__when_the_environment_holds_a_private_key__refuses_without_repeating_it(environment):
    line = refused(environment=environment)
    assert "private key" in line
    assert KEY not in line


@pytest.mark.parametrize("value", ["0x" + KEY, Path(KEY), int(KEY, 16)])
def test_load__when_an_argument_holds_a_private_key__names_it_without_repeating_it(value):
    line = refused(arguments={"key_file": value})
    assert line.startswith("argument --key-file holds a private key")
    assert "external signer (web3signer_url, clef_url)" in line
    assert KEY not in line
    assert str(int(KEY, 16)) not in line


def test_load__a_number_of_an_address_size_is_no_key():
    assert load(arguments={"chain_id": 2**160 - 1}, environment={}).chain_id == 2**160 - 1
    assert "private key" in refused(arguments={"chain_id": 2**160})


@pytest.mark.parametrize(
    ("line", "named"),
    [
        (["plan", "0x" + KEY], "an argument"),
        (["plan", "--key-file", KEY], "argument --key-file"),
        (["plan", f"--executor={KEY}"], "argument --executor"),
        ([f"--{KEY}=x"], "an argument"),
        ([f"--{KEY}", "x"], "an argument"),
    ],
)
def test_refuse_plain_arguments__names_the_option_and_not_the_key(line, named):
    with pytest.raises(ConfigurationError) as caught:
        refuse_plain_arguments(line)
    assert str(caught.value).startswith(f"{named} holds a private key in plain text: remove it")
    assert KEY not in str(caught.value)


def test_refuse_plain_arguments__lets_addresses_and_paths_pass():
    refuse_plain_arguments(["plan", "0x1F98431c8aD98523631AE4a59f267346ea31F984", "--config", f"/{'a' * 63}"])


def test_load__when_a_list_in_the_environment_is_no_json__names_the_field():
    assert "v3_fees_ppm" in refused(environment={"EQUIPOISE_POOLS__V3_FEES_PPM": "500"})


def test_keys__numbers_carry_their_units():
    without = {"chain_id", "read_attempts", "confirmations", "password_fd", "pools.balancer_first_block"}
    without |= {f"operations.{name}" for name in ("alerts_per_hour_max", "vault_failures_max", "account_failures_max")}
    without |= {"strategist.bars_min", "strategist.penalty", "serve.requests_per_minute"}
    without |= {"rebalancing.width_factor", "rebalancing.risk_aversion"}  # plain numbers
    units = ("_s", "_bps", "_gwei", "_eth", "_usd", "_ppm", "_percent", "_percentile", "_blocks", "_bytes")
    for name in keys():
        default = load(environment={})
        for part in name.split("."):
            default = getattr(default, part)
        if isinstance(default, int | float) and not isinstance(default, bool) and name not in without:
            assert name.endswith(units), name


@pytest.mark.parametrize("address", ["127.0.0.1:9464", "[::1]:9464", "localhost:0"])
def test_load__an_address_to_listen_on__is_host_and_port(address):
    assert load(arguments={"operations": {"http_address": address}}, environment={}).operations.http_address == address


@pytest.mark.parametrize("name", ["alert_urls", "heartbeat_url"])
def test_load__urls_that_are_secrets__stand_in_no_settings_file_and_in_no_print(file, name):
    line = refused(file=file(f'[operations]\n{name} = "https://hush/"'))
    assert f"operations.{name}_file" in line
    assert "hush" not in line
    given = {f"EQUIPOISE_OPERATIONS__{name.upper()}": "https://hush/"}
    settings = load(environment=given)
    assert getattr(settings.operations, name).get_secret_value() == "https://hush/"
    assert "hush" not in repr(settings) + str(settings.model_dump()) + settings.model_dump_json()
    line = refused(file=file(f'[operations]\n{name}_file = "file"'), environment=given)
    assert "keep one" in line
    assert "hush" not in line


def test_load__when_the_file_holds_an_api_key__refuses_without_repeating_it(file):
    line = refused(file=file('[aggregators]\nzerox_api_key = "hush"'))
    assert "aggregators.zerox_api_key_file" in line
    assert "hush" not in line


def test_load__when_the_environment_holds_an_api_key__keeps_it_out_of_every_print():
    settings = load(environment={"EQUIPOISE_AGGREGATORS__ONEINCH_API_KEY": "hush"})
    assert settings.aggregators.oneinch_api_key.get_secret_value() == "hush"
    assert "hush" not in repr(settings) + str(settings.model_dump()) + settings.model_dump_json()


def test_load__when_an_api_key_has_two_sources__says_so_without_repeating_it(file):
    line = refused(
        file=file('[aggregators]\nzerox_api_key_file = "key"'),
        environment={"EQUIPOISE_AGGREGATORS__ZEROX_API_KEY": "hush"},
    )
    assert "keep one" in line
    assert "hush" not in line


CHAINS = """
[fees]
gas_price_max_gwei = 7.0

[chains.mainnet]
vaults = ["0x1F98431c8aD98523631AE4a59f267346ea31F984"]

[chains.base]
chain_id = 8453
rpc_url = "http://base.example"

[chains.base.fees]
tip_max_gwei = 1.0
"""


def test_load_chains__lays_each_table_over_what_stands_outside(file):
    chains = load_chains(file(CHAINS), environment={})
    assert list(chains) == ["mainnet", "base"]
    assert (chains["mainnet"].chain_id, chains["base"].chain_id) == (1, 8453)
    assert chains["mainnet"].vaults == ("0x1F98431c8aD98523631AE4a59f267346ea31F984",)
    assert {settings.fees.gas_price_max_gwei for settings in chains.values()} == {7.0}
    assert (chains["mainnet"].fees.tip_max_gwei, chains["base"].fees.tip_max_gwei) == (3.0, 1.0)


def test_load_chains__a_table_wins_over_the_environment_and_the_arguments(file):
    environment = {"EQUIPOISE_RPC_URL": "http://all.example", "EQUIPOISE_FEES__TIP_MAX_GWEI": "2"}
    chains = load_chains(file(CHAINS), {"read_attempts": 9}, environment)
    assert (chains["mainnet"].rpc_url, chains["base"].rpc_url) == ("http://all.example", "http://base.example")
    assert (chains["mainnet"].fees.tip_max_gwei, chains["base"].fees.tip_max_gwei) == (2.0, 1.0)
    assert {settings.read_attempts for settings in chains.values()} == {9}


def test_load_chains__a_table_that_names_one_of_several_ways__does_not_inherit_another(file):
    text = """
rpc_url = "http://one.example"
key_file = "key.json"
[chains.many]
rpc_urls = ["http://a.example", "http://b.example"]
unlocked_sender = "0x1F98431c8aD98523631AE4a59f267346ea31F984"
"""
    many = load_chains(file(text), environment={})["many"]
    assert len(many.rpc_urls) == 2
    assert (many.key_file, many.unlocked_sender) == (None, "0x1F98431c8aD98523631AE4a59f267346ea31F984")


def test_load_chains__without_tables__is_one_chain(file):
    assert {
        name: settings.chain_id for name, settings in load_chains(file("chain_id = 5"), environment={}).items()
    } == {"chain 5": 5}


def test_load__checks_the_chains_and_leaves_them_out(file):
    assert load(file(CHAINS), environment={}).vaults == ()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[chains.one]\nchain_idd = 5", "chains.one.chain_idd is not a setting: did you mean chain_id?"),
        ("[chains.one.fees]\ntip_min_gwei = 9.0", "setting chains.one.fees: tip_min_gwei is above tip_max_gwei"),
        ("[chains.one]\nledger_file = 'x'", "chains.one.ledger_file: one process has one of it"),
        ("chains = 5", "chains: not tables of settings"),
        ("[chains]\none = 5", "chains: not tables of settings"),
        ("[chains.one]\n[chains.two]", "chains.one.chain_id: 1 is another chain's too"),
        ("[chains.one]\nkey_file = '" + "ab" * 32 + "'", "holds a private key in plain text"),
        ("[chains.one.aggregators]\nzerox_api_key = 'hush'", "set chains.one.aggregators.zerox_api_key_file instead"),
    ],
)
def test_load_chains__a_fault_in_a_table__names_the_chain(file, text, line):
    with pytest.raises(ConfigurationError, match=re.escape(line)):
        load_chains(file(text), environment={})


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://keeper:hunter2@db.example:5432/ledger",
        "postgresql+psycopg:///ledger?host=/run/postgresql",
        "postgresql+psycopg://keeper:hunter%402@[::1]/ledger",
    ],
)
def test_ledger_url__is_kept_and_not_shown(url):
    settings = load(environment={"EQUIPOISE_LEDGER_URL": url})
    assert settings.ledger_url is not None
    assert settings.ledger_url.get_secret_value() == url
    assert "hunter" not in repr(settings) + str(settings) + settings.model_dump_json()


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("hunter2", "not a postgresql+psycopg://"),
        ("sqlite:///hunter2", "not a postgresql+psycopg://"),
        ("postgresql://keeper:hunter2@db/ledger", "not a postgresql+psycopg://"),
        ("postgresql+psycopg://keeper:hunter2@db", "not a postgresql+psycopg://"),
        ("postgresql+psycopg://keeper:hunter2@db:hunter2/ledger", "not a postgresql+psycopg://"),
        ("postgresql+psycopg://keeper:hun/ter2@db/ledger", "not a postgresql+psycopg://"),
        ("postgresql+psycopg://keeper:1/hunter2@db/ledger", "percent-encoded"),
        ("postgresql+psycopg://keeper:hunter2?@db/ledger", "not a postgresql+psycopg://"),
        ("postgresql+psycopg://keeper/hunter2?x@db/ledger", "percent-encoded"),
        ("postgresql+psycopg://keeper/hunter2#x@db/ledger", "percent-encoded"),
    ],
)
def test_ledger_url__that_is_none__is_refused_without_repeating_it(url, says):
    line = refused(arguments={"ledger_url": url})
    assert line.startswith("setting ledger_url: ")
    assert says in line
    assert "hun" not in line


def test_ledger_url__and_a_ledger_file__are_one_too_many(tmp_path):
    url = "postgresql+psycopg://keeper:hunter2@db/ledger"
    line = refused(arguments={"ledger_url": url, "ledger_file": tmp_path / "ledger.sqlite"})
    assert line == "settings: ledger_url and ledger_file are both set: keep one"
