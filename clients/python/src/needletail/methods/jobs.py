"""Work that goes on in the server: ``job.*``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..call import Call
from ..errors import NeedletailError
from ..reading import Malformed, reader


@dataclass
class Job:
    """``state``: running, done, failed or cancelled. ``rate`` is ``done`` per second, ``eta_ms`` how long the rest may take."""

    job: str
    kind: str
    collection: str
    state: str
    phase: str
    done: int
    total: int
    rate: float
    eta_ms: int | None = None
    error: str | None = None


class JobFailed(NeedletailError):
    """A job that was waited for failed or was cancelled; ``job`` says more."""

    kind = "job_failed"

    def __init__(self, job: Job) -> None:
        super().__init__(f"job {job.job} ({job.kind} of {job.collection}) {job.state}: {job.error or 'no reason given'}")
        self.job = job

    def __reduce__(self) -> tuple[Any, ...]:
        return JobFailed, (self.job,)


@dataclass
class _Jobs:
    jobs: list[Job]


def _one(value: Any) -> Job:
    jobs = reader(_Jobs)(value).jobs
    if len(jobs) != 1:
        raise Malformed(f"{len(jobs)} jobs in place of one").inside(".jobs")
    return jobs[0]


def list_jobs(*, timeout: float | None = None) -> Call[list[Job]]:
    """All jobs that the server knows."""
    return Call("job.list", {}, lambda value: reader(_Jobs)(value).jobs, timeout=timeout)


def get_job(job: str, *, timeout: float | None = None) -> Call[Job]:
    """A job by its id. Raises ``NotFound``."""
    return Call("job.get", {"job": job}, _one, timeout=timeout)


def cancel_job(job: str, *, timeout: float | None = None) -> Call[Job]:
    """Cancels a job. Cancelling that of an index drops the index."""
    return Call("job.cancel", {"job": job}, _one, writes=True, timeout=timeout)
