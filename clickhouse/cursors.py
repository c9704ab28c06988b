"""Where a list of users goes on: the last user of the page before, packed so that it fits into an address."""

import base64
import binascii


class CursorError(ValueError):
    """Not a cursor of ours."""


def pack(user_id: str) -> str:
    """The cursor after `user_id`."""
    return base64.urlsafe_b64encode(user_id.encode()).decode().rstrip("=")


def unpack(cursor: str) -> str:
    """The user id in `cursor`. Raises CursorError when it is none of ours."""
    try:
        user_id = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise CursorError("not a cursor of an earlier answer") from error
    if pack(user_id) != cursor:
        raise CursorError("not a cursor of an earlier answer")
    return user_id
