"""A wheel, installed away from the checkout, does the main job: schemas, templates, mappings and migrations travel with it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command `cdp` of an environment that has the wheel, and what it requires from this one."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
    for name in filter(None, tracked):
        if (ROOT / name).is_file() and not name.startswith("tests/"):
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, source / name)
    _run([sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", str(folder), str(source)])
    [wheel] = folder.glob("*.whl")
    home = folder / "env"
    venv.create(home, with_pip=False)
    [site] = home.glob("lib/python*/site-packages")
    _run([sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(site), str(wheel)])
    (site / "requirements.pth").write_text(sysconfig.get_paths()["purelib"])
    script = home / "cdp"
    script.write_text(f'#!{home}/bin/python\nfrom cdp.cli import main\n\nif __name__ == "__main__":\n    main()\n')
    script.chmod(0o755)
    return script


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Path]:
    """A folder that the database's own user may enter, which pytest's folders are not."""
    with tempfile.TemporaryDirectory(prefix="cdp-wheel-") as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def demo(program: Path, elsewhere: Path) -> str:
    """What the demo printed, which left its platform in `elsewhere`."""
    return _run([str(program), "demo", "--no-serve", "--people", "60"], cwd=elsewhere)


def _run(command: list[str], **more: object) -> str:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("CDP_", "PYTHONPATH"))}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, **more)
    assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-2000:]
    return str(result.stdout)


def test_the_wheel_runs_the_demo(demo: str, program: Path, elsewhere: Path) -> None:
    assert "customers" in demo
    assert "branch_offices" in _run([str(program), "status"], cwd=elsewhere)


def test_the_wheel_is_not_the_checkout_and_serves_its_page(demo: str, program: Path, elsewhere: Path) -> None:
    script = (
        "import cdp, api, schemas, dags\n"
        "from api import create_app; from cdp.settings import load\n"
        "app = create_app(load()); client = app.test_client()\n"
        "assert client.get('/openapi.json').status_code == 200\n"
        "assert b'<form' in client.get('/sign-in', follow_redirects=True).data\n"
        "print(*(module.__file__ for module in (cdp, api, schemas, dags)))"
    )
    where = _run([str(program.parent / "bin" / "python"), "-c", script], cwd=elsewhere).split()
    assert len(where) == 4
    assert not [path for path in where if path.startswith(str(ROOT))]
