"""What a file of definitions says; a day in it stays the text that was written, as in JSON."""

from __future__ import annotations

from typing import Any, ClassVar

import yaml

from cdp.attributes.errors import DefinitionError


class _Loader(yaml.SafeLoader):
    """YAML without dates: `since: 2026-01-01` is a text, whether or not it stands in quotes."""

    yaml_implicit_resolvers: ClassVar[Any] = {  # type: ignore[misc]  # the stubs take it for one of the instance
        sign: [(tag, pattern) for tag, pattern in found if tag != "tag:yaml.org,2002:timestamp"]
        for sign, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def read_yaml(content: str, where: str) -> Any:
    """The document that a file holds.

    Raises:
        DefinitionError: it is no YAML.
    """
    try:
        return yaml.load(content, _Loader)  # noqa: S506  # a SafeLoader, with less
    except yaml.YAMLError as error:
        raise DefinitionError(where, f"this is no YAML: {' '.join(str(error).split())}") from None
