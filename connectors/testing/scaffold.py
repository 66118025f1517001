"""`new` writes a connector that works: package, mapping, fake and test, which pass at once and are then made to fit the real source."""

from __future__ import annotations

import json
import keyword
from collections.abc import Mapping
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from string import Template

from connectors.contract import ConfigError

AUTH: Mapping[str, tuple[str, str]] = {
    "bearer": ("Bearer", "Bearer()"),
    "header": ("Header", 'Header("X-Api-Key")'),
    "basic": ("Basic", "Basic()"),
    "oauth2": ("OAuth2", 'OAuth2("oauth/token")'),
}
"""Kind -> class to import, and how it is written."""

PAGING: Mapping[str, tuple[str, str]] = {
    "cursor": ("CursorPaging", 'CursorPaging("after", at="next", size_param="limit")'),
    "link": ("LinkPaging", 'LinkPaging(at="next", size_param="limit")'),
    "number": ("NumberPaging", 'NumberPaging("page", size_param="limit")'),
    "after_key": ("AfterKeyPaging", 'AfterKeyPaging("after")'),
}

_CONNECTOR = Template('''"""$title: people and their visits."""

from __future__ import annotations

from connectors.auth import $auth_class
from connectors.http import Limits
from connectors.paging import $paging_class
from connectors.rest import Gone, Listing, RestSource, RestStream
from connectors.since import SinceParam

PAGING = $paging


class Connector(RestSource):
    """$title. The address is a setting; write `base_url = "https://…"` here if it is the same for everybody."""

    vendor = "$name"
    auth = $auth
    limits = Limits(requests=100, seconds=60, read_on="2026-01-01", note="put here what the vendor says, and when you read it")
    declared = (
        RestStream(
            "people",
            Listing("people", records="data", paging=PAGING, since=SinceParam("updated_since")),
            kind="customer",
            cursor="updated_at",
            gone=Gone(flag="deleted", merged_into="merged_into"),
        ),
        RestStream(
            "visits",
            Listing("visits", records="data", paging=PAGING, since=SinceParam("updated_since")),
            kind="interaction",
            cursor="updated_at",
            gone=Gone(flag="deleted", merged_into="merged_into"),
        ),
    )
''')

_FAKE = Template('''"""A fake of $title: make `show` and `answer` write what the vendor writes."""

from __future__ import annotations

from connectors.testing.reference import ReferenceFake


class Fake(ReferenceFake):
    """Answers as the reference vendor does, with authentication by $auth_kind and paging by $paging_kind."""

    auth = "$auth_kind"
    paging = "$paging_kind"
    can = frozenset($can)
''')

_TEST = Template('''"""The connector to $title passes the conformance kit, and its mapping is valid."""

from __future__ import annotations

import pytest
from $name import Connector
from $name.fake import Fake

from connectors.testing import conform, mapping_of, unmapped

RESULTS = list(conform(Connector, Fake, Fake.streams))


@pytest.mark.parametrize("result", RESULTS, ids=lambda result: f"{result.stream}-{result.check}")
def test_conforms(result) -> None:
    assert result.problem is None


def test_every_field_is_mapped_or_known_to_be_left_out() -> None:
    mapping_of(Connector)
    assert unmapped(Connector, Fake) == {"people": ["deleted", "merged_into"], "visits": ["deleted", "email", "merged_into", "name"]}
''')

_MAPPING = {
    "version": 1,
    "streams": {
        "people": {
            "customer": {"source_key": "id", "full_name": "name", "emails": "email", "created_at": "created_at", "updated_at": "updated_at"}
        },
        "visits": {
            "interaction": {
                "source_key": "id",
                "customer_key": "person_id",
                "customer_stream": {"const": "people"},
                "kind": "kind",
                "at": "created_at",
                "properties": ["updated_at"],
            }
        },
    },
}


def _is_taken(name: str) -> bool:
    """Whether a package of this name would hide, or be hidden by, another one."""
    return keyword.iskeyword(name) or find_spec(name) is not None or name in {point.name for point in entry_points(group="cdp.connectors")}


def new(name: str, auth: str, paging: str, folder: Path) -> list[Path]:
    """Write the package `name` into `folder`.

    Raises:
        ConfigError: the name is no Python name or is taken, a kind is unknown, or the package is there already.
    """
    if not name.isidentifier() or name != name.lower():
        raise ConfigError(f"{name!r} cannot be the name of a package: use lower-case letters, digits and underscores")
    package = folder / name
    if package.exists():
        raise ConfigError(f"{package} is there already: take another name, or remove it")
    if _is_taken(name):
        raise ConfigError(f"{name!r} is taken, by Python, an installed package or a connector: take another name, such as {name}_crm")
    for kind, known, what in ((auth, AUTH, "--auth"), (paging, PAGING, "--paging")):
        if kind not in known:
            raise ConfigError(f"{what} {kind!r} is unknown; there are {', '.join(known)}")
    can = ["broken_row", "delete", "merge", "zones"]
    can += ["empty_page", "repeat"] if paging in ("cursor", "link") else []
    can += ["renew"] if auth == "oauth2" else []
    values = {
        "name": name,
        "title": name.replace("_", " ").capitalize(),
        "auth_class": AUTH[auth][0],
        "auth": AUTH[auth][1],
        "paging_class": PAGING[paging][0],
        "paging": PAGING[paging][1],
        "auth_kind": auth,
        "paging_kind": paging,
        "can": "{" + ", ".join(f'"{each}"' for each in can) + "}",
    }
    files = {
        "__init__.py": _CONNECTOR.substitute(values),
        "fake.py": _FAKE.substitute(values),
        "mapping.json": json.dumps(_MAPPING, indent=2) + "\n",
        f"test_{name}.py": _TEST.substitute(values),
    }
    package.mkdir(parents=True)
    for file, text in files.items():
        (package / file).write_text(text, "utf-8")
    return [package / file for file in files]
