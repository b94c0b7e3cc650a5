"""Which column is what: from the user's word, else from the headers."""

from __future__ import annotations

import csv
import difflib
import io
import re
from collections.abc import Iterable

from dsl.folding import fold
from dsl.problems import DataError, Problem
from formats.batch import Kind
from formats.inferred import ReadOptions, Role

PERSON = (
    "contact",
    "contact_id",
    "id_contact",
    "customer",
    "customer_id",
    "id_customer",
    "client",
    "client_id",
    "id_client",
    "user",
    "user_id",
    "household_id",
    "subscriber_id",
    "member_id",
    "lead_id",
    "person_id",
    "profile_id",
)
EMAIL = ("email", "e_mail", "mail", "email_address", "adresse_email", "courriel")
COMPANY = (
    "company",
    "company_id",
    "account",
    "account_id",
    "organisation_id",
    "organization_id",
    "societe",
    "entreprise",
)
TIME = (
    "at",
    "timestamp",
    "time",
    "datetime",
    "date_time",
    "event_time",
    "event_timestamp",
    "event_date",
    "occurred_at",
    "created_at",
    "invoice_date",
    "transaction_timestamp",
    "order_date",
    "date",
    "horodatage",
)

HEADERS: dict[Kind, dict[Role, tuple[str, ...]]] = {
    Kind.CONTACTS: {
        Role.KEY: ("id", *PERSON, *EMAIL),
        Role.COMPANY: COMPANY,
    },
    Kind.COMPANIES: {
        Role.KEY: ("id", *COMPANY),
    },
    Kind.EVENTS: {
        Role.KEY: (*PERSON, *EMAIL),
        Role.AT: TIME,
        Role.TYPE: ("type", "event", "event_type", "event_name"),
        Role.EVENT_ID: ("id", "event_id", "message_id"),
    },
}
"""The headers that name each role, best first; compared by `plain_header`."""

IDENTIFIERS = frozenset(
    {
        "id",
        "code",
        "zip",
        "zipcode",
        "postcode",
        "postal",
        "cp",
        "plz",
        "phone",
        "tel",
        "telephone",
        "mobile",
        "fax",
        "portable",
        "siren",
        "siret",
        "ean",
        "gtin",
        "isbn",
        "iban",
        "barcode",
        "upc",
        "sku",
    }
)
"""Words of a header whose values are names of something, even when they are made of digits."""

TAG_WORDS = frozenset(["tags", "tag", "interests", "interets", "labels", "etiquettes", "keywords", "hobbies"])
"""Words of a header that announce a list in each cell."""


def header_words(header: str) -> list[str]:
    """The words of a header, folded.

    >>> header_words("Customer ID"), header_words("customerId"), header_words("Centres d'intérêts")
    (['customer', 'id'], ['customer', 'id'], ['centres', 'd', 'interets'])
    """
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", header)
    return re.findall(r"[^\W_]+", fold(parted))


def plain_header(header: str) -> str:
    """The form in which headers are compared: folded words joined by underscores."""
    return "_".join(header_words(header))


def is_email(header: str) -> bool:
    return plain_header(header) in EMAIL


def names_identifier(header: str) -> bool:
    """Whether the values under a header are names of something: its first or last word says so."""
    words = header_words(header)
    return bool(words) and (words[-1] in IDENTIFIERS or words[0] in IDENTIFIERS)


def names_tags(header: str) -> bool:
    return not TAG_WORDS.isdisjoint(header_words(header))


def roles_of(headers: list[str], kind: Kind, options: ReadOptions) -> dict[str, Role]:
    """The headers that play a role other than field. DataError names an option's column that is not there."""
    chosen = _chosen(headers, kind, options)
    free = [h for h in headers if h not in chosen and h not in options.columns]
    for role, names in HEADERS[kind].items():
        if role in chosen.values() or (role is Role.TYPE and options.event is not None):
            continue
        found = _first(free, names)
        if found is not None:
            chosen[found] = role
            free.remove(found)
    return chosen


def _chosen(headers: list[str], kind: Kind, options: ReadOptions) -> dict[str, Role]:
    said = {
        Role.KEY: options.key,
        Role.AT: options.at,
        Role.TYPE: options.event_type,
        Role.EVENT_ID: options.event_id,
        Role.COMPANY: options.company,
    }
    chosen = {name: role for role, name in said.items() if name is not None and role in HEADERS[kind]}
    strangers = [
        unknown_column(name, headers, role.replace("_", " ")) for name, role in chosen.items() if name not in headers
    ]
    if strangers:
        raise DataError(strangers)
    return chosen


def headers_in(text: str | None) -> tuple[str, ...] | None:
    """The headers of a list with commas between; one that holds a comma is put in double quotes.

    >>> headers_in('id, "name, first"')
    ('id', 'name, first')
    """
    record = next(csv.reader([text], skipinitialspace=True), []) if text else []
    return tuple(header.strip() for header in record) or None


def headers_text(headers: Iterable[str]) -> str:
    """The list that `headers_in` reads."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(headers)
    return line.getvalue()


def unknown_column(name: str, headers: list[str], purpose: str) -> Problem:
    """A column the user names that the file does not have, with the one that may have been meant."""
    folded = {fold(header): header for header in headers}
    close = difflib.get_close_matches(fold(name), folded, 1)
    hint = f"did you mean '{folded[close[0]]}'?" if close else f"the columns are {', '.join(headers)}"
    return Problem("unknown-column", f"no column is named '{name}' (for {purpose})", hint)


def _first(headers: Iterable[str], names: tuple[str, ...]) -> str | None:
    plain = {plain_header(header): header for header in reversed(list(headers))}
    return next((plain[name] for name in names if name in plain), None)
