"""The desk between the web and the reader: who may wait, what is known already, how the reader feels."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ziyan.cache import ResultCache
from ziyan.errors import Busy, NotFound, ReaderLost
from ziyan.reader.client import ReaderClient
from ziyan.settings import Settings
from ziyan.web.metrics import Metrics
from ziyan.web.uploads import Upload

STATE_INTERVAL_S = 1.0
STATE_TIMEOUT_S = 2.0
# The reader's word is good for this long; a page that keeps both cores busy may delay the next one a little.
STATE_AGE_S = 5.0


class Desk:
    """Admits a bounded number of pages, answers known ones from memory, and hands the others to the reader."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self.capacity = 1 + settings.waiting
        self._count = threading.Lock()
        self.in_use = 0  # pages that are being read or waiting
        # A page waits for those before it, and for the page of a job that may have been begun.
        self._client = ReaderClient(settings.socket, page_timeout_s=settings.page_timeout_s * (self.capacity + 1) + 5)
        self._cache = ResultCache(settings.cache_bytes)
        self._metrics = metrics
        self._state: tuple[float, dict[str, Any]] | None = None
        self._page_s = 1.0
        self.last_page: dict[str, Any] | None = None  # seconds by stage, and the number of lines
        metrics.observe_desk(in_use=lambda: self.in_use, cache_bytes=lambda: self._cache.size_bytes, state=self.state)

    def watch(self) -> None:
        """Keeps asking the reader how it is, from a thread of its own, so that /health never waits for it."""
        threading.Thread(target=self._watch, daemon=True).start()

    def state(self) -> dict[str, Any] | None:
        """What the reader last said of itself, or None while it does not answer."""
        known = self._state
        return known[1] if known and time.monotonic() - known[0] < STATE_AGE_S else None

    @contextmanager
    def admitted(self) -> Iterator[None]:
        """A place for one page. Busy where all are taken."""
        with self._count:
            full = self.in_use == self.capacity
            self.in_use += not full
        if full:
            self._metrics.refused.inc()
            raise self._busy()
        try:
            yield
        finally:
            with self._count:
                self.in_use -= 1

    def _busy(self) -> Busy:
        waiting, retry_after_s = self.capacity - 1, max(1, round(self.capacity * self._page_s))
        return Busy(
            "busy",
            f"正在识别 1 张、等待 {waiting} 张，已达上限；请在 {retry_after_s} 秒后重试。",
            f"One page is being read and {waiting} wait, which is the limit. Try again in {retry_after_s} seconds.",
            retry_after_s=retry_after_s,
        )

    def page(self, upload: Upload, request_id: str) -> tuple[dict[str, Any], bool]:
        """The page of `upload` as JSON types, and whether it was known already."""
        state = self.state() or {}
        models = state.get("models", {}).get("version")
        key = (upload.sha256, models, state.get("lexicon", {}).get("version"), upload.asked)
        if models and (known := self._cache.get(key)):
            self._metrics.cache_hits.inc()
            return json.loads(known), True
        self._metrics.cache_misses.inc()
        page = self._read(upload, request_id)
        if models and not page["capped"]:  # with more time, or on a box less busy, the next answer is better
            self._cache.put(key, json.dumps(page, ensure_ascii=False).encode())
        return page, False

    def progress(self, request_id: str) -> dict[str, Any]:
        """How far the page of a request is. NotFound where no such page waits or is being read."""
        known = self._client.progress(request_id, timeout_s=STATE_TIMEOUT_S)
        if known is None:
            raise NotFound(
                "progress_unknown",
                "没有正在等待或识别的图片用此编号：还没收到，或已经完成。",
                "No page with this id is waiting or being read: it is not here yet, or it is done.",
            )
        return known

    def _read(self, upload: Upload, request_id: str) -> dict[str, Any]:
        try:
            page = self._client.read(upload.file, upload.size_bytes, upload.asked, name=request_id)
        except ReaderLost:
            self._state = None
            raise
        self._page_s += 0.2 * (sum(page["seconds"].values()) - self._page_s)
        self.last_page = {"seconds": page["seconds"], "lines": len(page["lines"])}
        self._metrics.observe_page(page)
        return page

    def _watch(self) -> None:
        while True:
            try:
                self._state = (time.monotonic(), self._client.state(timeout_s=STATE_TIMEOUT_S))
            except ReaderLost:
                self._state = None
            time.sleep(STATE_INTERVAL_S)
