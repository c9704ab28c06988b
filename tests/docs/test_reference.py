"""The reference says what the code declares, and the decisions that code cites exist."""

import re
from pathlib import Path

from ops import reference


def test_the_reference_is_fresh() -> None:
    stale = f"REFERENCE.md is stale: run `.venv/bin/{reference.COMMAND}`"
    assert reference.PATH.read_text(encoding="utf-8") == reference.rendered(), stale


def test_everything_declared_is_explained() -> None:
    for line in reference.rendered().splitlines():
        if line.startswith("| `"):
            assert not line.endswith("|  |"), f"no meaning: {line}"


def test_cited_decisions_exist(repository: Path) -> None:
    decided = set(
        re.findall(r"^## (ADR-\d{3})", (repository / "ADR.md").read_text(encoding="utf-8"), re.MULTILINE)
    )
    assert decided
    cited = set()
    for room in ("contract", "telemetry", "clickhouse", "ugc_api", "etl", "embedded", "ops", "benchmarks"):
        for path in (repository / room).rglob("*.py"):
            cited |= set(re.findall(r"ADR-\d{3}", path.read_text(encoding="utf-8")))
    cited |= set(re.findall(r"ADR-\d{3}", (repository / "README.md").read_text(encoding="utf-8")))
    assert cited <= decided


def test_links_of_the_readme_lead_somewhere(repository: Path) -> None:
    text = (repository / "README.md").read_text(encoding="utf-8")
    targets = {target.split("#")[0] for target in re.findall(r"\]\((?!http)([^)]+)\)", text)}
    assert targets
    assert not [target for target in targets if not (repository / target).exists()]
