"""Answers kept for pictures that are sent again, bounded in bytes."""

import threading

import cachetools


class ResultCache:
    """The least recently used answers, at most `limit_bytes` of JSON together. Safe for many threads."""

    def __init__(self, limit_bytes: int) -> None:
        self._answers: cachetools.LRUCache[tuple, bytes] = cachetools.LRUCache(limit_bytes, getsizeof=len)
        self._lock = threading.Lock()

    def get(self, key: tuple) -> bytes | None:
        """The answer kept under `key`."""
        with self._lock:
            return self._answers.get(key)

    def put(self, key: tuple, answer: bytes) -> None:
        """Keeps `answer`, unless it alone is larger than the cache."""
        with self._lock:
            if len(answer) <= self._answers.maxsize:
                self._answers[key] = answer

    @property
    def size_bytes(self) -> int:
        """Bytes of the answers kept now."""
        with self._lock:
            return int(self._answers.currsize)
