"""The web program: accepts, checks, bounds, caches and queues pictures, and serves the page. It never decodes one."""
