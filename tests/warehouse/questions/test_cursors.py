"""Cursors hold any user id, and nothing else is one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickhouse.cursors import CursorError, pack, unpack


@given(st.text(min_size=1, max_size=128))
def test_a_cursor_holds_any_user_id(user_id: str) -> None:
    cursor = pack(user_id)
    assert unpack(cursor) == user_id
    assert cursor.isascii()
    assert not set(cursor) & set("&=+/ %?#")


@pytest.mark.parametrize("cursor", ["=", "a", "%%%", "_w", "dTE=", "dTF", "é", " dTE", "dT E", "dTE\n"])
def test_what_no_answer_gave_is_refused(cursor: str) -> None:
    with pytest.raises(CursorError):
        unpack(cursor)
