"""The description and the box say the same: routes, answers, options, health, metrics."""

import re
from pathlib import Path

import pytest
import requests
import stack
from openapi_spec_validator import validate
from ziyan import __version__, manifest, options
from ziyan.settings import Settings
from ziyan.web.app import create_app

DATA = Path(__file__).parents[1] / "data"
NOT_DESCRIBED = {"/", "/docs", "/static/<path:filename>"}


@pytest.fixture
def fits(document, check):
    """`fits(path, response)`: the response is one that the description of `path` allows."""

    def fits(path, response, method="get"):
        described = document["paths"][path][method]["responses"][str(response.status_code)]
        check(described["content"]["application/json"]["schema"], response.json())

    return fits


def test_the_description_is_valid_openapi(document):
    validate(document)


def test_every_route_is_described_and_every_described_route_exists(document):
    rules = {rule.rule for rule in create_app(Settings()).url_map.iter_rules()} - NOT_DESCRIBED
    routes = {re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule) for rule in rules}
    assert routes == set(document["paths"])


def test_answers_match_their_schemas(service, fits):
    for path in ("/api/options", "/health", "/openapi.json"):
        fits(path, requests.get(service.url + path, timeout=10))
    for request in ({"files": {"image": b"no picture"}}, {"json": {}}, {"data": b"x"}):
        fits("/api/ocr", requests.post(f"{service.url}/api/ocr", timeout=10, **request), "post")


def test_a_page_has_the_fields_of_its_schema_and_no_other(service, fits):
    picture = (DATA / "pages" / "sign.jpg").read_bytes()
    fits("/api/ocr", requests.post(f"{service.url}/api/ocr", files={"image": picture}, timeout=60), "post")


def test_health_names_the_model_that_runs(service, models):
    health = service.health()
    loaded = manifest.load(models)
    assert health["model"] == loaded.recognizer.name
    assert health["reader"]["models"]["version"] == loaded.version
    assert health["version"] == __version__
    assert health["reader"]["pid"] == service.pids["ocr-reader"]


def test_options_tell_limits_and_defaults(service):
    told = requests.get(f"{service.url}/api/options", timeout=10).json()
    assert told["options"] == options.describe()
    assert told["limits"]["pixels"] == Settings().max_pixels


def test_health_and_metrics_count_the_jobs_that_have_not_ended(service, jobs):
    def told():
        text = requests.get(f"{service.url}/metrics", timeout=10).text
        return service.health()["queue"]["jobs"], float(re.search(r"^ziyan_jobs (\S+)$", text, re.MULTILINE)[1])

    assert told() == (0, 0)
    with stack.frozen(service.pids["ocr-reader"]):
        job_id = jobs.send(("sign.jpg", (DATA / "pages" / "sign.jpg").read_bytes()))
        assert told() == (1, 1)
    jobs.wait(job_id)
    assert told() == (0, 0)


def test_metrics_count_pages_refusals_and_the_cache(service):
    def metric(name):
        text = requests.get(f"{service.url}/metrics", timeout=10).text
        return float(re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)[1])

    before = metric("ziyan_cache_hits_total"), metric("ziyan_cache_misses_total")
    picture = b"P6 is no format of ours"
    for _ in range(2):
        requests.post(f"{service.url}/api/ocr", files={"image": picture}, timeout=10)
    assert metric("ziyan_cache_hits_total") == before[0]
    assert metric("ziyan_cache_misses_total") == before[1] + 2
    assert metric('ziyan_requests_total{route="/api/ocr",status="415"}') >= 2
    assert metric("ziyan_reader_up") == 1
    assert metric("ziyan_reader_pss_megabytes") > 10
    assert metric("process_resident_memory_bytes") > 1e6


def test_pages_carry_a_policy_that_allows_only_this_box(service):
    for path in ("/", "/docs"):
        answer = requests.get(service.url + path, timeout=10)
        assert answer.status_code == 200
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert not re.search(r"(src|href)=[\"']?https?:", answer.text), "nothing comes from elsewhere"


def test_docs_show_every_operation(service, document):
    text = requests.get(f"{service.url}/docs", timeout=10).text
    for operations in document["paths"].values():
        for operation in operations.values():
            assert operation["summary"] in text.replace("&#39;", "'")
