"""What the tests of jobs share."""

import time

import pytest
import requests

FINAL = ("done", "failed", "cancelled")


class JobsApi:
    """Jobs of one service, as a client sees them."""

    def __init__(self, service):
        self.service = service

    def post(self, *files, **fields):
        """The answer to POST /api/jobs with these (name, bytes)."""
        sent = [("file", file) for file in files]
        return requests.post(f"{self.service.url}/api/jobs", files=sent, data=fields, timeout=60)

    def send(self, *files, **fields):
        """The id of an accepted job."""
        answer = self.post(*files, **fields)
        assert answer.status_code == 202, answer.text
        return answer.json()["id"]

    def get(self, job_id, path="", **query):
        return requests.get(f"{self.service.url}/api/jobs/{job_id}{path}", params=query, timeout=60)

    def put(self, job_id, path, value):
        return requests.put(f"{self.service.url}/api/jobs/{job_id}{path}", json=value, timeout=30)

    def state(self, job_id):
        answer = self.get(job_id)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def delete(self, job_id):
        return requests.delete(f"{self.service.url}/api/jobs/{job_id}", timeout=30)

    def wait(self, job_id, until=lambda job: job["state"] in FINAL, limit_s=120):
        """The job's state as soon as it is `until`, by default ended."""
        deadline = time.monotonic() + limit_s
        while not until(job := self.state(job_id)):
            assert time.monotonic() < deadline, job
            time.sleep(0.02)
        return job

    def result(self, job_id):
        """The pages of a job that is done."""
        answer = self.get(job_id, "/result")
        assert answer.status_code == 200, answer.text
        return answer.json()["pages"]


@pytest.fixture(scope="session")
def jobs_api():
    """`jobs_api(service)` speaks to the jobs of a service."""
    return JobsApi


@pytest.fixture(scope="session")
def jobs(service):
    """The jobs of the service that all tests share."""
    return JobsApi(service)
