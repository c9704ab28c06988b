"""What an event is: one model a known type, one for every other, and the event as the product keeps it.

The models are the contract: requests are validated by them, and the JSON Schema is made of them. A field
declared here holds what the product keeps (a time in milliseconds, say), not what was sent.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from contract import limits
from contract.fields import (
    EVENT_TYPE,
    DurationMs,
    EventId,
    FiniteNumber,
    Identifier,
    OptionalTimestampMs,
    Quantity,
    Text,
    TimestampMs,
    UserId,
)

_FREE_PROPERTIES: Final[dict[str, Any]] = {
    "additionalProperties": True,
    "maxProperties": limits.PROPERTIES_KEYS_MAX,
}

ClickKind = Literal["film", "trailer", "category", "button"]
PageViewKind = Literal["film", "category", "promo", "recommendations"]


def _optional(description: str) -> Any:
    """A property that may be left out (then it is None here), but is not null when it is sent."""
    return Field(default=None, description=description)


class Event(msgspec.Struct, frozen=True, gc=False):
    """A valid event. `properties` is the JSON object as it was sent, byte for byte.

    One thing only is changed: line breaks, which JSON has only between its tokens, become spaces, so that
    an event is one line wherever it goes.
    """

    event_id: str
    occurred_at_ms: int
    user_id: str
    event_type: str
    properties: bytes
    value: float
    session_id: str | None
    skew_ms: int | None


class Properties(BaseModel):
    """Free properties: any members, kept as sent."""

    # Members without a type are not even read here: the bytes as sent are what is kept.
    model_config = ConfigDict(extra="ignore", frozen=True, json_schema_extra=_FREE_PROPERTIES)


class ClickProperties(Properties):
    """What was clicked; more properties of your own may stand beside."""

    element: Text = Field(description="The thing clicked: a name or an id of your choice.")
    kind: ClickKind = _optional("What it is.")
    target: Text = _optional("Where the click leads.")


class PageViewProperties(Properties):
    """Which page was seen; more properties of your own may stand beside."""

    page: Text = Field(description="The page seen: a name or a path.")
    kind: PageViewKind = _optional("What kind of page it is.")
    dwell_ms: DurationMs = _optional("How long it was looked at, in milliseconds.")


class VideoQualityChangedProperties(Properties):
    """Which film changed its quality; more properties of your own may stand beside."""

    film_id: Identifier = Field(description="The film: a string or an integer.")
    from_: Text = Field(alias="from", description="The quality before.")
    to: Text = Field(description="The quality after.")


class VideoCompletedProperties(Properties):
    """Which film was watched to its end; more properties of your own may stand beside."""

    film_id: Identifier = Field(description="The film: a string or an integer.")
    duration_ms: DurationMs = _optional("How long the film is, in milliseconds.")
    watched_ms: DurationMs = _optional("How long it was watched, in milliseconds.")


class SearchFilterAppliedProperties(Properties):
    """Which filters a search had; more properties of your own may stand beside."""

    filters: Annotated[dict[str, Any], Field(min_length=1)] = Field(
        description="At least one filter by its name: genre, rating, actor, or one of your own."
    )


class PurchaseProperties(Properties):
    """What was bought; the money is the event's value; more properties of your own may stand beside."""

    product_id: Identifier = Field(description="The product: a string or an integer.")
    quantity: Quantity = _optional("How many of it.")


class AnyEvent(BaseModel):
    """The fields of every event, in the order in which their faults are told."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    event_id: EventId = Field(
        description="A UUID of any version in any spelling; the identity of the event for ever."
    )
    occurred_at: TimestampMs = Field(
        description="When it happened: ISO-8601 with Z or an offset. Digits below a millisecond are cut. "
        f"At most {limits.OCCURRED_AGE_MS_MAX // limits.DAY_MS} days old and "
        f"{limits.OCCURRED_AHEAD_MS_MAX // limits.MINUTE_MS} minutes ahead of the server's clock."
    )
    user_id: UserId = Field(
        description=f"Who: a string of 1 to {limits.USER_ID_CHARS_MAX} characters. An integer becomes its "
        "decimal string; beyond 2^53 write its digits out, without exponent or fraction."
    )
    event_type: str
    properties: Properties
    value: FiniteNumber = Field(default=0.0, description="Points or money spent; finite.")
    session_id: Annotated[str, Field(max_length=limits.SESSION_ID_CHARS_MAX)] | None = Field(
        default=None, description="The visit it belongs to; null and an empty string count as absent."
    )
    sent_at: OptionalTimestampMs = Field(
        default=None,
        description="When it was sent, by the same clock as occurred_at, so that the server sees the clock's "
        "skew; null counts as absent.",
    )


_PROPERTIES: Final = (
    f"At most {limits.PROPERTIES_BYTES_MAX:,} bytes of JSON, {limits.PROPERTIES_KEYS_MAX} keys and "
    f"{limits.PROPERTIES_DEPTH_MAX} levels (itself the first); kept as sent."
)


class Click(AnyEvent):
    """Somebody clicked something."""

    model_config = ConfigDict(title="click")

    event_type: Literal["click"]
    properties: ClickProperties = Field(description=_PROPERTIES)


class PageView(AnyEvent):
    """Somebody saw a page."""

    model_config = ConfigDict(title="page_view")

    event_type: Literal["page_view"]
    properties: PageViewProperties = Field(description=_PROPERTIES)


class VideoQualityChanged(AnyEvent):
    """A film that plays changed its quality."""

    model_config = ConfigDict(title="video_quality_changed")

    event_type: Literal["video_quality_changed"]
    properties: VideoQualityChangedProperties = Field(description=_PROPERTIES)


class VideoCompleted(AnyEvent):
    """Somebody watched a film to its end."""

    model_config = ConfigDict(title="video_completed")

    event_type: Literal["video_completed"]
    properties: VideoCompletedProperties = Field(description=_PROPERTIES)


class SearchFilterApplied(AnyEvent):
    """Somebody narrowed a search."""

    model_config = ConfigDict(title="search_filter_applied")

    event_type: Literal["search_filter_applied"]
    properties: SearchFilterAppliedProperties = Field(description=_PROPERTIES)


class Purchase(AnyEvent):
    """Somebody bought something."""

    model_config = ConfigDict(title="purchase")

    event_type: Literal["purchase"]
    properties: PurchaseProperties = Field(description=_PROPERTIES)


KNOWN_TYPES: Final[Mapping[str, type[AnyEvent]]] = MappingProxyType(
    {
        "click": Click,
        "page_view": PageView,
        "video_quality_changed": VideoQualityChanged,
        "video_completed": VideoCompleted,
        "search_filter_applied": SearchFilterApplied,
        "purchase": Purchase,
    }
)
"""The types whose properties have types, and the model of each."""


class CustomEvent(AnyEvent):
    """Anything else that somebody did, under a name of your own."""

    model_config = ConfigDict(title="custom")

    event_type: str = Field(
        pattern=f"^{EVENT_TYPE.pattern}$",
        description="A name of your own, none of the known types.",
        json_schema_extra={"not": {"enum": list(KNOWN_TYPES)}},
    )
    properties: Properties = Field(default=Properties(), description=f"Anything. {_PROPERTIES}")


FIELDS: Final = tuple(AnyEvent.model_fields)
"""The fields of an event in their order."""
