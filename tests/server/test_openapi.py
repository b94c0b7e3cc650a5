"""The description and the server are one: every route is described, and every described route is there."""

import re
from itertools import groupby

import pytest

from server.auth import Scope
from server.errors import Failure
from server.openapi import describe
from server.operations import Operation
from server.routes import ROUTES
from tests.server.answers import ok


def concrete(operation: Operation) -> str:
    return re.sub(r"{workspace}", "nowhere", re.sub(r"{(?!workspace)\w+}", "x", operation.path))


def name(operation: Operation) -> str:
    return f"{operation.method} {operation.path}"


def test_paths_stand_together_in_the_table():
    paths = [path for path, _ in groupby(ROUTES, key=lambda operation: operation.path)]
    assert len(paths) == len(set(paths))


def test_every_operation_is_described_once(site):
    paths = ok(site.get("/openapi.json"))["paths"]
    described = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    assert described == {(operation.method, operation.path) for operation in ROUTES}
    ids = [each["operationId"] for methods in paths.values() for each in methods.values()]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("operation", ROUTES, ids=name)
def test_every_operation_is_routed_and_fails_in_the_one_form(site, operation):
    response = site.request(operation.method, concrete(operation))
    assert response.status_code not in (405, 500)
    if response.status_code >= 400:
        assert response.headers["content-type"] == "application/problem+json"
        assert response.json()["code"] in {failure.code for failure in Failure}


@pytest.mark.parametrize("operation", ROUTES, ids=name)
def test_a_method_that_is_not_there_is_refused(site, operation):
    response = site.request("TRACE", concrete(operation))
    assert response.status_code == 405
    assert operation.method in response.headers["allow"]


def test_references_lead_somewhere(site):
    document = site.get("/openapi.json")
    references = set(re.findall(r'"#/components/schemas/([^"]+)"', document.text))
    assert references
    assert references <= set(document.json()["components"]["schemas"])


def test_writes_need_more_than_reading():
    for operation in ROUTES:
        if operation.method in ("PUT", "PATCH", "DELETE"):
            assert operation.scope in (Scope.WRITE, Scope.ADMIN), operation
        if operation.scope is None:
            assert operation.method == "GET", operation


def test_describing_is_deterministic():
    assert describe(ROUTES) == describe(ROUTES)


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_pages_need_nothing_from_elsewhere(site, path):
    page = site.get(path)
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'self'" in page.headers["content-security-policy"]
    linked = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert linked
    for address in linked:
        assert address.startswith("/")
        assert site.get(address).status_code == 200, address


def test_there_are_no_other_static_files(site):
    assert site.get("/static/..%2fapp.py").status_code == 404
    assert site.get("/static/app.py").status_code == 404
