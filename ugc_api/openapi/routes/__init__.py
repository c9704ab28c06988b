"""What the documentation says about each route: one entry an endpoint, examples included."""

from typing import Any

from ugc_api.openapi.routes import events, health, pages, stats

DOCS: dict[str, dict[str, Any]] = {**events.DOCS, **stats.DOCS, **health.DOCS, **pages.DOCS}

# Served for a browser and of no use to a client: everything else must be in DOCS.
UNDOCUMENTED = frozenset({"documentation", "documentation_file"})
