"""What a caller may do, and what each route asks of him."""

from collections.abc import Iterable
from enum import StrEnum


class Scope(StrEnum):
    """The closed list. `admin` may do what the others may."""

    WRITE = "write"
    READ = "read"
    ADMIN = "admin"


EVERYTHING = frozenset(Scope)

# By endpoint: the scope a request needs; None lets everybody in. A route that is not here does not start.
# /metrics tells how much traffic there is, which is read like any other figure; probes have no key.
NEEDS: dict[str, Scope | None] = {
    "post_events": Scope.WRITE,
    "stats_dau": Scope.READ,
    "stats_top_events": Scope.READ,
    "stats_daily": Scope.READ,
    "stats_retention": Scope.READ,
    "stats_retention_7d": Scope.READ,
    "stats_returning": Scope.READ,
    "prometheus_metrics": Scope.READ,
    "health_live": None,
    "health_ready": None,
    "welcome": None,
    "explain_problem": None,
    "openapi_document": None,
    "documentation": None,
    "documentation_file": None,
}


def granted(named: Iterable[str]) -> frozenset[Scope]:
    """The scopes among `named`; names of somebody else's are left out."""
    scopes = frozenset(Scope(name) for name in named if name in EVERYTHING)
    return EVERYTHING if Scope.ADMIN in scopes else scopes
