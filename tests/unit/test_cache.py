"""Answers are kept by their bytes, and the least recently used goes first."""

import sys
import threading

import pytest
from ziyan.cache import ResultCache


def test_gives_back_what_was_put_and_nothing_else():
    cache = ResultCache(100)
    cache.put(("a", 0.5), b"answer")
    assert cache.get(("a", 0.5)) == b"answer"
    assert cache.get(("a", 0.6)) is None
    assert cache.size_bytes == 6


def test_is_bounded_in_bytes_and_lets_the_least_recently_used_go():
    cache = ResultCache(10)
    cache.put(("a",), b"1234")
    cache.put(("b",), b"1234")
    assert cache.get(("a",)) == b"1234"  # used: b is now the oldest
    cache.put(("c",), b"1234")
    assert cache.get(("b",)) is None
    assert cache.get(("a",)) == cache.get(("c",)) == b"1234"
    assert cache.size_bytes == 8


def test_keeps_an_answer_exactly_as_large_as_the_cache():
    cache = ResultCache(10)
    cache.put(("a",), b"0123456789")
    assert cache.get(("a",)) == b"0123456789"


def test_does_not_keep_an_answer_one_byte_larger_than_the_cache_nor_loses_others_for_it():
    cache = ResultCache(10)
    cache.put(("a",), b"1234")
    cache.put(("b",), b"0123456789!")
    assert cache.get(("b",)) is None
    assert cache.get(("a",)) == b"1234"


def test_an_answer_put_again_replaces_the_old_one():
    cache = ResultCache(10)
    cache.put(("a",), b"12345678")
    cache.put(("a",), b"12")
    assert (cache.get(("a",)), cache.size_bytes) == (b"12", 2)


def test_0_bytes_keep_nothing():
    cache = ResultCache(0)
    cache.put(("a",), b"{}")
    assert cache.get(("a",)) is None
    assert cache.size_bytes == 0


@pytest.fixture
def eager_switching():
    """Threads give way to each other about a thousand times as often, so that a missing lock shows."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("eager_switching")
def test_many_threads_share_it():
    cache, wrong = ResultCache(2000), []

    def work(seed):
        try:
            for i in range(1500):
                key = (i * seed) % 97
                answer = cache.get((key,))
                if answer is not None and answer != bytes([key]) * (key + 1):
                    wrong.append((key, answer))
                cache.put((key,), bytes([key]) * (key + 1))
                if cache.size_bytes > 2000:
                    wrong.append(cache.size_bytes)
        except Exception as error:  # a thread's own traceback would not fail the test
            wrong.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in (1, 2, 3, 5, 7, 11)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    kept = [answer for key in range(97) if (answer := cache.get((key,)))]
    assert sum(map(len, kept)) == cache.size_bytes <= 2000
