"""What is shipped beside the code names what exists: metrics, settings, commands, sections of the runbook."""

import json
import re
from pathlib import Path

import pytest
import yaml
from event_samples import SAMPLES

from keeper.operations.bus import Bus
from keeper.operations.conditions import AlertKind
from keeper.operations.events import Breaker, Outcome
from keeper.operations.metrics import Metrics
from keeper.settings import keys

ROOT = Path(__file__).parents[3]
DASHBOARD = json.loads((ROOT / "deploy" / "grafana-dashboard.json").read_text())
RULES = yaml.safe_load((ROOT / "deploy" / "prometheus-alerts.yml").read_text())
RUNBOOK = (ROOT / "docs" / "how-to" / "operate.md").read_text()
UNIT = (ROOT / "deploy" / "equipoise-keeper.service").read_text()
CONTAINER = (ROOT / "deploy" / "Containerfile").read_text()

_USED = re.compile(r"(equipoise_\w+)(?:\{([^}]*)\})?")


@pytest.fixture(scope="module")
def labels() -> dict[str, set[str]]:
    """Every sample's name that Prometheus would see, and its labels."""
    metrics = Metrics()
    metrics.count_alerts().labels("sent").inc()

    def broken(_event):
        raise RuntimeError

    bus = Bus(metrics, broken)
    metrics.watch(bus)
    for event in SAMPLES:
        bus.emit(event)
    assert list(bus.failures) == [name for name in bus.failures if "broken" in name]
    return {sample.name: set(sample.labels) for family in metrics.registry.collect() for sample in family.samples}


def expressions():
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", []):
            yield f"panel {panel['title']}", target["expr"]
    for variable in DASHBOARD["templating"]["list"]:
        if variable["type"] == "query":
            yield f"variable {variable['name']}", variable["query"]["query"]
    for rule in (rule for group in RULES["groups"] for rule in group["rules"]):
        yield f"rule {rule['alert']}", rule["expr"]


@pytest.mark.parametrize(("where", "expression"), list(expressions()))
def test_expressions__name_metrics_and_labels_that_exist(labels, where, expression):
    used = _USED.findall(expression)
    assert used, where
    for name, filters in used:
        assert name in labels, f"{where}: {name}"
        for label in re.findall(r"(\w+)\s*=~?\s*\"", filters):
            assert label in labels[name], f"{where}: {label} of {name}"
    for label in re.findall(r"by \(([^)]*)\)", expression):
        wanted = {each.strip() for each in label.split(",")}
        assert wanted <= set.union(*(labels[name] for name, _ in used)), where
    for outcome in re.findall(r'outcome=~?"([\w|]+)"', expression):
        known = set(Outcome) | {"sent", "failed", "dropped", "held_back"}
        assert set(outcome.split("|")) <= known, where


def test_dashboard__shows_every_metric_there_is(labels):
    shown = {
        name for where, expression in expressions() if "rule" not in where for name, _ in _USED.findall(expression)
    }
    families = {re.sub(r"_(total|created|bucket|sum|count)$", "", name) for name in labels}
    assert {re.sub(r"_(total|created|bucket|sum|count)$", "", name) for name in shown} == families


def test_dashboard__imports_cleanly():
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)
    assert DASHBOARD["schemaVersion"] >= 36
    taken = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= 24, panel["title"]
        assert not cells & taken, panel["title"]
        taken |= cells
        assert panel["type"] == "row" or panel["datasource"]["uid"] == "${source}"
    legends = [t["legendFormat"] for p in DASHBOARD["panels"] for t in p.get("targets", [])]
    assert all(legend.count("{{") == legend.count("}}") for legend in legends)


def test_rules__have_a_severity_and_a_section_of_the_runbook():
    for rule in RULES["groups"][0]["rules"]:
        assert rule["labels"]["severity"] in ("warning", "error", "critical"), rule["alert"]
        assert section(rule["annotations"]["runbook"]), rule["alert"]


def section(name: str) -> bool:
    headings = re.findall(r"^### (.+)$", RUNBOOK, re.MULTILINE)
    return f"`{name}`" in headings or name in [heading.lower().replace(" ", "-") for heading in headings]


@pytest.mark.parametrize("name", [*AlertKind, *Breaker])
def test_runbook__has_a_section_of_text_for_each_alert_and_breaker(name):
    assert len(re.findall(rf"^### `{name}`\n(.{{80,}})$", RUNBOOK, re.MULTILINE)) == 1


def test_runbook__has_no_section_of_what_does_not_exist():
    assert set(re.findall(r"^### `(\w+)`$", RUNBOOK, re.MULTILINE)) == {*AlertKind, *Breaker}


def test_runbook__names_settings_files_and_rules_that_exist():
    names = {name.rpartition(".")[2] for name in keys()}
    known = names | {*AlertKind, *Breaker} | {"alert_not_delivered", "gelato_of", "check_upkeep"}
    assert set(re.findall(r"`([a-z]+_[a-z_]+)`", RUNBOOK)) <= known
    for link in re.findall(r"\]\((\.\./[^)#]+)", RUNBOOK):
        assert (ROOT / "docs" / "how-to" / link).resolve().exists(), link
    rules = {rule["alert"] for rule in RULES["groups"][0]["rules"]}
    assert set(re.findall(r"`(Keeper\w+)`", RUNBOOK)) <= rules


def variables(text: str) -> set[str]:
    return set(re.findall(r"\b(EQUIPOISE_\w+)=", text)) - {"EQUIPOISE_CACHE"}


@pytest.mark.parametrize("text", [UNIT, CONTAINER])
def test_deploy__variables_are_settings(text):
    known = {"EQUIPOISE_" + name.replace(".", "__").upper() for name in keys()}
    assert variables(text) <= known
    assert {"EQUIPOISE_LEDGER_FILE", "EQUIPOISE_OPERATIONS__KILL_SWITCH_FILE"} <= variables(text)


def test_unit__is_hardened_and_takes_secrets_as_credentials():
    lines = [line for line in UNIT.splitlines() if line and not line.startswith("#")]
    for line in (
        "DynamicUser=yes",
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "StateDirectory=equipoise",
        "Restart=on-failure",
        "CapabilityBoundingSet=",
        "Environment=EQUIPOISE_PASSWORD_FILE=%d/password",
    ):
        assert line in lines
    credentials = {line.split("=")[1].split(":")[0] for line in lines if line.startswith("LoadCredential=")}
    assert {name for line in lines for name in re.findall(r"%d/(\S+)", line)} == credentials
    # systemd ends a line at nothing else: a comment behind a value would be part of it.
    assert not [line for line in lines if " #" in line]


def test_container__runs_as_nobody_with_no_secret_in_a_layer():
    lines = CONTAINER.splitlines()
    last = CONTAINER.rpartition("\nFROM ")[2]
    assert re.search(r"^USER 10001", last, re.MULTILINE)
    assert "/healthz" in last
    assert "HEALTHCHECK" in last
    assert not [line for line in lines if line.startswith(("ADD", "ARG"))]
    copied = {word for line in lines if line.startswith("COPY") and "--from" not in line for word in line.split()[1:-1]}
    assert copied == {"pyproject.toml", "uv.loc[k]", "README.md", "LICENSE", "contracts", "devnet", "keeper"}
    assert not re.search(
        r"(?im)^\s*(ENV)?\s*\w*(KEY|PASSWORD|SECRET|URL)\w*=", "\n".join(line for line in lines if line[:1] != "#")
    )
