"""The routes table: every operation of the API. The server, its description and its tests are all made from it."""

from __future__ import annotations

from server import (
    companies,
    contacts,
    documents,
    events,
    health,
    imports,
    jobs,
    keys,
    language,
    limits,
    metrics,
    queries,
    running,
    schema,
    segments,
    translation,
    workspaces,
)
from server.auth import Scope
from server.operations import EVENT_STREAM, Handler, Operation
from server.streaming import EXPORT_FORMS

W = "/v1/workspaces/{workspace}"
HTML = ("text/html",)
SEEN = ("If-None-Match",)
GUARDS = ("If-Match", "If-None-Match")
LANGUAGES = ("Accept-Language",)
SCHEMA_JSON = ("application/schema+json",)
SSE = (EVENT_STREAM,)

READ, WRITE, ADMIN = Scope.READ, Scope.WRITE, Scope.ADMIN

ROUTES: tuple[Operation, ...] = (
    Operation("POST", f"{W}/query/count", queries.count, "Count the contacts that match", READ),
    Operation("POST", f"{W}/events", events.add, "Add events", WRITE),
    Operation("POST", f"{W}/contacts", contacts.upsert, "Insert or update contacts", WRITE),
    Operation("POST", f"{W}/query/contacts", queries.contacts, "Page through the contacts that match", READ),
    Operation("POST", f"{W}/query/export", queries.stream, "Export the contacts that match", READ, gives=EXPORT_FORMS),
    Operation("POST", f"{W}/query/explain", queries.explain, "How the answer to an expression comes about", READ),
    Operation("POST", f"{W}/queries/{{id}}/cancel", running.cancel, "Stop a query that runs", READ),
    Operation("GET", f"{W}/queries", running.listing, "The queries that run, the oldest first", READ),
    Operation("POST", f"{W}/query/why", queries.why, "Why a contact matches or not", READ, heeds=LANGUAGES),
    Operation(
        "GET",
        f"{W}/segments/{{key}}/contacts/{{id}}/why",
        segments.why,
        "Why a contact is a member or not",
        READ,
        heeds=LANGUAGES,
    ),
    Operation("GET", f"{W}/segments/{{key}}/contacts/{{id}}", segments.membership, "Is this contact a member", READ),
    Operation("GET", f"{W}/segments/{{key}}/contacts", segments.contacts, "Page through the members", READ),
    Operation("GET", f"{W}/segments/{{key}}/export", segments.stream, "Export the members", READ, gives=EXPORT_FORMS),
    Operation("POST", f"{W}/segments/{{key}}/members", segments.change_members, "Add and remove members", WRITE),
    Operation("GET", f"{W}/segments/{{key}}", segments.show, "A segment with its live count", READ, heeds=SEEN),
    Operation("PUT", f"{W}/segments/{{key}}", segments.put, "Save a segment", WRITE, heeds=GUARDS),
    Operation(
        "DELETE", f"{W}/segments/{{key}}", segments.drop, "Forget a segment; contacts stay", WRITE, heeds=GUARDS[:1]
    ),
    Operation("GET", f"{W}/segments", segments.listing, "All segments with their live counts", READ),
    Operation("GET", f"{W}/contacts/{{id}}/events", contacts.timeline, "What a contact did, newest first", READ),
    Operation("GET", f"{W}/contacts/{{id}}/segments", contacts.memberships, "The segments a contact is in", READ),
    Operation("GET", f"{W}/contacts/{{id}}", contacts.show, "The profile of a contact", READ),
    Operation("DELETE", f"{W}/contacts/{{id}}", contacts.erase, "Erase a contact everywhere", WRITE),
    Operation("POST", f"{W}/companies", companies.upsert, "Insert or update companies", WRITE),
    Operation("POST", f"{W}/language/check", language.check, "Everything wrong with an expression", READ),
    Operation("POST", f"{W}/language/format", language.format, "The canonical text of an expression", READ),
    Operation("POST", f"{W}/language/complete", language.complete, "What may come at a cursor, best first", READ),
    Operation("POST", f"{W}/language/parse", language.parse, "An expression as a tree, or a tree as its text", READ),
    Operation("POST", f"{W}/language/import", translation.read, "The rules of another program as an expression", READ),
    Operation("POST", f"{W}/language/export", translation.write, "An expression as rules of another program", READ),
    Operation(
        "GET", "/v1/language/schema.json", language.schema, "What trees look like", public=True, gives=SCHEMA_JSON
    ),
    Operation(
        "POST", f"{W}/language/describe", language.describe, "An expression as one sentence", READ, heeds=LANGUAGES
    ),
    Operation(
        "POST", f"{W}/imports", imports.create, "Import a file", WRITE, status=202, streams_in=imports.IMPORT_FORMS
    ),
    Operation("GET", f"{W}/jobs/{{id}}/stream", jobs.stream, "Watch a job", READ, gives=SSE),
    Operation("GET", f"{W}/jobs/{{id}}/rejects", jobs.rejects, "The rows a job rejected", READ, gives=("text/csv",)),
    Operation("POST", f"{W}/jobs/{{id}}/cancel", jobs.cancel, "Ask a job to stop", WRITE, status=202),
    Operation("GET", f"{W}/jobs/{{id}}", jobs.show, "A job", READ),
    Operation("GET", f"{W}/jobs", jobs.listing, "All jobs, newest first", READ),
    Operation("GET", f"{W}/schema", schema.show, "The schema", READ),
    Operation("PATCH", f"{W}/schema", schema.patch, "Add to the schema", WRITE),
    Operation("GET", f"{W}/limits", limits.show, "What a question may cost", READ),
    Operation("PATCH", f"{W}/limits", limits.patch, "Give the workspace a budget of its own, or take it away", ADMIN),
    Operation("GET", f"{W}/keys", keys.listing, "The keys of a workspace", ADMIN),
    Operation("POST", f"{W}/keys", keys.create, "Make a key; its secret is shown this once", ADMIN, status=201),
    Operation("DELETE", f"{W}/keys/{{id}}", keys.revoke, "Revoke a key", ADMIN),
    Operation("PUT", W, workspaces.create, "Make a workspace, if it is not there", ADMIN),
    Operation("GET", "/v1/workspaces", workspaces.listing, "The workspaces a key may see"),
    Operation("GET", "/healthz", health.alive, "Is the server alive", public=True),
    Operation("GET", "/readyz", health.ready, "Is it ready to take writes", public=True),
    Operation("GET", "/metrics", metrics.metrics, "Meters, as Prometheus reads them", gives=("text/plain",)),
    Operation("GET", "/openapi.json", documents.openapi, "This description", public=True, gives=("application/json",)),
    Operation("GET", "/docs", documents.docs, "This description, to be read", public=True, gives=HTML),
    Operation("GET", "/", documents.home, "Where to begin", public=True, gives=HTML),
    Operation(
        "GET", "/static/{name}", documents.static, "Styles and scripts of the pages", public=True, gives=("*/*",)
    ),
)

ANYWHERE: frozenset[Handler] = frozenset(
    {
        *(queries.count, queries.contacts, queries.stream, queries.explain, queries.why),
        *(segments.listing, segments.show, segments.contacts, segments.stream, segments.membership, segments.why),
        *(contacts.show, contacts.timeline, contacts.memberships),
        *(language.check, language.format, language.complete, language.parse, language.describe, language.schema),
        *(translation.read, translation.write),
        *(schema.show, limits.show, workspaces.listing),
        *(health.alive, documents.openapi, documents.docs, documents.home, documents.static),
    }
)
"""What only asks, so that any process of a server may answer it. Everything else is for the one that writes."""
