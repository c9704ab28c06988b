"""Roles as production has them: read from the same users.d/roles.xml that a ClickHouse server mounts.

chDB has no users, so this server enforces what the file says: grants are judged in access.py, settings are
set on every handle, and constraints bound what a request may change.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree as ET

from embedded.warehouse import filters
from embedded.warehouse.errors import Refused, WarehouseError, readonly
from embedded.warehouse.quotas import MEASURES, Quota

ROLES_FILE = Path(__file__).parents[2] / "clickhouse" / "server" / "users.d" / "roles.xml"

# chDB runs everybody as one user: what is counted per user is counted here (concurrency) or not at all.
_COUNTED_PER_USER = re.compile(r".*_for_user$")
_GRANT = re.compile(r"GRANT (?P<rights>[\w, ]+) ON (?P<database>\*|\w+)\.\*")

# What makes a statement another one than was judged, or leads to an address. A server asks for grants where
# they lead; here only admin may change them.
_LEAD_ELSEWHERE = frozenset(
    {
        *("database", "dialect", "filter", "additional_result_filter", "parallel_replicas_custom_key"),
        *("allow_settings_after_format_in_insert", "implicit_select", "implicit_table_at_top_level"),
        *("format_schema_source", "format_avro_schema_registry_url", "url_base"),
        *("promql_database", "promql_table", "rename_files_after_processing"),
    }
)

# The HTTP layer's own settings: they change nothing in the engine and nothing another user could notice.
HTTP_SETTINGS = frozenset(
    {
        "add_http_cors_header",
        "cancel_http_readonly_queries_on_client_close",
        "enable_http_compression",
        "http_headers_progress_interval_ms",
        "http_response_buffer_size",
        "http_wait_end_of_query",
        "http_write_exception_in_output_format",
        "http_zlib_compression_level",
        "send_progress_in_http_headers",
    }
)


@dataclass(frozen=True, slots=True)
class Constraint:
    """How far one setting may be moved."""

    least: float | None = None
    most: float | None = None
    fixed: bool = False
    changeable_in_readonly: bool = False


@dataclass(frozen=True, slots=True)
class Role:
    """One user of the warehouse: what it may do, and how much of it."""

    name: str
    everything: bool = False
    rights: frozenset[str] = frozenset()
    databases: frozenset[str] = frozenset()
    settings: Mapping[str, str] = field(default_factory=dict)
    constraints: Mapping[str, Constraint] = field(default_factory=dict)
    quota: Quota | None = None

    @property
    def reads_only(self) -> bool:
        return self.settings.get("readonly") == "1"

    @property
    def ddl(self) -> bool:
        return self.settings.get("allow_ddl", "1") != "0"

    @property
    def queries_max(self) -> int:
        """Queries of this user at a time; 0 is no limit of its own."""
        return int(self.settings.get("max_concurrent_queries_for_user", "0"))

    @property
    def memory_of_user_bytes(self) -> int:
        """What its queries together may use; 0 is no limit but that of each."""
        return int(self.settings.get("max_memory_usage_for_user", "0"))

    @property
    def memory_of_query_bytes(self) -> int:
        """What one of its queries may use; 0 is no limit."""
        return int(self.settings.get("max_memory_usage", "0"))

    def handle_settings(self) -> dict[str, str]:
        """What is set on a handle before the request's own settings."""
        return {
            name: value
            for name, value in self.settings.items()
            if name not in {"readonly", "allow_ddl"} and not _COUNTED_PER_USER.match(name)
        }

    def check_setting(self, name: str, value: str) -> None:
        """Refuse a change this role may not make, with the code a ClickHouse server uses."""
        constraint = self.constraints.get(name, Constraint())
        if value == self.settings.get(name):
            return
        if self.reads_only and not constraint.changeable_in_readonly:
            raise readonly(f"Cannot modify '{name}' setting in readonly mode.")
        if name in {"readonly", "allow_ddl"} and not self.everything:
            raise readonly(f"Cannot modify '{name}' setting in readonly mode.")
        if name in _LEAD_ELSEWHERE and not self.everything:
            raise _violated(f"Setting {name} should not be changed")
        if constraint.fixed:
            raise _violated(f"Setting {name} should not be changed")
        if name == filters.SETTING and (why := filters.why_not(value)):
            raise _violated(f"Setting {name} {why}")
        _check_bounds(name, value, constraint)

    def check_reset(self, name: str) -> None:
        """Refuse to put a setting back to the engine's default where this role has one of its own."""
        if self.reads_only:
            raise readonly(f"Cannot modify '{name}' setting in readonly mode.")
        if name in self.settings or name in self.constraints or name in _LEAD_ELSEWHERE:
            raise _violated(f"Setting {name} should not be changed")


def _check_bounds(name: str, value: str, constraint: Constraint) -> None:
    if constraint.least is None and constraint.most is None:
        return
    try:
        number = float(value)
    except ValueError:
        number = float("nan")
    # Written so that not-a-number is outside of every bound.
    if constraint.most is not None and not number <= constraint.most:
        raise _violated(f"Setting {name} shouldn't be greater than {constraint.most:g}")
    if constraint.least is not None and not number >= constraint.least:
        raise _violated(f"Setting {name} shouldn't be less than {constraint.least:g}")


def _violated(message: str) -> Refused:
    return Refused(452, "SETTING_CONSTRAINT_VIOLATION", f"{message}.")


def load(path: Path = ROLES_FILE) -> dict[str, Role]:
    """Every role of the file. Raises WarehouseError when it is missing or grants what we cannot enforce."""
    try:
        root = ET.parse(path).getroot()  # noqa: S314 - a file of this repository
    except (OSError, ET.ParseError) as error:
        raise WarehouseError(f"cannot read the roles from {path} ({error}); reinstall ugc") from None
    profiles = {each.tag: each for each in root.iterfind("profiles/*")}
    quotas = {each.tag: _quota(each) for each in root.iterfind("quotas/*")}
    roles = {}
    for user in root.iterfind("users/*"):
        if user.get("remove"):
            continue
        profile = profiles[user.findtext("profile", default=user.tag)]
        roles[user.tag] = _role(user, profile, quotas.get(user.findtext("quota", default="")))
    return roles


def _quota(element: ET.Element) -> Quota:
    """One with a single interval; a measure of 0 is counted and never refused, as on a server."""
    intervals = element.findall("interval")
    named = {each.tag for interval in intervals for each in interval} - {"duration"}
    if len(intervals) != 1 or not named <= set(MEASURES):
        raise WarehouseError(f"roles.xml has a quota {element.tag} that this server cannot enforce")
    most = {name: float(intervals[0].findtext(name, default="0")) for name in named}
    duration_s = int(intervals[0].findtext("duration", default="3600"))
    return Quota(duration_s, {name: value for name, value in most.items() if value})


def _role(user: ET.Element, profile: ET.Element, quota: Quota | None) -> Role:
    rights: set[str] = set()
    databases: set[str] = set()
    for grant in user.iterfind("grants/query"):
        found = _GRANT.fullmatch((grant.text or "").strip())
        if found is None:
            raise WarehouseError(
                f"roles.xml grants {user.tag} {grant.text!r}, which this server cannot enforce"
            )
        rights |= {each.strip() for each in found["rights"].split(",")}
        databases.add(found["database"])
    return Role(
        name=user.tag,
        everything="ALL" in rights and "*" in databases,
        rights=frozenset(rights),
        databases=frozenset(databases),
        settings={each.tag: (each.text or "").strip() for each in profile if each.tag != "constraints"},
        constraints={each.tag: _constraint(each) for each in profile.iterfind("constraints/*")},
        quota=quota,
    )


def _constraint(element: ET.Element) -> Constraint:
    least, most = element.findtext("min"), element.findtext("max")
    return Constraint(
        least=None if least is None else float(least),
        most=None if most is None else float(most),
        fixed=element.find("const") is not None,
        changeable_in_readonly=element.find("changeable_in_readonly") is not None,
    )
