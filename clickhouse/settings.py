"""What the schema can be told beside its migrations."""

from typing import Final

from pydantic import Field, field_validator

from clickhouse.segments import is_key
from clickhouse.segments.columns import SHIPPED
from telemetry.settings import Settings

# Each costs every insert, memory too: with ten beside the shipped ones two inserts of the largest ranges do
# not fit into the local stack's warehouse, with three they do.
PROPERTY_COLUMNS_MAX: Final = 3


class SchemaSettings(Settings):
    """For whoever brings a warehouse to its schema."""

    property_columns: str = Field(
        "",
        description="Properties, key,key,…, that get a column of their own, so that segments on them are "
        f"answered several times as fast; {PROPERTY_COLUMNS_MAX} at most.",
    )

    @field_validator("property_columns")
    @classmethod
    def _are_keys(cls, text: str) -> str:
        keys = _split(text)
        for key in keys:
            if not is_key(key):
                raise ValueError(
                    f"{key[:80]!r} is no key a segment can ask for: 1 to 64 letters, digits, _ . and -"
                )
        more = [key for key in keys if key not in SHIPPED]
        if len(more) > PROPERTY_COLUMNS_MAX:
            raise ValueError(
                f"names {len(more)} properties; {PROPERTY_COLUMNS_MAX} is the most: each costs every insert"
            )
        return text

    def property_keys(self) -> list[str]:
        """The keys that are named, each once, in order."""
        return _split(self.property_columns)


def _split(text: str) -> list[str]:
    return list(dict.fromkeys(key.strip() for key in text.split(",") if key.strip()))
