"""A task calls one function of `cdp.jobs`, which is imported when the task runs: reading a DAG must not cost what running it costs.

A vendor that wants a pause gets it, and no slot is held meanwhile: the task is put off to the moment that the vendor named, and runs
beside it leave that vendor alone. What only a person can mend fails at once.
"""

from collections.abc import Callable
from inspect import Parameter, Signature
from typing import Any

from airflow.sdk.exceptions import AirflowFailException, AirflowRescheduleException


def job(name: str, *parameters: str) -> Callable[..., Any]:
    """The function of that name with these parameters (Airflow fills what a signature asks for), put off instead of failed on `Later`."""

    def call(**given: Any) -> Any:
        from cdp import jobs

        try:
            return getattr(jobs, name)(**given)
        except jobs.Later as error:
            raise AirflowRescheduleException(error.until) from error
        except jobs.ToMend as error:
            raise AirflowFailException(str(error)) from error

    call.__name__ = call.__qualname__ = name
    vars(call)["__signature__"] = Signature([Parameter(each, Parameter.KEYWORD_ONLY) for each in parameters])
    return call
