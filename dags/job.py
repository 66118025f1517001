"""A vendor that wants a pause gets it, and no slot is held meanwhile: the task is put off to the moment that the vendor named."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from airflow.sdk.exceptions import AirflowRescheduleException

from cdp.jobs import Later

P = ParamSpec("P")
T = TypeVar("T")


def later(job: Callable[P, T]) -> Callable[P, T]:
    """The job, put off instead of failed where it raises `Later`."""

    @wraps(job)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return job(*args, **kwargs)
        except Later as error:
            raise AirflowRescheduleException(error.until) from error

    return call
