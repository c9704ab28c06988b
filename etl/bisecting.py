"""From a block that the warehouse refuses to the rows that are to blame: halves of halves, by a probe.

The probe parses and checks as an insert does and stores nothing, so a wrong guess costs time alone. k bad
rows of n take at most 2k (1 + log2 n) + 1 probes; neighbours of a bad row are never suspected for long.
"""

from collections.abc import Callable, Sequence
from typing import Final

from etl.errors import Fatal, Refused

# More rows than this in one block are no accident of single records: contract and schema disagree.
REFUSED_ROWS_MAX: Final = 10_000


def refused(
    lines: Sequence[bytes], probe: Callable[[bytes], None], *, rows_max: int = REFUSED_ROWS_MAX
) -> dict[int, str]:
    """The index of every row of the refused block `lines` that is refused by itself, and what was said.

    What is not named here is accepted together. Raises Fatal for a block that is refused although none of
    its rows is, and when more than `rows_max` are: leaving out rows would hide what is wrong. What else
    `probe` raises (Retryable, Fatal) passes through.
    """
    found: dict[int, str] = {}
    # Depth first and left to right, so that rows are found in their order and the stack stays shallow.
    waiting = [(0, len(lines), _said_of(lines, probe))]
    while waiting:
        start, end, said = waiting.pop()
        if said is None:
            continue
        if end - start == 1:
            found[start] = said
            if len(found) > rows_max:
                raise Fatal(_too_many(found, rows_max))
            continue
        middle = (start + end) // 2
        left = _said_of(lines[start:middle], probe)
        right = _said_of(lines[middle:end], probe)
        if left is None and right is None:
            raise Fatal(_none_alone(end - start, said))
        waiting += [(middle, end, right), (start, middle, left)]
    if lines and not found:
        raise Fatal(
            f"the warehouse refused a block of {len(lines)} rows and its probe takes it: events_raw and "
            "events_raw_probe differ; bring the schema up to date: `ugc migrate`"
        )
    return found


def _said_of(lines: Sequence[bytes], probe: Callable[[bytes], None]) -> str | None:
    """Why these are refused; None when they are not."""
    if not lines:
        return None
    try:
        probe(b"\n".join(lines))
    except Refused as error:
        return str(error)
    return None


def _none_alone(rows: int, said: str) -> str:
    return (
        f"the warehouse refuses {rows} rows together and takes each half of them alone ({said}); "
        "that is no fault of a record: look at the warehouse's log"
    )


def _too_many(found: dict[int, str], rows_max: int) -> str:
    first = next(iter(found.values()))
    return (
        f"the warehouse refuses more than {rows_max} rows of one block that the contract takes, the first "
        f"with: {first}; bring the schema up to date: `ugc migrate`"
    )
