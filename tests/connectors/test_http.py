"""The client keeps to budgets, sends credentials to one host only, and a manifest makes the same source as Python does."""

from __future__ import annotations

import json
from dataclasses import fields
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from connectors import http, rest
from connectors.auth import Bearer
from connectors.contract import ConfigError, ContractError
from connectors.http import HttpClient, Limits, Request
from connectors.json_text import loads
from connectors.manifest import KINDS, ManifestSource, load
from connectors.paging import CursorPaging, walk
from connectors.paths import at, put
from connectors.since import instant
from connectors.testing.clock import ManualClock
from connectors.testing.conformance import conform
from connectors.testing.fake import reply
from connectors.testing.reference import ReferenceFake

MANIFEST: dict[str, Any] = {
    "name": "acme",
    "auth": {"kind": "oauth2", "token_path": "oauth/token"},
    "limits": {"requests": 100, "seconds": 1, "read_on": "2026-11-22"},
    "streams": [
        {
            "name": name,
            "kind": kind,
            "cursor": "updated_at",
            "gone": {"flag": "deleted", "merged_into": "merged_into"},
            "all": {
                "path": name,
                "records": "data",
                "paging": {"kind": "cursor", "param": "after", "at": "next", "size_param": "limit"},
                "since": {"kind": "param", "param": "updated_since"},
            },
        }
        for name, kind in (("people", "customer"), ("visits", "interaction"))
    ],
}


def test_budget_makes_the_next_request_wait() -> None:
    clock = ManualClock()
    with ReferenceFake(clock).serve() as fake:
        fake.let_in = lambda request: True
        client = HttpClient(fake.base_url, Bearer().credentials({"token": "x"}), limits=Limits(3, 10, "2026-01-01"), clock=clock)
        for _ in range(7):
            client.send(Request("people"))
    assert sum(clock.slept) == pytest.approx(20)


def test_a_page_on_another_host_is_not_asked_with_the_credentials() -> None:
    client = HttpClient("https://one.example", Bearer().credentials({"token": "x"}), clock=ManualClock())
    with pytest.raises(ContractError, match="another host"):
        client.send(Request("https://two.example/page/2"))


def test_missing_secret_names_the_setting() -> None:
    with pytest.raises(ConfigError, match="token is not set"):
        Bearer().credentials({})


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("2026-01-01T01:00:00+02:00", "2025-12-31T23:00:00+00:00"),
        ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00+00:00"),
        ("2026-01-01T00:00:00.000+0000", "2026-01-01T00:00:00+00:00"),
        ("2026-01-01 00:00:00", "2026-01-01T00:00:00+00:00"),
        (1767225600, "2026-01-01T00:00:00+00:00"),
        ("1767225600000", "2026-01-01T00:00:00+00:00"),
    ],
)
def test_instants(text: Any, iso: str) -> None:
    found = instant(text, "here")
    assert found is not None
    assert found.isoformat() == iso


def test_a_time_that_is_none_stops_the_stream() -> None:
    with pytest.raises(ContractError, match="holds no time"):
        instant("yesterday", "here")


def test_paths_reach_into_lists_and_names_with_dots() -> None:
    document: dict[str, Any] = {"a": [{"b": 1}], "@odata.nextLink": "x"}
    assert (at(document, "a.0.b"), at(document, "@odata.nextLink"), at(document, "a.1.b"), at(document, "")) == (1, "x", None, document)
    put(document, "a.0.c.d", 2)
    assert document["a"][0] == {"b": 1, "c": {"d": 2}}


def test_manifest_makes_a_connector_that_conforms(tmp_path: Path) -> None:
    path = tmp_path / "acme.json"
    path.write_text(json.dumps(MANIFEST))

    def opens(config: Any, *, clock: Any = None) -> Any:
        return ManifestSource({"manifest": str(path), **config}, clock=clock)

    results = conform(opens, ReferenceFake, ["people"])
    assert [(result.check, result.problem) for result in results if result.problem] == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"streams": []}, "streams"),
        ({"auth": {"kind": "magic"}}, "auth: its kind is 'magic'; there are none, bearer, header, basic, oauth2"),
        ({"auth": {"kind": "header"}}, "auth: header: 'name' is a required property"),
        ({"streams": [*MANIFEST["streams"], *MANIFEST["streams"]]}, "two are called 'people'"),
        (
            {"streams": [{"name": "x", "all": {"path": "x", "paging": {"kind": "cursor", "param": "a"}}}]},
            "streams.0.all.paging: cursor: 'at' is a required property",
        ),
        ({"if": "x"}, "if"),
    ],
)
def test_wrong_manifest_names_the_place(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load({**MANIFEST, **change})


@pytest.mark.parametrize("answer", [{"error": {"code": "x"}, "data": []}, {"success": False, "data": []}, {"errors": ["x"]}])
def test_an_error_with_an_empty_list_is_no_end_of_the_list(answer: Any) -> None:
    with ReferenceFake(ManualClock()).serve() as fake:
        fake.answer = lambda request: reply(answer)
        fake.let_in = lambda request: True
        client = HttpClient(fake.base_url, Bearer().credentials({"token": "x"}), clock=fake.clock)
        with pytest.raises(ContractError, match="an error inside a successful answer"):
            list(walk(client, CursorPaging("after", at="next"), Request("people", label="people"), "data", None))


def test_half_a_character_and_what_is_no_number_are_read_as_what_can_be_stored() -> None:
    assert loads(r'{"a": ["\ud83d", "\ud83d\ude00", NaN, 1000000000000000000000]}') == {"a": ["\ufffd", "\U0001f600", None, 10**21]}


def test_missing_setting_of_a_manifest_is_named() -> None:
    with pytest.raises(ConfigError, match="client_id"):
        ManifestSource({"manifest": MANIFEST, "base_url": "https://x.example"})


def test_schema_and_dataclasses_have_the_same_members() -> None:
    schema = json.loads(resources.files("schemas").joinpath("connector.schema.json").read_text("utf-8"))["$defs"]
    for name, made in (("stream", rest.RestStream), ("listing", rest.Listing), ("gone", rest.Gone), ("limits", http.Limits)):
        assert set(schema[name]["properties"]) == {member.name for member in fields(made)}
    described = {each["properties"]["kind"]["const"]: each for part in ("auth", "paging", "since") for each in schema[part]["oneOf"]}
    assert set(described) == set(KINDS)
    for kind, made in KINDS.items():
        assert set(described[kind]["properties"]) - {"kind"} == {member.name for member in fields(made)}, kind
