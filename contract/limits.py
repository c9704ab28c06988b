"""Every bound of the contract, its unit in its name. A value at the bound passes, one beyond is refused."""

from types import MappingProxyType
from typing import Final

MINUTE_MS: Final = 60_000
DAY_MS: Final = 86_400_000

# A request
EVENTS_PER_REQUEST_MAX: Final = 1_000
BODY_BYTES_MAX: Final = 1_048_576

# An event; characters are Unicode code points, bytes are UTF-8 of the JSON as sent
USER_ID_CHARS_MAX: Final = 128
SESSION_ID_CHARS_MAX: Final = 128
EVENT_TYPE_CHARS_MAX: Final = 64
OCCURRED_AGE_MS_MAX: Final = 30 * DAY_MS
OCCURRED_AHEAD_MS_MAX: Final = 5 * MINUTE_MS
TIMESTAMP_CHARS_MAX: Final = 64

# Its properties; the properties object itself is depth 1, and only its own keys are counted
PROPERTIES_BYTES_MAX: Final = 16_384
PROPERTIES_KEYS_MAX: Final = 100
PROPERTIES_DEPTH_MAX: Final = 8
# Of a typed property; the longest of them are addresses of pages.
PROPERTY_TEXT_CHARS_MAX: Final = 4_096
# Beyond it not every JSON reader keeps an integer exact (RFC 8259, section 6).
INTEGER_MAX: Final = 2**53 - 1
# What Python agrees to turn into an int; a longer number has no reader that keeps it.
NUMBER_DIGITS_MAX: Final = 4_300

# What a refusal says of what was sent
SHOWN_CHARS_MAX: Final = 40
POINTER_KEY_CHARS_MAX: Final = 128

# What the server adds
IP_CHARS_MAX: Final = 64
USER_AGENT_FAMILY_CHARS_MAX: Final = 64
BOT_REASONS_MAX: Final = 16
BOT_REASON_CHARS_MAX: Final = 64

# A record in the log: properties and the rest at their worst (every character escaped) fit twice over
RECORD_BYTES_MAX: Final = 65_536

NAMED: Final = MappingProxyType({name: bound for name, bound in globals().items() if name.endswith("_MAX")})
"""All of them by name, for documents and pages that show them."""
