"""What a request brings to show that it may: nothing, a key or a signed token, and where it carried it."""

from dataclasses import dataclass

from flask import Request

from ugc_api.problems import Problem, ProblemCode

WRITE_KEY = "X-Write-Key"
API_KEY = "X-API-Key"
KEY_PARAMETER = "key"
BEARER = "bearer"


@dataclass(frozen=True, slots=True)
class Credential:
    """The one thing it brought. `public` when it came as keys in web pages come."""

    text: str
    public: bool

    def __repr__(self) -> str:
        return f"Credential(public={self.public})"


def brought_by(request: Request) -> Credential | None:
    """None when it brought nothing. Raises Problem when it brought several, or something unreadable."""
    headers = request.headers
    # Most requests have no parameters, and then none is parsed.
    parameter = request.args.getlist(KEY_PARAMETER) if request.query_string else []
    found = [
        *(Credential(text, public=True) for text in parameter if text),
        *(Credential(text.strip(), public=True) for text in headers.getlist(WRITE_KEY) if text.strip()),
        *(Credential(text.strip(), public=False) for text in headers.getlist(API_KEY) if text.strip()),
        *(
            Credential(_bearer(text), public=False)
            for text in headers.getlist("Authorization")
            if text.strip()
        ),
    ]
    # One key in two places is one key; two keys leave open which of them counts.
    different = {each.text: each for each in found}
    if len(different) > 1:
        raise Problem(ProblemCode.BAD_REQUEST, "The request brings several keys; send one.")
    return found[0] if found else None


def _bearer(header: str) -> str:
    scheme, _, text = header.strip().partition(" ")
    if scheme.lower() != BEARER or not text.strip():
        raise Problem(
            ProblemCode.KEY_MISSING,
            "The Authorization header is not taken; send `Authorization: Bearer` and the key or token.",
            headers={"WWW-Authenticate": 'Bearer realm="ugc"'},
        )
    return text.strip()
