"""The API over a chain that a test plays: limits, errors, headers and caches."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from fake_chain import USDC, WETH, FakeVault, address
from fastapi import APIRouter
from starlette.testclient import TestClient

from keeper.api import app as applications
from keeper.api.guard import client_of
from keeper.chain import abi
from keeper.chain.abi import Fault
from keeper.settings import load_chains

SECRET = "v2/0123456789abcdefsecret"
NOWHERE = f"http://127.0.0.1:1/{SECRET}"
TYPE = "urn:equipoise:problem:"


@pytest.fixture
def vault(fake) -> FakeVault:
    return FakeVault(fake).install()


def settings(url: str, *vaults: str, **serve: object):
    return load_chains(arguments={"rpc_url": url, "vaults": vaults, "read_attempts": 1, "serve": serve}, environment={})


@contextmanager
def opened(url: str, *vaults: str, web=None, **serve: object) -> Iterator[TestClient]:
    app = applications.make(settings(url, *vaults, **serve), web)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def api(fake, vault) -> Iterator[TestClient]:
    with opened(fake.url, vault.address) as client:
        yield client


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
    api.app.state.site.chains[0]._looked_at = float("-inf")  # a second later
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

    app.include_router(router)


def test_body__longer_than_allowed__is_refused_with_or_without_its_length(fake, vault):
    with opened(fake.url, vault.address, body_max_bytes=1024) as client:
        echo(client.app)
        fits = client.post("/api/echo", json={"a": "b" * 900})
        told = client.post("/api/echo", json={"a": "b" * 1024})
        untold = client.post("/api/echo", content=iter([b'{"a": "', b"b" * 1024, b'"}']))
    assert fits.status_code == 200
    assert [problem(each)["type"] for each in (told, untold)] == [TYPE + "too-large"] * 2


def test_error__that_nobody_expected__shows_no_traceback_and_no_endpoint(fake, vault, caplog):
    with opened(fake.url, vault.address) as client:
        echo(client.app)
        answer = client.get("/api/broken")
    assert problem(answer)["type"] == TYPE + "internal"
    assert "RuntimeError" not in answer.text
    assert "RuntimeError" in caplog.text
    assert SECRET not in answer.text + caplog.text


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
