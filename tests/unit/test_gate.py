"""The gate lets one page in at a time, pictures before a job's pages, and tells how far each is."""

import threading
import time

import pytest
from ziyan.reader.gate import Gate


@pytest.fixture
def gate():
    return Gate()


@pytest.fixture
def waiting(gate):
    """`waiting(name, of_a_job=…)` starts a page and returns once it waits; `order` collects who was let in."""
    order, threads = [], []

    def pass_through(name, of_a_job):
        with gate.turn(name, of_a_job=of_a_job):
            order.append(name)

    def start(name, *, of_a_job=False):
        threads.append(threading.Thread(target=pass_through, args=(name, of_a_job)))
        threads[-1].start()
        deadline = time.monotonic() + 10
        while gate.progress(name) is None and name not in order:
            assert time.monotonic() < deadline
            time.sleep(0.001)

    start.order = order
    yield start
    for thread in threads:
        thread.join(10)
    assert not any(thread.is_alive() for thread in threads)


def join(waiting, count):
    deadline = time.monotonic() + 10
    while len(waiting.order) < count:
        assert time.monotonic() < deadline
        time.sleep(0.001)
    return waiting.order


def test_pictures_are_let_in_as_they_came_and_the_page_of_a_job_after_them_all(gate, waiting):
    with gate.turn("being read"):
        waiting("job", of_a_job=True)
        for name in ("first", "second", "third"):
            waiting(name)
    assert join(waiting, 4) == ["first", "second", "third", "job"]


def test_a_page_of_a_job_that_is_being_read_is_not_interrupted(gate, waiting):
    with gate.turn("job", of_a_job=True):
        waiting("picture")
        assert waiting.order == []
        assert gate.progress("picture")["ahead"] == 1
    assert join(waiting, 1) == ["picture"]


def test_only_one_page_is_inside(gate):
    inside, most = 0, 0

    def pass_through():
        nonlocal inside, most
        for _ in range(50):
            with gate.turn("page"):
                inside += 1
                most = max(most, inside)
                inside -= 1

    threads = [threading.Thread(target=pass_through) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


def test_tells_the_place_and_the_stage(gate, waiting):
    with gate.turn("a") as turn:
        waiting("b")
        waiting("c")
        turn.at("recognize", 7, 23)
        told = {"state": "reading", "ahead": 0, "stage": "recognize", "done": 7, "of": 23}
        assert gate.progress("a") == told
        assert gate.progress("c") == {"state": "waiting", "ahead": 2, "stage": None, "done": 0, "of": 0}
        assert gate.progress("d") is None
    join(waiting, 2)


def test_a_page_that_fails_leaves_the_gate_open(gate):
    with pytest.raises(ZeroDivisionError), gate.turn("fails"):
        1 / 0  # noqa: B018
    with gate.turn("next"):
        assert gate.progress("fails") is None
