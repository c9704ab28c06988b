"""What rides on a commit comes back as it was written; what is not ours is told from what is damaged."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.batch import Batch
from etl.columns import IdColumn
from etl.errors import Fatal
from etl.intents import TEXT_BYTES_MAX, Intent, Mark, parse
from etl.ranges import Offset

OFFSETS = st.integers(0, 2**63 - 1)
INTENTS = st.builds(
    lambda a, b, **more: Intent(Offset(min(a, b)), Offset(max(a, b)), **more),
    OFFSETS,
    OFFSETS,
    records=st.integers(0, 10**9 - 1),
    crc=st.integers(0, 2**32 - 1),
    decoder=st.integers(1, 10**9 - 1),
    cut_at_ms=st.integers(0, 10**15 - 1),
)
MARKS = st.builds(
    Mark,
    st.text("abcdefXYZ0189_-+/=", min_size=1, max_size=64),
    st.integers(1, 10**9 - 1),
    st.none() | INTENTS,
)
A, B = b"a" * 36, b"b" * 36
WRITTEN = "ugc1;AbC_-9;4;10-19;10;4294967295;1;1763726400250"


def intent(**changes: Any) -> Intent:
    said = {"records": 2, "crc": Batch(ids=IdColumn([A, B])).crc, "decoder": 1, "cut_at_ms": 0, **changes}
    return Intent(Offset(5), Offset(7), **said)


@given(MARKS)
def test_a_mark_comes_back_as_it_was_written_and_fits(mark: Mark) -> None:
    assert parse(mark.text()) == mark
    assert len(mark.text().encode()) <= 200 < TEXT_BYTES_MAX


def test_the_text_is_what_earlier_releases_wrote() -> None:
    mark = Mark("AbC_-9", 4, Intent(Offset(10), Offset(19), 10, 2**32 - 1, 1, 1_763_726_400_250))
    assert mark.text() == WRITTEN
    assert parse(WRITTEN) == mark
    assert parse("ugc1;AbC_-9;4") == Mark("AbC_-9", 4, None)


@pytest.mark.parametrize(
    "text", [None, "", "x", "ugc", "offsets reset by hand", "UGC1;a;4", "kafka;ugc1;a;4"]
)
def test_what_others_wrote_is_nothing_of_ours(text: str | None) -> None:
    assert parse(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "ugc2;AbC_-9;4",
        "ugc10;anything",
        "ugc1;",
        "ugc1;AbC_-9",
        "ugc1;AbC_-9;4;",
        "ugc1;AbC_-9;4;10-19;10;1;1",
        "ugc1;AbC_-9;4;19-10;10;1;1;5",
        "ugc1;AbC_-9;4;10-19;10;1;1;5;6",
        "ugc1;AbC_-9;4;10-19;10;1;1;-5",
        "ugc1;AbC_-9;four;10-19;10;1;1;5",
        "ugc1;A C;4",
        WRITTEN + "\n",
        WRITTEN[:-30],
    ],
)
def test_what_is_ours_and_cannot_be_read_stops_it(text: str) -> None:
    with pytest.raises(Fatal, match="the group's commit says"):
        parse(text)


@pytest.mark.parametrize("changes", [{"records": 3}, {"crc": 1}, {"decoder": 2}])
def test_an_intent_describes_the_very_same_rows_read_by_the_very_same_decoder(changes: Any) -> None:
    same = Batch(ids=IdColumn([A, B]), records=2)
    assert intent().describes(same, decoder=1)
    assert not intent(**changes).describes(same, decoder=1)
    assert not intent().describes(Batch(ids=IdColumn([B, A]), records=2), decoder=1)


@pytest.mark.parametrize(("first", "last"), [(-1, 0), (5, 4)])
def test_what_is_no_range_is_no_intent(first: int, last: int) -> None:
    with pytest.raises(ValueError, match="not a range"):
        Intent(Offset(first), Offset(last), 1, 1, 1, 1)
