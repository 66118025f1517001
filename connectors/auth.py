"""How a source lets one in: each kind names the fields of the configuration that it takes, and gives headers; only OAuth ever asks."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from connectors.contract import AuthError, ConfigError

Ask = Callable[[str, Mapping[str, str]], Mapping[str, Any]]
"""Posts a form to an address and gives the JSON that comes back."""


class Credentials(Protocol):
    """What goes with each request."""

    def headers(self) -> Mapping[str, str]: ...

    def prepare(self, ask: Ask, now: datetime) -> None:
        """Called before each request."""
        ...

    def renew(self, ask: Ask, now: datetime) -> bool:
        """Called when the source refused; tells whether another try is worth it."""
        ...


class Auth(Protocol):
    """A kind of authentication, as data."""

    def fields(self) -> tuple[str, ...]:
        """Fields of the configuration that it takes; each is a secret or belongs to one."""
        ...

    def credentials(self, config: Mapping[str, Any]) -> Credentials: ...


@dataclass(frozen=True)
class Fixed:
    """Headers that stay as they are."""

    values: Mapping[str, str]

    def headers(self) -> Mapping[str, str]:
        return self.values

    def prepare(self, ask: Ask, now: datetime) -> None:
        return None

    def renew(self, ask: Ask, now: datetime) -> bool:
        return False


def _field(config: Mapping[str, Any], name: str) -> str:
    if not config.get(name):
        raise ConfigError(f"{name} is not set: write {name}: env:NAME in the configuration, and the secret into that variable")
    return str(config[name])


@dataclass(frozen=True)
class NoAuth:
    """Nothing; or the secret is in the address."""

    def fields(self) -> tuple[str, ...]:
        return ()

    def credentials(self, config: Mapping[str, Any]) -> Credentials:
        return Fixed({})


@dataclass(frozen=True)
class Bearer:
    """`Authorization: Bearer …`, from the field `token`."""

    token: str = "token"  # noqa: S105  the name of a field

    def fields(self) -> tuple[str, ...]:
        return (self.token,)

    def credentials(self, config: Mapping[str, Any]) -> Credentials:
        return Fixed({"Authorization": f"Bearer {_field(config, self.token)}"})


@dataclass(frozen=True)
class Header:
    """The field `token` in a header of the vendor's own."""

    name: str
    token: str = "token"  # noqa: S105  the name of a field

    def fields(self) -> tuple[str, ...]:
        return (self.token,)

    def credentials(self, config: Mapping[str, Any]) -> Credentials:
        return Fixed({self.name: _field(config, self.token)})


@dataclass(frozen=True)
class Basic:
    """User (with `suffix`, such as `/token`) and password; a `user` that is no field of the configuration is taken as it is."""

    user: str = "user"
    password: str = "password"  # noqa: S105  the name of a field
    suffix: str = ""
    fixed_user: bool = False

    def fields(self) -> tuple[str, ...]:
        return (self.password,) if self.fixed_user else (self.user, self.password)

    def credentials(self, config: Mapping[str, Any]) -> Credentials:
        user = self.user if self.fixed_user else _field(config, self.user)
        pair = f"{user}{self.suffix}:{_field(config, self.password)}"
        return Fixed({"Authorization": f"Basic {base64.b64encode(pair.encode()).decode('ascii')}"})


@dataclass(frozen=True)
class OAuth2:
    """OAuth 2: a token for `client_id` and `client_secret`, or for a `refresh_token` where the configuration has one.

    Attributes:
        token_path: address of the token endpoint, or its path under the base address; the configuration's `token_url` wins.
        extra: more members of the token request; `{"scope": "…"}`.
    """

    token_path: str
    extra: tuple[tuple[str, str], ...] = ()

    def fields(self) -> tuple[str, ...]:
        return ("client_id", "client_secret")

    def credentials(self, config: Mapping[str, Any]) -> Credentials:
        form = {"client_id": _field(config, "client_id"), "client_secret": _field(config, "client_secret"), **dict(self.extra)}
        if config.get("scope"):
            form["scope"] = str(config["scope"])
        if config.get("refresh_token"):
            form |= {"grant_type": "refresh_token", "refresh_token": str(config["refresh_token"])}
        else:
            form["grant_type"] = "client_credentials"
        return _Token(str(config.get("token_url") or self.token_path), form)


class _Token:
    """A token that is fetched when there is none, and anew a minute before it expires or when it is refused."""

    def __init__(self, url: str, form: dict[str, str]) -> None:
        self._url = url
        self._form = form
        self._token = ""
        self._expires: datetime | None = None

    def headers(self) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self._token}"}

    def prepare(self, ask: Ask, now: datetime) -> None:
        if not self._token or (self._expires is not None and now >= self._expires):
            self.renew(ask, now)

    def renew(self, ask: Ask, now: datetime) -> bool:
        answer = ask(self._url, self._form)
        if not answer.get("access_token"):
            raise AuthError("the token endpoint gave no access_token. Check client_id, client_secret and scope")
        self._token = str(answer["access_token"])
        lasts = answer.get("expires_in")
        self._expires = now + timedelta(seconds=max(0, int(lasts) - 60)) if lasts else None
        if answer.get("refresh_token") and "refresh_token" in self._form:
            self._form["refresh_token"] = str(answer["refresh_token"])
        return True
