"""What tests expect of answers."""

from __future__ import annotations

from typing import Any

import httpx

SCHEMA = {
    "contacts": {
        "country": {"type": "text"},
        "email": {"type": "text"},
        "points": {"type": "number", "decimals": 0},
        "interests": {"type": "tags"},
    },
    "companies": {"industry": {"type": "text"}},
    "events": {"open": {"campaign": {"type": "text"}}, "purchase": {"amount": {"type": "number"}}},
}
CONTACTS = [
    {"id": "c1", "country": "FR", "points": 40, "interests": ["ski"]},
    {"id": "c2", "country": "FR", "points": 10},
    {"id": "c3", "country": "BE"},
]


def ok(response: httpx.Response, status: int = 200) -> Any:
    """The decoded answer of a request that went well."""
    assert response.status_code == status, response.text
    return response.json()


def problem(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The decoded error, whose form is checked."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = response.json()
    assert set(document) == {"type", "title", "status", "detail", "code", "problems"}
    assert (document["status"], document["code"]) == (status, code)
    return document


def count(api: httpx.Client, expression: str, **more: Any) -> int:
    """How many contacts match."""
    return int(ok(api.post("query/count", json={"expression": expression, **more}))["count"])
