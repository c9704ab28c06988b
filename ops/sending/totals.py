"""What became of everything that was sent: how many of each verdict, and why the first ones were rejected."""

from dataclasses import dataclass, field
from typing import Any, Final

from rich.markup import escape

from ops.sending.door import COUNTS, Answer
from ops.terminal import console

REJECTIONS_SHOWN_MAX: Final = 10
REJECTIONS_IN_JSON_MAX: Final = 100


@dataclass(slots=True)
class Totals:
    """Of all requests so far."""

    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))
    refused: list[dict[str, Any]] = field(default_factory=list)

    @property
    def rejected(self) -> int:
        return self.counts["rejected"]

    def add(self, answer: Answer) -> None:
        """What a collector said of one request."""
        for name, count in answer.counts.items():
            self.counts[name] += count
        room = REJECTIONS_IN_JSON_MAX - len(self.refused)
        self.refused += [each for each in answer.results if each.get("status") == "rejected"][:room]

    def document(self) -> dict[str, Any]:
        """For scripts."""
        return {**self.counts, "rejections": self.refused}

    def show_refused(self, *, on_stderr: bool = False) -> None:
        """For a person: a line for each of the first ones."""
        out = console.err() if on_stderr else console.out()
        for verdict in self.refused[:REJECTIONS_SHOWN_MAX]:
            code, pointer, message = (
                escape(str(verdict.get(k) or "")) for k in ("code", "pointer", "message")
            )
            out.print(f"  [red]{code}[/] {pointer or '/'} {message}")
        if self.rejected > REJECTIONS_SHOWN_MAX:
            out.print(f"  … and {self.rejected - REJECTIONS_SHOWN_MAX:,} more")
