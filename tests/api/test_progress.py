"""GET /api/progress tells where a picture is, from the queue to its last line."""

import threading
import time

import made_page
import pytest
import requests


@pytest.fixture(scope="module")
def long_page():
    return made_page.many_lines()


def send(service, picture, name):
    """Sends the picture from a thread of its own."""

    def post():
        headers = {"X-Request-ID": name}
        answers.append(requests.post(f"{service.url}/api/ocr", files={"image": picture}, headers=headers, timeout=60))

    answers = []
    thread = threading.Thread(target=post)
    thread.start()
    return thread, answers


def progress(service, name):
    return requests.get(f"{service.url}/api/progress/{name}", timeout=10)


def watch(service, sent):
    """What is told of each of `sent`, {name: thread}, until all are done."""
    told = {name: [] for name in sent}
    while any(thread.is_alive() for thread in sent.values()):
        for name, answers in told.items():
            answer = progress(service, name)
            if answer.status_code == 200:
                answers.append(answer.json())
        time.sleep(0.005)
    return told


def test_tells_the_stages_and_every_few_lines_of_a_picture(service, check, long_page):
    thread, answers = send(service, long_page, "watched-picture")
    told = watch(service, {"watched-picture": thread})["watched-picture"]
    assert answers[0].status_code == 200
    assert answers[0].json()["request_id"] == answers[0].headers["X-Request-ID"] == "watched-picture"
    for answer in told:
        check("Progress", answer)
    lines = [(answer["of"], answer["done"]) for answer in told if answer["stage"] == "recognize"]
    assert len(set(lines)) > 3
    assert lines == sorted(lines)
    assert {of for of, _ in lines} == {lines[0][0]} != {0}
    assert progress(service, "watched-picture").json()["error"]["code"] == "progress_unknown"


def test_tells_how_many_pages_are_ahead(service, long_page):
    sent = {f"picture-{i}": send(service, long_page + bytes([i]), f"picture-{i}")[0] for i in range(2)}
    told = [answer for answers in watch(service, sent).values() for answer in answers]
    waiting = [answer for answer in told if answer["state"] == "waiting"]
    assert {answer["ahead"] for answer in waiting} - {0} == {1}  # 0 for the moment in which it is let in
    assert all(answer["stage"] is None for answer in waiting)


@pytest.mark.parametrize("name", ["short", "x" * 65, "no spaces please", "ünïcödé-name".encode(), "a/b/c/d/e/f"])
def test_an_id_that_is_none_is_replaced(service, name):
    answer = requests.get(f"{service.url}/health", headers={"X-Request-ID": name}, timeout=10)
    assert answer.headers["X-Request-ID"] != name
    assert len(answer.headers["X-Request-ID"]) == 16


@pytest.mark.parametrize("name", ["nobody-asked-this", "%20", "a%0d%0ab", "%2e%2e", "%E5%AD%97"])
def test_knows_nothing_of_a_picture_that_is_not_there(service, name):
    answer = progress(service, name)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "progress_unknown")
