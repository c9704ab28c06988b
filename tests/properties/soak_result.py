"""What the long comparison has seen so far, as a file that says it and from which it goes on."""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from properties.soak_worker import Round
from services import ROOT

RESULT = ROOT / "benchmarks" / "results" / "soak" / "answers.json"
WHAT = "every answer of the warehouse about generated histories equals the oracle's"
# What the answers and the histories depend on.
COMPARED = (
    "clickhouse/**/*.py",
    "clickhouse/**/*.sql",
    "ugc_api/stats/*.py",
    "tests/properties/histories.py",
    "tests/properties/questions.py",
    "tests/properties/conditions.py",
    "tests/properties/oracle.py",
    "tests/properties/comparing.py",
    "tests/properties/over_http.py",
    "tests/properties/loading.py",
)


def _code() -> str:
    """A digest of the code that was compared, and of what draws the histories."""
    digest = hashlib.sha256()
    for path in sorted(path for pattern in COMPARED for path in ROOT.glob(pattern)):
        digest.update(path.relative_to(ROOT).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


@dataclass
class Result:
    """Whole rounds: number 0 has the cases from `first_number` on, each the ones after those before it."""

    first_number: int
    asked: int
    code: str = field(default_factory=_code)
    rounds: list[int] = field(default_factory=list)
    histories: int = 0
    events: int = 0
    with_segments: int = 0
    in_other_zones: int = 0
    seconds: float = 0
    different: list[str] = field(default_factory=list)

    @classmethod
    def begun(cls, path: Path) -> Self | None:
        """One that was stopped and can go on: of the same code, without a wrong answer, not long enough."""
        if not path.exists():
            return None
        document = json.loads(path.read_text(encoding="utf-8"))
        found = cls(**{name: document[name] for name in cls.__dataclass_fields__ if name in document})
        if found.code != _code() or found.different or found.passed:
            return None
        return found

    @property
    def passed(self) -> bool:
        """Whether there were enough, and none with a wrong answer."""
        return self.histories >= self.asked and not self.different

    def add(self, number: int, round_: Round) -> None:
        """Take in what was seen in round `number`."""
        self.rounds.append(number)
        self.histories += round_.histories
        self.events += round_.events
        self.with_segments += round_.with_segments
        self.in_other_zones += round_.in_other_zones
        self.different += round_.different

    def write(self, path: Path) -> None:
        """Into the file, whole or not at all."""
        document = {
            "what": WHAT,
            "written_at": datetime.now(UTC).isoformat(timespec="seconds"),
            **asdict(self),
            "passed": self.passed,
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_suffix(".part")
        # Rounds are a list of small numbers: on one line.
        text = json.dumps({**document, "rounds": None}, indent=2, ensure_ascii=False)
        beside.write_text(
            text.replace('"rounds": null', f'"rounds": {sorted(self.rounds)}') + "\n", encoding="utf-8"
        )
        beside.replace(path)
