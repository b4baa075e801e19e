"""Figures: all that was promised, fed where outcomes are known, bounded, and with nothing in them about anybody."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bot.commands import COMMANDS
from bot.core.alarms import Alarm, Facts, Severity, Waiting
from bot.core.intake import Cursor
from bot.core.model import DeliveryState, Precision, State
from bot.poll import Polled
from bot.ports.oversight import Vitals
from bot.watching.health import health
from bot.watching.measuring import Measured
from bot.watching.metrics import COUNTERS, GAUGES, HISTOGRAMS, Metrics, Picture
from handlers.web.machines import machine_routes
from tests.builders import a_chat, a_delivery, a_document, a_source, a_story, an_alert, at
from tests.fakes.browser import a_web_room
from tests.fakes.clock import NOON, FakeClock
from tests.fakes.door import FakeDoor
from tests.fakes.house import ANA, House, Room
from tests.house.figures import ROOT

EMPTY = Picture(Measured(Facts(NOON)))


def figures(metrics: Metrics, picture: Picture = EMPTY) -> dict[str, float]:
    """Read all figures, each as `name{label=value,…}`."""
    found = {}
    for family in text_string_to_metric_families(metrics.render(picture).decode()):
        for sample in family.samples:
            labels = ",".join(f"{key}={value}" for key, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}"] = sample.value
    return found


# operations.md, section 3: the contract.
PROMISED = {
    "policybell_build_info": {"version", "python"},
    "policybell_source_polls_total": {"source", "outcome"},
    "policybell_source_poll_duration_seconds": {"source"},
    "policybell_source_last_success_timestamp_seconds": {"source"},
    "policybell_source_consecutive_failures": {"source"},
    "policybell_source_may_have_missed_total": {"source"},
    "policybell_items_total": {"result"},
    "policybell_match_duration_seconds": set(),
    "policybell_alerts_total": {"severity"},
    "policybell_deliveries_total": {"platform", "outcome"},
    "policybell_delivery_latency_seconds": {"platform"},
    "policybell_alert_age_seconds": {"standing"},
    "policybell_outbox_pending": {"platform"},
    "policybell_outbox_oldest_age_seconds": {"platform"},
    "policybell_platform_connected": {"platform"},
    "policybell_commands_total": {"platform", "command", "outcome"},
    "policybell_chats": {"platform", "state"},
    "policybell_filters": {"platform"},
    "policybell_event_loop_lag_seconds": set(),
    "policybell_tick_last_timestamp_seconds": set(),
    "policybell_db_size_bytes": set(),
    "policybell_backup_last_success_timestamp_seconds": set(),
    "policybell_config_last_reload_successful": set(),
    "policybell_config_last_reload_timestamp_seconds": set(),
}
DECLARED = {name: set(row[1]) for table in (COUNTERS, GAUGES, HISTOGRAMS) for name, row in table.items()}


def test_every_promised_figure_is_declared_with_its_labels() -> None:
    assert {name: DECLARED.get(name) for name in PROMISED} == PROMISED


def test_names_follow_the_rules() -> None:
    assert all(re.fullmatch(r"policybell(_[a-z]+)+", name) for name in DECLARED)
    assert all(name.endswith("_total") == (name in COUNTERS) for name in DECLARED)
    labels = {label for own in DECLARED.values() for label in own}
    assert not labels & {"chat", "user", "actor", "query", "url", "workspace", "id"}


def test_what_was_never_counted_is_declared_all_the_same() -> None:
    text = Metrics().render(EMPTY).decode()
    assert set(re.findall(r"^# TYPE (policybell\w+) ", text, re.MULTILINE)) == set(DECLARED)


def test_a_round_of_polls_is_counted_by_what_came() -> None:
    metrics = Metrics()
    metrics.polled(
        [
            Polled("a", new=2, alerts=3, items={State.NEW: 2, State.SEEN: 5, State.ADDITION: 1}, seconds=0.3),
            Polled("a"),
            Polled("b", error="HTTP 503", status=503),
            Polled("b", error="HTTP 403", status=403),
            Polled("b", error="no route"),
        ]
    )
    found = figures(metrics)
    polls = {key: value for key, value in found.items() if key.startswith("policybell_source_polls_total")}
    assert polls == {
        "policybell_source_polls_total{outcome=new,source=a}": 1,
        "policybell_source_polls_total{outcome=unchanged,source=a}": 1,
        "policybell_source_polls_total{outcome=error,source=b}": 2,
        "policybell_source_polls_total{outcome=blocked,source=b}": 1,
    }
    assert found["policybell_items_total{result=duplicate}"] == 5
    assert found["policybell_items_total{result=joined}"] == 1
    assert found["policybell_alerts_total{severity=unrated}"] == 3
    assert found["policybell_source_poll_duration_seconds_count{source=a}"] == 2
    assert found["policybell_match_duration_seconds_count{}"] == 1


@pytest.mark.parametrize("state", DeliveryState)
def test_every_way_a_delivery_can_go_has_its_word(state: DeliveryState) -> None:
    metrics = Metrics()
    row = replace(a_delivery(), also=(a_delivery(an_alert(a_story(2))),))
    metrics.settled(row, state, at(90))
    found = figures(metrics)
    word = "retry" if state in {DeliveryState.PENDING, DeliveryState.SENDING} else state.value
    assert found[f"policybell_deliveries_total{{outcome={word},platform=telegram}}"] == 2
    latency = found.get("policybell_delivery_latency_seconds_sum{platform=telegram}")
    assert latency == (180 if state is DeliveryState.SENT else None)
    age = found.get("policybell_alert_age_seconds_sum{standing=official}")
    assert age == (2 * (30 * 60 + 90) if state is DeliveryState.SENT else None)


def test_an_item_that_is_dated_by_the_day_says_nothing_of_how_old_an_alert_is() -> None:
    metrics = Metrics()
    for vague in ({"precision": Precision.DAY}, {"claimed_at": None}):
        metrics.settled(a_delivery(an_alert(a_story(2, a_document(2, **vague)))), DeliveryState.SENT, at(90))
    assert "policybell_alert_age_seconds_count{standing=official}" not in figures(metrics)


def test_what_expired_and_what_was_asked_is_counted() -> None:
    metrics = Metrics()
    metrics.expired(4)
    metrics.heard("slack", "follow", "done")
    metrics.lagged(0.25)
    found = figures(metrics)
    assert found["policybell_deliveries_total{outcome=expired,platform=any}"] == 4
    assert found["policybell_commands_total{command=follow,outcome=done,platform=slack}"] == 1
    assert found["policybell_event_loop_lag_seconds{}"] == 0.25


SOURCES = {"source-1": a_source(1), "source-2": a_source(2)}
FULL = Picture(
    Measured(
        Facts(
            NOON,
            ticked_at=NOON - timedelta(seconds=3),
            disk_free=5_000,
            backup_at=NOON - timedelta(hours=2),
            waiting={"telegram": Waiting(7, NOON - timedelta(seconds=42))},
        ),
        Vitals(
            waiting={"telegram": Waiting(7, NOON - timedelta(seconds=42))},
            chats={("telegram", "active"): 12, ("telegram", "gone"): 1},
            filters={"telegram": 30},
            rows={DeliveryState.DEAD: 2},
            untold=3,
            size=4096,
        ),
        (Cursor("source-1", failures=3, last_success_at=NOON), Cursor("source-2"), Cursor("source-9")),
        {"source-2": NOON},
    ),
    sources=SOURCES,
    connected={"telegram": True, "slack": False},
    alarms=(Alarm("disk", Severity.URGENT, "", ""),),
    settings_in_force=False,
    settings_read_at=NOON,
)


def test_what_is_measured_is_shown_as_it_is() -> None:
    found = figures(Metrics(), FULL)
    shown = {key: value for key, value in found.items() if key.startswith("policybell") and "build_info" not in key}
    noon = NOON.timestamp()
    assert {key: value for key, value in shown.items() if "duration" not in key} == {
        "policybell_source_last_success_timestamp_seconds{source=source-1}": noon,
        "policybell_source_consecutive_failures{source=source-1}": 3,
        "policybell_source_interval_seconds{source=source-1,standing=official}": 900,
        "policybell_outbox_pending{platform=telegram}": 7,
        "policybell_outbox_pending{platform=slack}": 0,
        "policybell_outbox_oldest_age_seconds{platform=telegram}": 42,
        "policybell_outbox_oldest_age_seconds{platform=slack}": 0,
        "policybell_outbox_rows{state=dead}": 2,
        "policybell_outbox_rows{state=untold}": 3,
        "policybell_platform_connected{platform=telegram}": 1,
        "policybell_platform_connected{platform=slack}": 0,
        "policybell_chats{platform=telegram,state=active}": 12,
        "policybell_chats{platform=telegram,state=gone}": 1,
        "policybell_filters{platform=telegram}": 30,
        "policybell_alarms{severity=urgent}": 1,
        "policybell_alarms{severity=warning}": 0,
        "policybell_event_loop_lag_seconds{}": 0,
        "policybell_tick_last_timestamp_seconds{}": noon - 3,
        "policybell_db_size_bytes{}": 4096,
        "policybell_disk_free_bytes{}": 5000,
        "policybell_backup_last_success_timestamp_seconds{}": noon - 7200,
        "policybell_config_last_reload_successful{}": 0,
        "policybell_config_last_reload_timestamp_seconds{}": noon,
    }


def test_what_is_over_leaves_the_figures() -> None:
    metrics = Metrics()
    figures(metrics, FULL)
    assert not [key for key in figures(metrics) if "source-1" in key or "platform=telegram" in key]


def test_two_bots_in_one_process_keep_their_figures_apart() -> None:
    one, two = Metrics(), Metrics()
    one.heard("web", "status", "done")
    assert not [key for key in figures(two) if "commands_total" in key]


def test_health_in_detail_has_states_ages_and_counts() -> None:
    facts = replace(FULL.measured.facts, clock_ahead=timedelta(seconds=-5))
    told = health(replace(FULL.measured, facts=facts), FULL.alarms, {"telegram": "on"}, ["slack is stopped"], "1")
    assert (told["ready"], told["problems"], told["clock_ahead"]) == (False, ["slack is stopped"], -5.0)
    assert told["platforms"] == {"telegram": {"state": "on", "waiting": 7, "oldest_age": 42.0}}
    assert told["alarms"] == [{"alarm": "disk", "severity": "urgent", "age": None}]
    assert (told["tick_age"], told["backup_age"]) == (3.0, 7200.0)
    assert told["sources_paused"] == ["source-2"]


# --- where they are served ----------------------------------------------------------------------------------------


async def nothing() -> dict[str, object]:
    return {}


async def some_figures() -> bytes:
    return b"policybell_build_info 1\n"


@pytest.mark.parametrize("path", ["/metrics", "/healthz"])
@pytest.mark.parametrize("host", ["evil.example", "192.0.2.1:8080", "policybell.internal"])
async def test_a_foreign_host_learns_nothing(path: str, host: str) -> None:
    routes = machine_routes(nothing, some_figures, "text/plain")
    async with a_web_room(FakeDoor(), routes=routes) as (_, browser):
        refused = await browser.get(path, host=host)
        assert (refused.status, "policybell_build_info" in refused.text) == (403, False)
        assert (await browser.get(path)).status == 200


async def test_without_figures_there_is_no_page_of_them() -> None:
    async with a_web_room(FakeDoor(), routes=machine_routes(nothing, None, "")) as (_, browser):
        assert (await browser.get("/metrics")).status == 404
        assert (await browser.get("/healthz")).text == "{}"


# --- how they are fed ---------------------------------------------------------------------------------------------


async def test_a_bot_counts_what_it_does_and_names_no_chat() -> None:
    clock, metrics = FakeClock(), Metrics()
    house = House(Room(clock), clock=clock)
    house.lanes = type(house.lanes)(replace(house.lanes._desk, settled=metrics.settled))
    await house.post()
    await house.lanes.exhaust()
    found = figures(metrics)
    assert found["policybell_deliveries_total{outcome=sent,platform=fake}"] == 1
    assert ANA.id not in {value for key in found for value in re.findall(r"=([^,}]*)", key)}


def test_labels_stay_bounded_whatever_people_type() -> None:
    metrics = Metrics()
    for name in [*COMMANDS, "unknown"]:
        for outcome in ("done", "refused", "failed", "crashed"):
            metrics.heard(a_chat().platform, name, outcome)
    assert len([key for key in figures(metrics) if "commands_total" in key]) == 4 * (len(COMMANDS) + 1)


# --- the rules that go with them ----------------------------------------------------------------------------------

RULES = (ROOT / "docs" / "prometheus-rules.yml").read_text(encoding="utf-8")
EXPRESSIONS = re.findall(r"alert: (\w+)\n +expr: (?:>-\n)?((?: {10,}.*\n| ?\S.*\n)+?) +for:", RULES)


def test_every_rule_of_the_contract_is_there() -> None:
    names = [name for name, _ in EXPRESSIONS]
    assert len(names) == RULES.count("- alert:") == RULES.count("runbook_url:") == RULES.count("severity:")
    assert set(names) >= {
        "PolicybellNoTick",
        "PolicybellSourceStale",
        "PolicybellMostSourcesFailing",
        "PolicybellOutboxOld",
        "PolicybellPlatformDown",
        "PolicybellBackupOld",
    }


@pytest.mark.parametrize(("name", "expression"), EXPRESSIONS, ids=[name for name, _ in EXPRESSIONS])
def test_every_rule_asks_for_figures_and_labels_that_exist(name: str, expression: str) -> None:
    asked = set(re.findall(r"\bpolicybell_\w+", expression))
    assert asked <= set(DECLARED)
    assert asked or name == "PolicybellDown"
    for figure, labels in re.findall(r"\b(policybell_\w+)\{([^}]*)\}", expression):
        assert set(re.findall(r"(\w+)=", labels)) <= DECLARED[figure]
    assert expression.count("(") == expression.count(")")
    for step in re.findall(r"docs/operate\.md#([\w-]+)", RULES):
        assert step in {re.sub(r"\W+", "-", line[3:].lower()) for line in OPERATE if line.startswith("## ")}


OPERATE = (ROOT / "docs" / "operate.md").read_text(encoding="utf-8").splitlines()
