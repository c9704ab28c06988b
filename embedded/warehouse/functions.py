"""Which functions a user without every right may call: a reviewed list, and nothing beside it.

functions.txt names every function of the engine on one side or the other, and a test holds it against
`system.functions`: what a new version brings is refused until somebody has looked.

ClickHouse takes some names in any case. They are compared without it, so spelling does not get round.
"""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from embedded.warehouse.errors import WarehouseError

FILE = Path(__file__).with_name("functions.txt")

# The longest aggregate with ten combinators has half of it.
NAME_CHARS_MAX = 200
_SECTIONS = ("computes", "aggregates", "combinators", "written by the parser", "refused")


@dataclass(frozen=True, slots=True)
class Functions:
    """The list. All names are lower case."""

    computing: frozenset[str]
    aggregates: frozenset[str]
    combinators: tuple[str, ...]
    refused: Mapping[str, str]

    def allows(self, name: str) -> bool:
        """Whether it only computes on its arguments."""
        lower = name.lower()
        if lower in self.refused:
            return False
        return lower in self.computing or self._is_aggregate(lower)

    def why_refused(self, name: str) -> str | None:
        """What a refused one reaches; None for a name that nobody has judged."""
        return self.refused.get(name.lower())

    def nearest(self, name: str) -> str | None:
        """What somebody who misspelt it may have meant."""
        found = difflib.get_close_matches(name.lower(), self.computing | self.aggregates, n=1)
        return found[0] if found else None

    def _is_aggregate(self, lower: str) -> bool:
        """`uniqStateIf`: an aggregate under any number of combinators, within reason."""
        if len(lower) > NAME_CHARS_MAX:
            return False
        if lower in self.aggregates:
            return True
        return any(
            lower.endswith(suffix) and self._is_aggregate(lower.removesuffix(suffix))
            for suffix in self.combinators
        )


@cache
def load(file: Path = FILE) -> Functions:
    """The list as `file` has it. Raises WarehouseError when it is missing or says two things of one name."""
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise WarehouseError(f"cannot read {file} ({error.strerror}); reinstall ugc") from None
    return parse(text)


def parse(text: str) -> Functions:
    """Read the text of such a file."""
    sections: dict[str, dict[str, str]] = {section: {} for section in _SECTIONS}
    section = ""
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        if line.startswith("["):
            section = line.strip("[] ")
            continue
        if section not in sections:
            raise WarehouseError(f"functions.txt: [{section}] is none of {', '.join(_SECTIONS)}")
        sections[section] |= _names(line, section)
    computing = sections["computes"] | sections["written by the parser"]
    both = (computing.keys() | sections["aggregates"].keys()) & sections["refused"].keys()
    if both:
        raise WarehouseError(f"functions.txt allows and refuses {', '.join(sorted(both))}")
    return Functions(
        computing=frozenset(computing),
        aggregates=frozenset(sections["aggregates"]),
        combinators=tuple(sections["combinators"]),
        refused=sections["refused"],
    )


def _names(line: str, section: str) -> dict[str, str]:
    """The names of a line, in lower case; a refused one stands alone, its reason behind it."""
    if section != "refused":
        return dict.fromkeys(line.lower().split(), "")
    name, _, reason = line.partition("  ")
    if not reason.strip():
        raise WarehouseError(f"functions.txt refuses {name} without saying why")
    return {name.lower(): reason.strip()}
