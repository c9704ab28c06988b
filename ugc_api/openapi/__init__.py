"""The documentation people use: one OpenAPI 3.1 document, and a page over it that works offline."""

from ugc_api.openapi.pages import install

__all__ = ["install"]
