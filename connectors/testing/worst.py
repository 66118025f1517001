"""The conformance checks of a source at its worst: throttling, failures, expired credentials, answers that are none."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from unittest import mock

from connectors.contract import AuthError, ConfigError, ContractError, SourceError, Throttled, Unavailable
from connectors.testing.checks import Failed, agrees, check, must, raises
from connectors.testing.fake import Fault, throttle
from connectors.testing.lab import Lab


@contextmanager
def _no_sleep() -> Iterator[list[float]]:
    slept: list[float] = []
    with mock.patch("time.sleep", slept.append):
        yield slept


@check("http")
def throttling(lab: Lab) -> None:
    """After 429 nothing is asked before the time that the source names as seconds, as a fraction or as a date; then the read goes on."""
    lab.fill(6)
    lab.fake.page_size = 2
    for form in ("seconds", "float", "date"):
        lab.landed.rows.clear()
        lab.landed.bookmark = None
        lab.vendor.faults.append(throttle(lab.fake.clock, form, after=2))
        with _no_sleep() as slept:
            lab.sync()
        must(not slept, "the connector sleeps by itself")
        must(not lab.vendor.too_early, f"asked again before the time named as {form}")
        agrees(lab)


@check("http")
def long_throttling(lab: Lab) -> None:
    """A long pause is not waited for: Throttled names its end, and a run after it goes on."""
    lab.fill(6)
    lab.fake.page_size = 2
    lab.vendor.faults.append(throttle(lab.fake.clock, "seconds", 7200, after=2))
    began = lab.fake.clock.now()
    error = raises(lab, (Throttled,))
    assert isinstance(error, Throttled)
    must(abs((error.until - began).total_seconds() - 7200) < 60, "Throttled.until is not the end of the pause")
    must(lab.fake.clock.now() - began < timedelta(minutes=5), "the pause was waited for")
    lab.fake.clock.advance(7200)
    lab.sync()
    agrees(lab)


@check("renew")
def expired_token(lab: Lab) -> None:
    """A token that expires in the middle of a read is renewed, and the read goes on."""
    lab.fill(6)
    lab.fake.page_size = 2
    reading = lab.source().read(lab.stream)
    rows = list(next(reading).rows)
    lab.vendor.expire()
    for page in reading:
        rows.extend(page.rows)
    must(len(rows) == len(lab.fake.truth(lab.stream)), "rows are missing after the token was renewed")


@check("tokens")
def revoked_token(lab: Lab) -> None:
    """Credentials that are revoked in the middle of a read are an AuthError; when they are back, the next run goes on."""
    lab.fill(6)
    lab.fake.page_size = 2
    reading = lab.source().read(lab.stream)
    next(reading)
    lab.fake.revoked = True
    lab.vendor.expire()
    try:
        list(reading)
    except AuthError:
        lab.fake.revoked = False
        lab.sync()
        agrees(lab)
        return
    raise Failed("no AuthError where the credentials were revoked")


@check("http")
def failure_once(lab: Lab) -> None:
    """A source that fails once, or breaks off its answer, is asked again."""
    lab.fill(6)
    lab.fake.page_size = 2
    for fault in (Fault(500, after=2), Fault(503, after=2), Fault(200, '{"cut', after=2)):
        lab.landed.rows.clear()
        lab.landed.bookmark = None
        lab.vendor.faults.append(fault)
        lab.sync()
        agrees(lab)


@check("break")
def failure_for_ever(lab: Lab) -> None:
    """A source that goes on failing is Unavailable after a few attempts, and the next run goes on."""
    lab.fill(6)
    lab.fake.page_size = 2
    lab.fake.break_off(lab.stream)
    raises(lab, (Unavailable,))
    must(len(lab.fake.requests) < 40, f"{len(lab.fake.requests)} requests were sent to a source that fails")
    lab.fake.mend()
    lab.sync()
    agrees(lab)


@check("spoil")
def malformed_for_ever(lab: Lab) -> None:
    """An answer that is no data, again and again, is a ContractError or Unavailable, and never an empty read."""
    lab.fill(3)
    lab.sync()
    lab.fake.spoil(lab.stream)
    raises(lab, (ContractError, Unavailable))
    lab.fake.mend()
    agrees(lab)


@check("http")
def error_inside_success(lab: Lab) -> None:
    """An answer of status 200 that holds an error, and no rows, is an error and never an empty read."""
    lab.fill(3)
    lab.sync()
    lab.vendor.faults.append(Fault(200, '{"error": {"code": "internal", "message": "something broke"}}', times=10**6, after=1))
    raises(lab, (ContractError, Unavailable, ConfigError))
    lab.vendor.faults.clear()
    agrees(lab)


@check()
def silence(lab: Lab) -> None:
    """No log line and no error text carries a secret, an e-mail address or a body."""
    lab.fill(3)
    stream = io.StringIO()
    handler, root = logging.StreamHandler(stream), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    said: list[str] = []
    try:
        if "broken_row" in lab.able():
            lab.fake.put_broken(lab.stream)
        said.extend(refused.message for refused in lab.sync().refused)
        for _ in lab.fake.troubles(lab.stream):
            try:
                lab.source().streams()
                list(lab.source().read(lab.stream))
            except SourceError as error:
                said.append(str(error))
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
    text = stream.getvalue() + "\n".join(said)
    for secret, what in ((lab.fake.secret, "the secret"), ("@example.org", "an e-mail address"), ("no entry for", "a body")):
        must(secret not in text, f"{what} is in the log or in an error text")
