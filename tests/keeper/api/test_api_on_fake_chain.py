"""The API over a chain that a test plays: limits, errors, headers and caches."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from unittest.mock import patch

import pytest
from fake_chain import USDC, WAD, WETH, FakeVault, address
from fastapi import APIRouter
from starlette.testclient import TestClient

from keeper.api import app as applications
from keeper.api.guard import client_of
from keeper.chain import abi
from keeper.chain.abi import Fault
from keeper.errors import ConfigurationError
from keeper.settings import load_chains

SECRET = "v2/0123456789abcdefsecret"
NOWHERE = f"http://127.0.0.1:1/{SECRET}"
PRIVATE = "/srv/equipoise/ledger.sqlite"
TYPE = "urn:equipoise:problem:"
ZAP, WHO = address("zap"), address("depositor")


@pytest.fixture(autouse=True)
def minute() -> Iterator[None]:
    """The minute in which requests are counted does not end within a test."""
    begun = time.time() // 60 * 60
    with patch("limits.storage.memory.time", SimpleNamespace(time=lambda: begun)):
        yield


@pytest.fixture
def vault(fake) -> FakeVault:
    return FakeVault(fake).install()


@contextmanager
def opened(url: str, *vaults: str, web=None, zap=None, pools=None, **serve: object) -> Iterator[TestClient]:
    arguments = {"rpc_url": url, "vaults": vaults, "read_attempts": 1, "serve": serve, "zap": zap, "pools": pools or {}}
    app = applications.make(load_chains(arguments=arguments, environment={}), web)
    for chain in app.state.site.chains:
        chain._clock = float  # stands still, however slow the machine: no second goes by unless a test says so
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def api(fake, vault) -> Iterator[TestClient]:
    with opened(fake.url, vault.address) as client:
        yield client


def a_second_later(client: TestClient) -> None:
    client.app.state.site.chains[0]._looked_at = float("-inf")


def of_vault(vault: FakeVault, rest: str = "") -> str:
    return f"/api/v1/vaults/{vault.address}{rest}"


def problem(response) -> dict[str, object]:
    """The document of an error, whose shape is the same everywhere."""
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["cache-control"] == "no-store"
    found = response.json()
    assert set(found) == {"type", "title", "status", "detail"}
    assert found["status"] == response.status_code
    assert "\n" not in found["detail"]
    return found


def test_vault__on_a_chain__is_what_the_contracts_say(api, vault):
    found = api.get(of_vault(vault)).json()
    assert found["name"] == "Two"
    assert found["nav"] == str(vault.nav)
    assert found["nav_per_share"] == str(vault.nav * 10**18 // (1000 * 10**18))
    weth, usdc = found["holdings"]
    assert (weth["asset"], weth["amount"], weth["decimals"]) == (WETH, str(vault.weth), 18)
    assert (usdc["asset"], usdc["amount"], usdc["decimals"]) == (USDC, str(vault.usdc), 6)
    assert weth["value"] == str(vault.values[0])
    assert weth["is_outside_band"] is True
    assert found["rebalancing"]["trigger"] == ["band"]
    assert found["rebalancing"]["price_bound"] == str(vault.bound)
    assert found["rebalancing"]["opened_at"] is None


def test_vault__when_the_oracle_fails__has_holdings_and_says_why(api, vault):
    vault.fault = int(Fault.STALE)
    found = api.get(of_vault(vault)).json()
    assert found["nav"] is None
    assert found["rebalancing"]["trigger"] is None
    assert found["holdings"][0]["amount"] == str(vault.weth)
    assert "its feed is stale" in found["problem"]


def test_vaults__one_that_is_no_vault__is_a_row_that_says_why(fake, vault):
    with opened(fake.url, vault.address, address("nothing")) as client:
        good, bad = client.get("/api/v1/vaults").json()["vaults"]
    assert (good["symbol"], good["problem"]) == ("TWO", None)
    assert bad["nav"] is None
    assert "no contract at" in bad["problem"]


def test_vaults__when_the_endpoint_is_down__names_no_endpoint(vault):
    with opened(NOWHERE, vault.address) as client:
        answers = [client.get(path) for path in ("/api/v1/vaults", "/api/v1/chains", "/api/v1/health", of_vault(vault))]
    assert [answer.status_code for answer in answers] == [200, 200, 503, 503]
    assert all("127.0.0.1" not in answer.text and SECRET not in answer.text for answer in answers)
    assert answers[2].json()["status"] == "down"
    assert problem(answers[3])["type"] == TYPE + "chain-unavailable"
    assert int(answers[3].headers["retry-after"]) > 0


def test_health__one_chain_of_two__is_degraded(fake, vault, tmp_path):
    file = tmp_path / "equipoise.toml"
    file.write_text(
        f'read_attempts = 1\n[chains.here]\nrpc_url = "{fake.url}"\nvaults = ["{vault.address}"]\n'
        f'[chains.there]\nchain_id = 10\nrpc_url = "{NOWHERE}"\nvaults = ["{vault.address}"]\n'
    )
    with TestClient(applications.make(load_chains(file, environment={}))) as client:
        health = client.get("/api/v1/health")
        unclear = client.get(of_vault(vault))
        chosen = client.get(of_vault(vault), params={"chain_id": 1})
        absent = client.get(of_vault(vault), params={"chain_id": 2})
    assert (health.status_code, health.json()["status"]) == (200, "degraded")
    assert [chain["is_ok"] for chain in health.json()["chains"]] == [True, False]
    assert problem(unclear)["detail"] == f"vault {vault.address} is on several chains: give chain_id, 1 or 10"
    assert chosen.status_code == 200
    assert problem(absent)["type"] == TYPE + "vault-not-served"


def test_vault__of_another_chain_than_the_settings__is_unavailable(fake, vault):
    fake.chain_id = 5
    with opened(fake.url, vault.address) as client:
        assert problem(client.get(of_vault(vault)))["type"] == TYPE + "chain-unavailable"


@pytest.mark.parametrize(
    ("path", "status", "kind", "says"),
    [
        ("/api/v1/vaults/0x12", 422, "bad-request", "path address: '0x12' is refused"),
        ("/api/v1/vaults/" + WETH.replace("C02a", "c02a"), 422, "bad-request", "checksum (EIP-55) is wrong"),
        ("/api/v1/vaults/" + WETH, 404, "vault-not-served", f"vault {WETH} is not served"),
        ("/api/v1/vaults/" + WETH.lower(), 404, "vault-not-served", f"vault {WETH} is not served"),
        ("/api/v1/nothing", 404, "not-found", "'/api/v1/nothing'"),
        ("/", 404, "not-found", "'/'"),
        ("/api/v1/vaults/%0d%0aX: y", 422, "bad-request", "is refused"),
    ],
)
def test_problem__of_each_kind__names_the_input(api, path, status, kind, says):
    found = problem(api.get(path))
    assert (found["status"], found["type"]) == (status, TYPE + kind)
    assert says in found["detail"]


def test_problem__another_method__says_which_there_is(api):
    answer = api.post("/api/v1/health")
    assert problem(answer)["type"] == TYPE + "method-not-allowed"
    assert answer.headers["allow"] == "GET"


def test_vault__asked_again_at_one_block__is_not_read_again(api, fake, vault):
    first = api.get(of_vault(vault))
    count = len(fake.requests)
    again = api.get(of_vault(vault), headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert api.get(of_vault(vault)).json() == first.json()
    assert len(fake.requests) == count


def test_vault__at_the_next_block__is_read_anew(api, fake, vault):
    first = api.get(of_vault(vault))
    fake.number += 1
    vault.weth += 10**18
    a_second_later(api)
    second = api.get(of_vault(vault), headers={"If-None-Match": first.headers["etag"]})
    assert second.status_code == 200
    assert second.headers["etag"] != first.headers["etag"]
    assert second.json()["holdings"][0]["amount"] == str(vault.weth)
    assert 1 <= int(second.headers["cache-control"].removeprefix("public, max-age=")) <= 12


def test_rate__beyond_the_limit__is_refused_and_told_when_to_come_back(fake, vault):
    with opened(fake.url, vault.address, requests_per_minute=3) as client:
        answers = [client.get("/api/v1/health") for _ in range(4)]
        page = client.get("/")
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert problem(answers[-1])["type"] == TYPE + "rate-limited"
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 60
    assert page.status_code == 404  # what is no question to the API is not counted


@pytest.mark.parametrize(
    ("host", "counted"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", "::ffff:cb00:7107"),
        ("testclient", "testclient"),
    ],
)
def test_client_of__an_address__is_what_one_subscriber_has(host, counted):
    assert client_of({"client": (host, 1)}) in {counted, counted.replace("cb00:7107", "203.0.113.7")}


def echo(app) -> None:
    """A route that reads a body, and one that fails."""
    router = APIRouter()

    @router.post("/api/echo")
    def read(body: dict[str, str]) -> dict[str, str]:
        return body

    @router.get("/api/broken")
    def broken() -> None:
        raise RuntimeError(f"of {NOWHERE}")

    @router.get("/api/unset")
    def unset() -> None:
        raise ConfigurationError(f"{PRIVATE} has another owner, and {NOWHERE} no answer")

    app.include_router(router)


def test_body__longer_than_allowed__is_refused_with_or_without_its_length(fake, vault):
    with opened(fake.url, vault.address, body_max_bytes=1024) as client:
        echo(client.app)
        fits = client.post("/api/echo", json={"a": "b" * 900})
        told = client.post("/api/echo", json={"a": "b" * 1024})
        untold = client.post("/api/echo", content=iter([b'{"a": "', b"b" * 1024, b'"}']))
        # Refused by what is said alone: nothing of such a body is waited for.
        said = [client.post("/api/echo", content=iter([]), headers={"Content-Length": n}) for n in ("1025", "x")]
    assert fits.status_code == 200
    assert [problem(each)["type"] for each in (told, untold, *said)] == [TYPE + "too-large"] * 4


def test_error__that_nobody_expected__shows_no_traceback_and_no_endpoint(fake, vault, caplog):
    with opened(fake.url, vault.address) as client:
        echo(client.app)
        answer = client.get("/api/broken")
    assert problem(answer)["type"] == TYPE + "internal"
    assert "RuntimeError" not in answer.text
    assert "RuntimeError" in caplog.text
    assert SECRET not in answer.text + caplog.text


def test_error__of_the_server_s_settings__is_for_its_log_alone(fake, vault, caplog):
    with opened(NOWHERE, vault.address) as client:
        echo(client.app)
        answer = client.get("/api/unset")
    assert problem(answer)["type"] == TYPE + "not-available"
    assert PRIVATE not in answer.text
    assert PRIVATE in caplog.text
    assert SECRET not in answer.text + caplog.text


def test_rate__of_one_client__is_not_another_s(fake, vault):
    with opened(fake.url, vault.address, requests_per_minute=1) as one:
        other = TestClient(one.app, client=("203.0.113.7", 1))
        assert [client.get("/api/v1/health").status_code for client in (one, one, other)] == [200, 429, 200]


def test_headers__of_every_answer__close_what_a_browser_leaves_open(api, vault):
    for path in (of_vault(vault), "/api/v1/nothing", "/api/openapi.json"):
        headers = api.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert headers["referrer-policy"] == "no-referrer"


def test_cors__by_default__allows_nobody(api):
    asked = {"Origin": "https://page.example", "Access-Control-Request-Method": "GET"}
    assert "access-control-allow-origin" not in api.get("/api/v1/health", headers=asked).headers
    assert api.options("/api/v1/health", headers=asked).status_code == 405


def test_cors__an_origin_of_the_settings__may_read_answers_and_refusals(fake, vault):
    mine = {"Origin": "https://page.example"}
    with opened(fake.url, vault.address, cors_origins=["https://page.example"], requests_per_minute=1) as client:
        answers = [client.get("/api/v1/health", headers=mine) for _ in range(2)]
        other = client.get("/api/v1/chains", headers={"Origin": "https://other.example"})
    assert [answer.status_code for answer in answers] == [200, 429]
    assert all(answer.headers["access-control-allow-origin"] == "https://page.example" for answer in answers)
    assert "access-control-allow-origin" not in other.headers


def test_openapi__problems__are_one_shape(api):
    schema = api.get("/api/openapi.json").json()
    assert "HTTPValidationError" not in json.dumps(schema)
    for path in schema["paths"].values():
        for operation in path.values():
            for status, response in operation["responses"].items():
                if status.startswith("4"):
                    content = response["content"]["application/problem+json"]
                    assert content["schema"]["$ref"] == "#/components/schemas/Problem"


def test_settings__of_a_server__hold_no_key(fake, vault, tmp_path):
    key, password = tmp_path / "key.json", tmp_path / "password"
    given = load_chains(
        arguments={
            "rpc_url": fake.url,
            "vaults": (vault.address,),
            "key_file": key,
            "password_file": password,
            "aggregators": {"enabled": ["velora"]},
        },
        environment={},
    )
    (chain,) = applications.make(given).state.site.chains
    assert chain.settings.key_file is None
    assert chain.settings.password_file is None
    assert chain.settings.aggregators.enabled == ()


@pytest.fixture
def web(tmp_path):
    folder = tmp_path / "web"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<title>page</title>")
    (folder / "assets" / "app-1a2b.js").write_text("1")
    (tmp_path / "secret.txt").write_text("secret")
    return folder


def test_page__where_there_is_one__is_served_with_a_strict_policy(fake, vault, web):
    with opened(fake.url, vault.address, web=web) as client:
        start, inner = client.get("/"), client.get(f"/vaults/{vault.address}")
        script, missing = client.get("/assets/app-1a2b.js"), client.get("/assets/app-none.js")
        outside = client.get("/..%2fsecret.txt")
        api = client.get("/api/v1/nothing")
        health = client.get("/api/v1/health")
    assert start.text == inner.text == "<title>page</title>"
    policy = start.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert start.headers["cache-control"] == "no-cache"
    assert script.headers["cache-control"].endswith("immutable")
    assert missing.status_code == 404
    assert outside.status_code == 404
    assert problem(api)["type"] == TYPE + "not-found"
    assert health.status_code == 200


def test_abi__roles__are_asked_of_the_contracts_that_hold_them(fake, vault):
    owner, strategist = address("owner"), address("strategist")
    fake.view(vault.address, abi.Vault.owner, owner)
    fake.view(vault.rebalancer, abi.Rebalancer.strategist, strategist)
    with opened(fake.url, vault.address) as client:
        roles = {role["name"]: role for role in client.get(of_vault(vault)).json()["roles"]}
    assert roles["owner"]["holder"] == owner
    assert roles["strategist"]["holder"] == strategist
    assert roles["guardian"]["holder"] is None
    assert roles["anybody"]["may"].startswith("redeem own shares at any time")


@pytest.fixture
def zap(fake, vault, tmp_path) -> Iterator[TestClient]:
    """A server with a zap, over a pool of USDC and WETH."""
    fake.balance = 3 * WAD
    for token in (WETH, USDC, vault.address):
        fake.view(token, abi.Token.allowance, 7)
    fake.view(vault.address, abi.Vault.balance_of, 5 * WAD)
    with opened(fake.url, vault.address, zap=ZAP, pools={"cache_folder": tmp_path}) as client:
        yield client


def zap_mint(vault: FakeVault, token: str = USDC, amount: int = 2_200 * 10**6, more: str = "") -> str:
    return of_vault(vault, f"/quotes/zap-mint?token={token}&amount={amount}{more}")


def zap_redeem(vault: FakeVault, token: str = WETH, shares: int = 2 * WAD, more: str = "") -> str:
    return of_vault(vault, f"/quotes/zap-redeem?token={token}&shares={shares}{more}")


def test_quote_zap__of_a_mint__says_what_comes_of_it_and_how_far_that_is_from_the_best(zap, vault):
    found = zap.get(zap_mint(vault, more=f"&account={WHO}&slippage_bps=100")).json()
    weth, usdc = {"address": WETH, "symbol": "WETH", "decimals": 18}, {"address": USDC, "symbol": "USDC", "decimals": 6}
    assert (found["way"], found["zap"], found["given"]) == ("mint", ZAP, usdc)
    assert found["wanted"] == {"address": vault.address, "symbol": "TWO", "decimals": 18}
    # 2,000 USD a WETH, of which 0.6 are in a share beside 1,000 USDC, and 0.3 % for the pool.
    amount_out = int(found["amount_out"])
    assert amount_out == pytest.approx(2_200 / (1_000 + 1_200 / 0.997) * WAD, rel=1e-4)
    assert int(found["least_out"]) == -(-amount_out * 99 // 100)
    assert amount_out <= int(found["certificate"]["ceiling"]) <= amount_out * (1 + 2e-4)
    (leg,) = found["legs"]
    assert (leg["token_in"], leg["token_out"], leg["venue"]) == (usdc, weth, "uniswap_v2")
    assert (found["value_in"], found["value_out"]) == (str(2_200 * WAD), str(amount_out * vault.nav // (1_000 * WAD)))
    assert found["price_impact_bps"] == pytest.approx(0.003 * 1_200 / 2_200 * 1e4, rel=2e-2)
    assert (found["balance"], found["allowance"], found["shortfall"]) == (str(10**13), "7", None)


def test_quote_zap__of_ether__is_of_the_pools_of_what_it_becomes(zap, vault):
    found = zap.get(zap_mint(vault, "ETH", WAD, f"&account={WHO}")).json()
    assert found["given"] == {"address": None, "symbol": "ETH", "decimals": 18}
    assert [leg["token_in"]["address"] for leg in found["legs"]] == [WETH]
    assert found["value_in"] == str(2_000 * WAD)
    assert (found["balance"], found["allowance"]) == (str(3 * WAD), None)
    uneven = zap.get(zap_mint(vault, "ETH", 3 * WAD + 1)).json()
    assert [each["asset"]["address"] for each in uneven["back"]] == [None]
    same = zap.get(zap_mint(vault, WETH, WAD)).json()
    assert (same["amount_out"], same["balance"]) == (found["amount_out"], None)
    assert found["gas"] > same["gas"]
    # The same token and number, the other way.
    back = zap.get(zap_redeem(vault, "ETH", WAD, f"&account={WHO}")).json()
    assert (back["way"], back["wanted"]["address"], back["balance"]) == ("redeem", None, str(5 * WAD))
    assert int(back["amount_out"]) == pytest.approx((0.6 + 0.997 / 2) * WAD, rel=1e-3)
    assert int(back["certificate"]["ceiling"]) >= int(back["amount_out"])


@pytest.mark.parametrize(
    ("path", "status", "kind", "says"),
    [
        (lambda v: zap_mint(v, address("stranger")), 404, "token-not-offered", "choose one of ETH, WETH, USDC"),
        (lambda v: zap_mint(v, "eth"), 422, "bad-request", "token"),
        (lambda v: zap_mint(v, "0x12"), 422, "bad-request", "token"),
        (lambda v: zap_mint(v, WETH.replace("C02a", "c02a")), 422, "bad-request", "checksum (EIP-55)"),
        (lambda v: zap_mint(v, amount=0), 422, "bad-request", "amount"),
        (lambda v: zap_mint(v, more="&slippage_bps=2001"), 422, "bad-request", "slippage_bps"),
        (lambda v: zap_mint(v, amount=10**37), 409, "amount-not-tradable", "far more than all of them hold"),
        (lambda v: zap_redeem(v, shares=1_001 * WAD), 409, "refused-by-vault", "more shares than there are"),
        (lambda v: zap_redeem(v, shares=1), 409, "refused-by-vault", "bring no WETH"),
    ],
)
def test_quote_zap__that_cannot_be_made__says_why(zap, vault, path, status, kind, says):
    found = problem(zap.get(path(vault)))
    assert (found["status"], found["type"]) == (status, TYPE + kind)
    assert says in found["detail"]


def test_quote_zap__of_a_vault_without_shares_or_pools__is_refused_in_words(zap, fake, vault):
    fake.view(vault.address, abi.Vault.supply, 0)
    assert "make the first mint in kind" in problem(zap.get(zap_mint(vault)))["detail"]
    fake.view(vault.address, abi.Vault.supply, 1_000 * WAD)
    vault.with_pool = False
    fake.number += 1
    a_second_later(zap)
    fake.view(vault.pair, abi.UniswapV2.get_reserves, (0, 0, 0))
    found = problem(zap.get(zap_mint(vault)))
    assert found["type"] == TYPE + "no-route"


def test_quote_zap__of_a_paused_vault__says_the_problem_and_redeems_all_the_same(zap, vault):
    vault.paused = True
    assert zap.get(zap_mint(vault)).json()["problem"].startswith("the vault is paused")
    assert zap.get(zap_redeem(vault)).json()["problem"] is None


def test_quote_zap__asked_again_at_one_block__is_not_made_again(zap, fake, vault):
    first = zap.get(zap_mint(vault, more=f"&account={WHO}"))
    assert first.headers["cache-control"].startswith("private, max-age=")
    again = zap.get(zap_mint(vault, more=f"&account={WHO}"), headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    with patch("keeper.services.zap.solve", side_effect=AssertionError):
        count = len(fake.requests)
        tighter = zap.get(zap_mint(vault, more="&slippage_bps=1"))
        assert tighter.json()["amount_out"] == first.json()["amount_out"]
        assert len(fake.requests) == count
        assert zap.get(zap_mint(vault, amount=10**9)).status_code == 500
    assert tighter.headers["cache-control"].startswith("public")


def test_zap__without_one__is_said_and_not_offered(api, vault):
    assert api.get(of_vault(vault)).json()["zap"] is None
    order = {"account": WHO, "token": "ETH", "amount": "1"}
    for answer in (api.get(zap_mint(vault)), api.post(of_vault(vault, "/transactions/zap-mint"), json=order)):
        assert problem(answer)["type"] == TYPE + "not-available"
        assert "zap" in problem(answer)["detail"]


def test_vault__with_a_zap__offers_ether_the_basket_and_the_settings_tokens_that_are_there(zap, vault):
    offered = zap.get(of_vault(vault)).json()["zap"]
    assert offered["address"] == ZAP
    assert [(each["symbol"], each["address"]) for each in offered["tokens"]] == [
        ("ETH", None),
        ("WETH", WETH),
        ("USDC", USDC),
    ]


def test_prepare_zap__of_more_ether_than_there_is__is_told_before_a_node_is_asked(zap, fake, vault):
    order = {"account": WHO, "token": "ETH", "amount": str(4 * WAD)}
    found = zap.post(of_vault(vault, "/transactions/zap-mint"), json=order).json()
    (only,) = found["transactions"]
    assert (only["kind"], only["to"], only["value"]) == ("zap", ZAP, str(4 * WAD))
    assert found["simulation"]["words"] == f"the account has too little ETH: {3 * WAD} of {4 * WAD} base units"
    assert (found["simulation"]["succeeds"], found["simulation"]["failed"]) == (False, 0)
    assert "eth_simulateV1" not in {method for method, _ in fake.requests}


def test_prepare_zap__without_simulation__has_the_exact_approval_and_the_zap(zap, fake, vault):
    order = {"account": WHO, "token": vault.address, "shares": str(WAD)}
    refused = problem(zap.post(of_vault(vault, "/transactions/zap-redeem"), json=order))
    assert "none that zaps of this vault are offered with" in refused["detail"]
    fake.answer = lambda method, params, ask=fake.answer: ask("eth_nothing" if "simulate" in method else method, params)
    found = zap.post(of_vault(vault, "/transactions/zap-redeem"), json=order | {"token": USDC}).json()
    approve, last = found["transactions"]
    assert (approve["kind"], approve["to"], approve["amount"]) == ("approve", vault.address, str(WAD))
    assert approve["data"] == "0x" + abi.Token.approve.encode(ZAP, WAD).hex()
    assert (last["kind"], last["to"], last["value"], last["gas"]) == ("zap", ZAP, "0", None)
    assert bytes.fromhex(last["data"][2:10]) == abi.Zap.zap_redeem.selector
    assert (found["simulation"]["is_simulated"], found["simulation"]["succeeds"]) == (False, None)
    assert (found["sender"], found["receiver"]) == (WHO, WHO)


def test_rate__of_zaps__counts_as_five(fake, vault):
    with opened(fake.url, vault.address, requests_per_minute=11) as client:
        paths = (zap_mint(vault), zap_redeem(vault), "/api/v1/health", "/api/v1/health")
        assert [client.get(path).status_code for path in paths] == [503, 503, 200, 429]


def test_quote_zap__of_less_than_its_gas__claims_no_ceiling(zap, vault):
    found = zap.get(zap_mint(vault, amount=10_000))
    assert found.status_code == 200, found.text
    assert found.json()["certificate"] is None
