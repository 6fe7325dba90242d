"""Who is let in: by host name, by origin, by token, and not too often. No picture is read for it, so no reader runs."""

import json

import pytest
from ziyan import tokens
from ziyan.errors import SettingRejected
from ziyan.settings import Settings, load
from ziyan.web.access import trusted
from ziyan.web.app import create_app

PAGE = json.dumps({"lines": [], "width": 10, "height": 10})


@pytest.fixture
def box():
    """`box(OCR_X=…)` gives a client of the web program with these settings."""
    return lambda **settings: create_app(load(settings)).test_client()


def export(client, **headers):
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    fields = {"page": PAGE, "format": "txt"}
    return client.post("/api/export", data=fields, content_type="multipart/form-data", headers=names)


def refusal(answer):
    return answer.status_code, answer.json["error"]["code"]


# --- the host name ----------------------------------------------------------------------------------------------------

OURS = [
    "192.168.1.7",
    "192.168.1.7:5000",
    "[fe80::1]:5000",
    "localhost:5000",
    "a.localhost",
    "raspberrypi",
    "raspberrypi.local",
    "RASPBERRYPI.LOCAL:5000",
    "ocr.local.",
]
NOT_OURS = [
    "evil.example",
    "evil.example:5000",
    "192.168.1.7.evil.example",
    "raspberrypi.local.evil.example",
    "1.2.3.4.5",
    ":5000",
    "[fe80::1",
]


@pytest.mark.parametrize("host", OURS)
def test_answers_to_its_addresses_and_to_names_that_nobody_else_can_have(box, host):
    assert box().get("/api/options", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", NOT_OURS)
def test_does_not_answer_to_a_name_that_could_point_anywhere(box, host):
    assert refusal(box().get("/api/options", headers={"Host": host})) == (400, "host_refused")


def test_the_page_itself_is_behind_the_host_check(box):
    assert refusal(box().get("/", headers={"Host": "evil.example"})) == (400, "host_refused")


def test_answers_to_the_names_that_it_was_given(box):
    client = box(OCR_TRUSTED_HOSTS="ocr.example.com, .home.example")
    for host in ("ocr.example.com", "OCR.example.com:5000", "a.b.home.example", "192.168.1.7"):
        assert client.get("/health", headers={"Host": host}).status_code == 503, "it would answer"
    for host in ("example.com", "xocr.example.com", "home.example.evil"):
        assert refusal(client.get("/health", headers={"Host": host})) == (400, "host_refused")


def test_a_star_lets_every_name_in():
    assert trusted("anything.example", frozenset({"*"}))


# --- the origin -------------------------------------------------------------------------------------------------------


def test_programs_that_name_no_origin_are_let_in(box):
    assert export(box()).status_code == 200


@pytest.mark.parametrize("origin", ["http://pi.local:5000", "https://pi.local:5000"])
def test_its_own_page_is_let_in(box, origin):
    assert export(box(), Host="pi.local:5000", Origin=origin, Sec_Fetch_Site="same-origin").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "http://pi.local"},
        {"Origin": "http://pi.local:5001"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
)
def test_a_page_from_elsewhere_is_not(box, headers):
    assert refusal(export(box(), Host="pi.local:5000", **headers)) == (403, "origin_refused")


def test_a_link_from_elsewhere_still_opens_the_page(box):
    assert box().get("/", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200


# --- what a browser may do with an answer -----------------------------------------------------------------------------


def policy(answer):
    parts = (part.strip().split(" ") for part in answer.headers["Content-Security-Policy"].split(";"))
    return {name: values for name, *values in parts}


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_a_page_runs_nothing_but_the_scripts_of_the_box(box, path):
    found = policy(box().get(path))
    assert (found["default-src"], found["script-src"], found["frame-ancestors"]) == (["'none'"], ["'self'"], ["'none'"])
    allowed = {value for values in found.values() for value in values}
    assert not [value for value in allowed if "unsafe" in value or "*" in value or "http" in value]


def test_everything_else_runs_nothing_at_all_and_is_for_its_own_page_alone(box):
    client = box()
    page = {"page": PAGE, "format": "hocr"}
    exported = client.post("/api/export", data=page, content_type="multipart/form-data")
    assert exported.headers["Content-Disposition"].startswith("attachment"), "hOCR is HTML, and never shown as a page"
    for answer in (exported, client.get("/health"), client.get("/nothing"), client.get("/api/options")):
        assert policy(answer)["default-src"] == ["'none'"]
        assert "sandbox" in policy(answer)
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


# --- tokens -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def guarded(box, tmp_path):
    token, line = tokens.make("laptop")
    (tmp_path / "tokens").write_text(line)
    return box(OCR_TOKENS=str(tmp_path / "tokens")), token


def test_without_the_setting_nobody_is_asked_for_a_token(box):
    assert export(box()).status_code == 200
    assert box().get("/api/options").json["access"] == {"token": False, "rate_limit": None}


def test_with_it_the_token_lets_in(guarded):
    client, token = guarded
    assert export(client, Authorization=f"Bearer {token}").status_code == 200
    assert export(client, Authorization=f"bearer {token}").status_code == 200


def test_no_token_is_answered_with_the_way_to_send_one(guarded):
    answer = export(guarded[0])
    assert refusal(answer) == (401, "token_missing")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="ziyan"'


@pytest.mark.parametrize("header", ["Bearer zy_wrong", "Bearer \u00e9"])
def test_a_wrong_token_is_told_to_be_wrong(guarded, header):
    answer = export(guarded[0], Authorization=header)
    assert refusal(answer) == (401, "token_invalid")
    assert "invalid_token" in answer.headers["WWW-Authenticate"]


def test_another_kind_of_password_is_no_token(guarded):
    assert refusal(export(guarded[0], Authorization="Basic YTpi")) == (401, "token_missing")


def test_the_page_and_what_watches_the_box_stay_open(guarded):
    client, _ = guarded
    for path in ("/", "/docs", "/api/options", "/openapi.json", "/metrics"):
        assert client.get(path).status_code == 200, path
    assert client.get("/health").status_code == 503, "there is no reader, and that is told to anybody"
    assert client.get("/api/options").json["access"]["token"] is True


def test_everything_else_of_the_api_is_behind_the_token(guarded):
    client, _ = guarded
    for rule in client.application.url_map.iter_rules():
        if rule.rule.startswith("/api/") and rule.rule != "/api/options":
            path = rule.rule.partition("<")[0]
            for method in rule.methods - {"OPTIONS", "HEAD"}:
                assert client.open(path, method=method).status_code == 401, (method, path)


def test_does_not_start_without_the_file(box, tmp_path):
    with pytest.raises(SettingRejected):
        box(OCR_TOKENS=str(tmp_path / "missing"))


# --- the rate ---------------------------------------------------------------------------------------------------------


def test_above_the_rate_a_client_is_told_to_wait(box):
    client = box(OCR_RATE_LIMIT="2/hour")
    assert [export(client).status_code for _ in range(2)] == [200, 200]
    answer = export(client)
    assert refusal(answer) == (429, "too_many_requests")
    assert 0 < int(answer.headers["Retry-After"]) <= 3600
    assert client.get("/api/options").status_code == 200, "looking is not counted"


def test_each_client_has_a_rate_of_its_own(box):
    client = box(OCR_RATE_LIMIT="1/hour")
    fields = {"page": PAGE, "format": "txt"}

    def status(address):
        where = {"REMOTE_ADDR": address}
        kind = "multipart/form-data"
        return client.post("/api/export", data=fields, content_type=kind, environ_base=where).status_code

    assert [status("10.0.0.1"), status("10.0.0.1"), status("10.0.0.2")] == [200, 429, 200]


def test_without_the_setting_there_is_no_limit(box):
    client = box()
    assert {export(client).status_code for _ in range(50)} == {200}


@pytest.mark.parametrize("rate", ["30", "0/minute", "fast", "30/fortnight", "30/minute; 1"])
def test_refuses_a_rate_that_means_nothing(rate):
    with pytest.raises(SettingRejected) as caught:
        load({"OCR_RATE_LIMIT": rate})
    assert "30/minute" in caught.value.en


def test_takes_a_rate_over_several_minutes(box):
    assert export(box(OCR_RATE_LIMIT="100/5 minutes")).status_code == 200


def test_the_settings_are_off_unless_set():
    assert (Settings().tokens, Settings().rate_limit, Settings().trusted_hosts) == ("", "", "")
