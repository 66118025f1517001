"""What takes long is held for a while; nothing is not."""

from __future__ import annotations

from flask import Flask

from api.held import held


def test_value_is_made_once_while_it_is_fresh() -> None:
    made = iter(["first", "second"])
    with Flask("t").app_context():
        assert [held("x", lambda: next(made)) for _ in range(3)] == ["first"] * 3


def test_value_is_made_again_when_it_is_old() -> None:
    made = iter(["first", "second"])
    with Flask("t").app_context():
        assert [held("x", lambda: next(made), seconds=0) for _ in range(2)] == ["first", "second"]


def test_nothing_is_not_held() -> None:
    made = iter([[], ["came"]])
    with Flask("t").app_context():
        assert [held("x", lambda: next(made)) for _ in range(2)] == [[], ["came"]]
