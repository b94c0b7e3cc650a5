"""The pages for people, and the API's description. Everything they need is served from here."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files

import msgspec
from starlette.responses import Response

from server.errors import ApiError, Failure
from server.operations import Call

MEDIA_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
POLICY = "default-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'"


async def openapi(call: Call) -> Response:
    description: bytes = call.scope["app"].state.openapi
    return Response(description, media_type="application/json")


async def docs(call: Call) -> Response:
    return page("docs.html")


async def home(call: Call) -> Response:
    return page("home.html")


async def static(call: Call) -> Response:
    return page(call.param("name"))


def page(name: str) -> Response:
    """One file of the static folder; ApiError 404 when there is none."""
    assets = read_assets()
    if name not in assets:
        raise ApiError(Failure.NO_SUCH_ROUTE, f"no page is named '{name}'")
    content, etag = assets[name]
    media = MEDIA_TYPES[name[name.rindex(".") :]]
    headers = {"ETag": etag, "Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff"}
    return Response(content, headers=headers, media_type=media)


@cache
def read_assets() -> dict[str, tuple[bytes, str]]:
    """The files of the static folder by name, with their ETags."""
    found = {}
    for file in files("server").joinpath("static").iterdir():
        if file.is_file() and file.name[file.name.rfind(".") :] in MEDIA_TYPES:
            content = file.read_bytes()
            found[file.name] = (content, f'"{hashlib.sha256(content).hexdigest()[:16]}"')
    return found


def encode_description(description: dict[str, object]) -> bytes:
    return msgspec.json.format(msgspec.json.encode(description), indent=1)
