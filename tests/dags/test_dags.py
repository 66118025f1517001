"""The DAGs: every file is accounted for, importing one does nothing, and each runs for real, twice, with the same result."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.util import find_spec
from inspect import signature
from pathlib import Path
from subprocess import PIPE
from typing import Any

import jinja2
import pytest
from sqlalchemy import Engine

import dags
from cdp import jobs, vendors
from cdp.activation import register
from cdp.segments import save
from cdp.settings import Settings
from tests.activation.conftest import World
from tests.activation.fakes import HubSpotFake
from tests.dags.airflow_process import ANSWER, UNTIL
from tests.ingest.world import ORDERS, add_source, rows, write_csv
from tests.profiles.test_resolve import person

FOLDER = Path(dags.__file__).parent
DAGS = {
    "sources.py": "cdp_sources",
    "profiles.py": "cdp_profiles",
    "attributes.py": "cdp_attributes",
    "segments.py": "cdp_segments",
    "audiences.py": "cdp_audiences",
    "identity.py": "cdp_retrain",
    "report.py": "cdp_monthly_report",
    "housekeeping.py": "cdp_housekeeping",
}
BUNDLE = {
    "name": "cdp",
    "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle",
    "kwargs": {"path": str(FOLDER), "refresh_interval": 300},
}
HELPERS = {"__init__.py", "assets.py", "job.py"}

pytestmark = [
    pytest.mark.airflow,
    pytest.mark.long,
    pytest.mark.skipif(find_spec("airflow") is None, reason="Apache Airflow is not installed: pip install -e '.[airflow]'"),
]


class Airflow:
    """An Airflow with an empty metadata database, in a process of its own."""

    def __init__(self, home: Path) -> None:
        self.environ = os.environ | {
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps([BUNDLE]),
            "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
            "PYTHONPATH": str(FOLDER.parent),
        }
        pools = home / "pools.json"
        pools.write_text(json.dumps(vendors.pools()))
        self._errors = (home / "errors").open("w+")
        command = [sys.executable, "-W", "ignore", "-m", "tests.dags.airflow_process", str(pools)]
        self._process = subprocess.Popen(command, env=self.environ, stdin=PIPE, stdout=PIPE, stderr=self._errors, text=True)

    def ask(self, what: str, *arguments: str, **environ: str) -> Any:
        """What the function `what` of `airflow_process` returns."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([what, arguments, environ]) + "\n")
        self._process.stdin.flush()
        said = []
        for line in self._process.stdout:
            if line.startswith(ANSWER):
                return json.loads(line.removeprefix(ANSWER))
            said.append(line)
        self._errors.seek(0)
        raise AssertionError("".join(said)[-3000:] + self._errors.read()[-3000:])

    def run(self, settings: Settings, *names: str, **environ: str) -> Any:
        """Reports of the DAGs, which work on the database of `settings`."""
        return self.ask("run", *names, CDP_DATABASE_URL=settings.database_url, CDP_HOME=str(settings.home), **environ)

    def end(self) -> None:
        """Nothing more is asked."""
        self._process.communicate()
        self._errors.close()


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Airflow]:
    made = Airflow(tmp_path_factory.mktemp("airflow"))
    yield made
    made.end()


@pytest.fixture
def company(engine: Engine, tmp_path: Path) -> None:
    """Two departments and a till that wrote down what twenty of their customers bought."""
    people = [person(n) for n in range(40)]
    add_source(engine, write_csv(tmp_path / "crm.csv", people), name="crm")
    add_source(engine, write_csv(tmp_path / "shop.csv", [p | {"id": f"s{p['id']}"} for p in people]), name="shop")
    orders = [{"id": f"o{n}", "customer": f"{n}", "at": "2026-03-01T10:00:00Z", "total": "5"} for n in range(20)]
    mapping = {"streams": {"orders": ORDERS["streams"]["orders"]}}
    add_source(engine, write_csv(tmp_path / "orders.csv", orders), mapping, "till")


def test_every_file_is_accounted_for() -> None:
    assert {path.name for path in FOLDER.glob("*.py")} == set(DAGS) | HELPERS


@pytest.mark.parametrize("name", DAGS)
def test_a_dag_file_is_short_and_holds_no_logic(name: str) -> None:
    source = (FOLDER / name).read_text()
    assert len(source.splitlines()) <= 40
    assert not [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.If | ast.For | ast.While | ast.Try | ast.With)]


def test_reading_the_dags_touches_no_database_and_no_network_and_does_not_load_the_platform(airflow: Airflow) -> None:
    script = (
        "import sys, socket, sqlalchemy, airflow.sdk, importlib\n"
        "def refuse(*a, **k): raise AssertionError('touched at import')\n"
        "sqlalchemy.create_engine = socket.create_connection = refuse\n"
        f"for name in {[n.removesuffix('.py') for n in DAGS]!r}: importlib.import_module('dags.' + name)\n"
        "print(sorted(name for name in sys.modules if name.startswith('cdp')), {'pandas', 'duckdb', 'pyarrow'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", script], env=airflow.environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.strip().splitlines()[-1] == "['cdp', 'cdp.vendors'] set()"


def test_structure(airflow: Airflow) -> None:
    """What hands over to what: the clock starts sources, destinations, and what is done now and then; the rest waits for assets."""
    found = airflow.ask("describe")
    assert set(found) == set(DAGS.values())
    for dag in found.values():
        assert (dag["owner"], dag["doc"], dag["tags"], dag["catchup"]) == ("cdp", True, ["cdp"], False)
        assert dag["retries"] >= 1
    assert found["cdp_sources"]["tasks"]["pull_hubspot"] == [[], ["cdp://landing/hubspot"], "cdp_from_hubspot"]
    assert found["cdp_sources"]["tasks"]["connectors_in_use"][0] == vendors.connector_names()
    assert found["cdp_sources"]["tasks"]["hubspot"][0] == ["pull_hubspot"]
    assert found["cdp_profiles"]["on"] == [f"cdp://landing/{name}" for name in vendors.connector_names()]
    assert found["cdp_profiles"]["tasks"]["refresh_profiles"][1] == ["cdp://profiles"]
    assert (found["cdp_attributes"]["on"], found["cdp_segments"]["on"]) == (["cdp://profiles"], ["cdp://attributes"])
    assert found["cdp_audiences"]["on"] == ["cdp://segments"]
    assert found["cdp_audiences"]["tasks"]["send_meta"] == [[], [], "cdp_to_meta"]
    used = {task[2] for dag in found.values() for task in dag["tasks"].values()} - {"default_pool"}
    assert used == set(vendors.pools())


RESULTS = {
    "people": "select r.source_key, g.document from record r join golden g using (profile_id) order by 1",
    "attributes": """select profile_id, "values" from profile_attribute order by 1""",
    "members": "select s.name, m.profile_id from segment_member m join segment s on s.id = m.segment_id order by 1, 2",
    "sent": "select destination_id, profile_id, encode(fingerprint, 'hex') from audience_member order by 1, 2",
    "ledger": "select delivery_id, profile_id, change from export_ledger order by 1, 2",
}


def test_every_dag_runs_twice_with_the_same_result(
    company: None, engine: Engine, settings: Settings, airflow: Airflow, tmp_path: Path
) -> None:
    with engine.begin() as connection:
        save(connection, "everybody", "everyone", "test")
        to = {"files": {"path": str(tmp_path / "out")}}
        document = {"name": "mart", "segment": "everybody", "legal_basis": "contract: our own mart", "format": "fields", "to": to}
        register(connection, document, "test")
    results = []
    for _ in range(2):
        reports = airflow.run(settings, *DAGS.values())
        assert {name for name, report in reports.items() if report["state"].endswith("success")} == set(DAGS.values()), reports
        assert len([task for task in reports["cdp_sources"]["tasks"] if task[0] == "pull_files" and task[1] >= 0]) == 3
        found = {name: rows(engine, query) for name, query in RESULTS.items()}
        found["files"] = [(path.name, path.read_bytes()) for path in sorted((tmp_path / "out").iterdir())]
        found["reports"] = [(path.name, path.read_bytes()) for path in sorted((settings.home / "reports").iterdir())]
        found["backups"] = [path.name for path in (settings.home / "backups").iterdir()]
        results.append(found)
    assert results[0] == results[1]
    assert len(results[0]["people"]) == 80
    assert [len(results[0][name]) for name in ("attributes", "members", "sent", "files", "reports", "backups")] == [40, 40, 40, 1, 2, 1]


def test_a_throttled_vendor_is_put_off_and_not_failed(company: None, engine: Engine, settings: Settings, airflow: Airflow) -> None:
    fake = HubSpotFake().start()
    fake.faults = [(429, {"category": "RATE_LIMITS"}, {"Retry-After": "4"})]
    world = World(engine)
    world.person(1, email="a@example.org")
    to = {"hubspot": {"list": "9", "token": "env:HUBSPOT_TOKEN", "url": fake.url}}
    with engine.begin() as connection:
        register(connection, {"name": "crm", "segment": "buyers", "purpose": "ads", "format": "hubspot", "to": to}, "test")
    more = {"HUBSPOT_TOKEN": "hub-token", "CDP_WEBHOOK_PRIVATE_HOSTS": "127.0.0.1", "LONGEST_WAIT": "1"}
    report = airflow.run(settings, "cdp_audiences", **more)["cdp_audiences"]
    fake.stop()
    assert report["state"].endswith("success")
    (sent,) = [task for task in report["tasks"] if task[0] == "send_hubspot"]
    assert (sent[2].rpartition(".")[2], sent[3]) == ("success", 1)
    assert fake.emails == {"a@example.org"}
    assert rows(engine, "select status from delivery") == [("done",)]


def test_a_job_is_put_off_to_the_moment_that_it_names(airflow: Airflow) -> None:
    assert airflow.ask("put_off") == ["sync_source", UNTIL.isoformat()]


def test_what_only_a_person_can_mend_fails_at_once(airflow: Airflow) -> None:
    assert airflow.ask("failed_at_once") == "no such folder"


def test_each_task_is_a_function_that_there_is() -> None:
    named = {found for file in DAGS for found in re.findall(r'job\(("\w+"(?:, "\w+")*)\)', (FOLDER / file).read_text())}
    assert len(named) >= 12
    for name, *parameters in (re.findall(r'"(\w+)"', found) for found in named):
        assert set(parameters) <= set(signature(getattr(jobs, name)).parameters), name


def test_a_report_that_is_asked_for_by_hand_without_a_date_is_that_of_the_last_month() -> None:
    found = re.search(r"{{.*}}", (FOLDER / "report.py").read_text("utf-8"))
    assert found
    template = jinja2.Template(found[0], undefined=jinja2.StrictUndefined)
    assert template.render() == ""
    assert template.render(data_interval_start=datetime(2026, 10, 1, tzinfo=UTC)) == "2026-10"
