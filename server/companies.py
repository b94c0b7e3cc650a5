"""Companies: upserted."""

from __future__ import annotations

from typing import Any

from engine.results import Ack
from server.bodies import RowsBody
from server.operations import Call


class CompaniesBody(RowsBody):
    """Companies to insert or update by `id`: absent fields stay, null clears."""

    companies: list[dict[str, Any]]


async def upsert(call: Call, body: CompaniesBody) -> Ack:
    ack = await call.write(call.written.upsert_companies, body.companies)
    call.accepted("companies", ack)
    return ack
