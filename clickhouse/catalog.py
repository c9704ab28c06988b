"""The questions the warehouse answers, and its jobs, which change it: one `.sql` file each, its parameters
declared and typed.

A file's stem is the question's name everywhere: in code, in metrics, in tests.
Its header is prose, then `asks:`, `cost:` and one `param NAME: TYPE  meaning` line per parameter, or
`param NAME: TYPE = VALUE  meaning` where most who ask want that value; what is declared and what the SQL uses
must be the same, or the catalogue does not load.
"""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

QUERIES_DIR = Path(__file__).parent / "queries"
JOBS_DIR = Path(__file__).parent / "jobs"

_PARAM_LINE = re.compile(
    r"^param\s+(?P<name>\w+):\s*(?P<type>[A-Za-z0-9_(),' ]+?)(?: = (?P<default>\S+))?\s\s+(?P<meaning>.+)$"
)
_USED = re.compile(r"\{(?P<name>\w+):(?P<type>[^}]+)\}")


class CatalogError(Exception):
    """A query file breaks the rules above; the message names the file and the rule."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One typed parameter of a question; without a default, whoever asks has to give it."""

    name: str
    type: str
    meaning: str
    default: str | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """One question: what it asks, who asks it, what it costs, and its SQL."""

    name: str
    question: str
    asks: str
    cost: str
    parameters: tuple[Parameter, ...]
    sql: str

    @property
    def defaults(self) -> dict[str, str]:
        """The parameters that need not be given, with their values."""
        return {each.name: each.default for each in self.parameters if each.default is not None}


@cache
def query(name: str) -> Query:
    """The question called `name`. Raises CatalogError when there is none or its file is wrong."""
    path = QUERIES_DIR / f"{name}.sql"
    if not path.is_file():
        raise CatalogError(f"no query is called {name!r}; there are: {', '.join(names())}")
    return parse(name, path.read_text(encoding="utf-8"))


@cache
def job(name: str) -> Query:
    """The job called `name`, for admin alone. Raises CatalogError as `query` does."""
    path = JOBS_DIR / f"{name}.sql"
    if not path.is_file():
        raise CatalogError(f"no job is called {name!r}")
    return parse(name, path.read_text(encoding="utf-8"))


def names() -> list[str]:
    """Every question there is."""
    return sorted(path.stem for path in QUERIES_DIR.glob("*.sql"))


def parse(name: str, text: str) -> Query:
    """Read one file's text. Raises CatalogError naming the rule it breaks."""
    header = [line[2:].strip() for line in text.splitlines() if line.startswith("--")]
    sql = "\n".join(line for line in text.splitlines() if not line.startswith("--")).strip()
    fields = {key: _field(header, key) for key in ("asks", "cost")}
    for key, found in fields.items():
        if not found:
            raise CatalogError(f"queries/{name}.sql: the header has no `{key}:` line")
    parameters = tuple(
        Parameter(match["name"], match["type"], match["meaning"], match["default"])
        for line in header
        if (match := _PARAM_LINE.match(line))
    )
    declared = {(each.name, each.type) for each in parameters}
    used = {(found["name"], found["type"]) for found in _USED.finditer(sql)}
    if declared != used:
        odd = ", ".join(sorted(f"{n}:{t}" for n, t in declared ^ used))
        raise CatalogError(f"queries/{name}.sql: declared and used parameters differ: {odd}")
    return Query(name, header[0], fields["asks"], fields["cost"], parameters, sql)


def _field(header: list[str], key: str) -> str:
    for line in header:
        if line.startswith(f"{key}:"):
            return line.removeprefix(f"{key}:").strip()
    return ""
