"""The DAGs: every file is accounted for, importing one does nothing, and each runs for real, twice, with the same result."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from sqlalchemy import Engine

import dags
from cdp.settings import Settings
from tests.ingest.world import ORDERS, add_source, rows, write_csv
from tests.profiles.test_resolve import person

FOLDER = Path(dags.__file__).parent
DAGS = {
    "customers.py": "cdp_customers",
    "segments.py": "cdp_segments",
    "audiences.py": "cdp_audiences",
    "identity.py": "cdp_retrain",
}
BUNDLE = {
    "name": "cdp",
    "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle",
    "kwargs": {"path": str(FOLDER), "refresh_interval": 300},
}
HELPERS = {"__init__.py", "assets.py"}

pytestmark = [
    pytest.mark.airflow,
    pytest.mark.xdist_group("airflow"),
    pytest.mark.skipif(find_spec("airflow") is None, reason="Apache Airflow is not installed: pip install -e '.[airflow]'"),
]


@pytest.fixture(scope="module")
def airflow_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An Airflow with its own empty metadata database."""
    home = tmp_path_factory.mktemp("airflow")
    _airflow(home, ["-m", "airflow", "db", "migrate"])
    _airflow(home, ["-m", "airflow", "dags", "reserialize"])
    return home


def _airflow(home: Path, arguments: list[str], **more: str) -> str:
    environment = os.environ | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps([BUNDLE]),
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
        "PYTHONPATH": str(FOLDER.parent),
        **more,
    }
    result = subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    return result.stdout


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


def test_importing_the_dags_touches_no_database_and_no_network(airflow_home: Path) -> None:
    script = (
        "import socket, sqlalchemy, airflow.sdk\n"
        "def refuse(*a, **k): raise AssertionError('touched at import')\n"
        "sqlalchemy.create_engine = socket.create_connection = refuse\n"
        f"import importlib\nfor name in {[n.removesuffix('.py') for n in DAGS]!r}: importlib.import_module('dags.' + name)\n"
    )
    _airflow(airflow_home, ["-c", script])


def test_every_dag_runs_twice_with_the_same_result(company: None, engine: Engine, settings: Settings, airflow_home: Path) -> None:
    query = "select r.source_key, g.document from record r join golden g using (profile_id) order by 1"
    results = []
    for _ in range(2):
        printed = _airflow(airflow_home, ["-m", "tests.dags.run_dag", *DAGS.values()], CDP_DATABASE_URL=settings.database_url)
        reports = {report["dag"]: report for report in map(json.loads, printed.strip().splitlines()[-len(DAGS) :])}
        assert {name for name, report in reports.items() if report["state"].endswith("success")} == set(DAGS.values()), reports
        assert len([task for task in reports["cdp_customers"]["tasks"] if task[0] == "sync_source"]) == 3
        results.append(rows(engine, query))
    assert results[0] == results[1]
    assert len(results[0]) == 80
    assert rows(engine, "select count(distinct profile_id) from record") == [(40,)]
    assert rows(engine, "select count(*) from profile_attribute") == [(40,)]
