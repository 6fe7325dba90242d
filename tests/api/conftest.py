"""What the tests of the API share: its description, taken at its word, and jobs."""

import time

import pytest
import requests
from jsonschema import Draft202012Validator

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


def closed(schema):
    """The schema (or what is in one) without room for a field that it does not name."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    only_these = {"additionalProperties": False} if isinstance(schema.get("properties"), dict) else {}
    return {name: closed(part) for name, part in schema.items()} | only_these


@pytest.fixture(scope="session")
def document(service):
    """The API's description, as the box gives it."""
    return requests.get(f"{service.url}/openapi.json", timeout=10).json()


@pytest.fixture(scope="session")
def check(document):
    """`check("Page", value)`: the value has the fields that this schema (or the one given) names, and no other."""
    components = closed(document["components"])

    def check(schema, value):
        schema = components["schemas"][schema] if isinstance(schema, str) else closed(schema)
        Draft202012Validator({**schema, "components": components}).validate(value)

    return check


@pytest.fixture(scope="session")
def jobs_api():
    """`jobs_api(service)` speaks to the jobs of a service."""
    return JobsApi


@pytest.fixture(scope="session")
def jobs(service):
    """The jobs of the service that all tests share."""
    return JobsApi(service)
