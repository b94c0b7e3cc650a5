"""Every command, against a data directory and against a server."""

import csv
import json

import pyarrow as pa
import pytest
from pyarrow import parquet
from running_tamis import Tamis

from server.cli.session import Session


def test_an_import_shows_what_it_inferred_and_then_writes_it(tamis, people):
    result = tamis("import", str(people), "--kind", "contacts", "--yes")
    assert "cp1252" in result.stderr
    assert "delimiter ';'" in result.stderr
    assert "decimal ','" in result.stderr
    assert "3 rows imported" in result.stdout
    assert tamis.json("schema", "show")["contacts"]["solde"] == {"type": "number", "decimals": 2}
    assert tamis.json("count", "solde = 1234.5 and inscription on 2025-12-31")["count"] == 1


def test_a_dry_run_writes_nothing(tamis, people):
    tamis("schema", "patch", "{}")
    answer = tamis.json("import", str(people), "--kind", "contacts", "--dry-run")
    assert (answer["dry_run"], answer["accepted"], answer["seq"]) == (True, 3, None)
    assert tamis.json("count", "everyone")["count"] == 0
    assert tamis.json("schema", "show").get("contacts", {}) == {}


def test_on_a_terminal_the_import_is_asked_for_before_it_writes(tamis, people, monkeypatch):
    monkeypatch.setattr(Session, "asks", lambda session: True)
    tamis("import", str(people), "--kind", "contacts", stdin="n\n", exit=4)
    assert tamis.json("schema", "show").get("contacts", {}) == {}
    tamis("import", str(people), "--kind", "contacts", stdin="y\n")
    assert tamis.json("count", "everyone")["count"] == 3


BAD = "id,points\nann,31\nbob,many\ncid,7\n"


@pytest.fixture
def bad(tamis, tmp_path):
    """A file with a bad second row, for a workspace whose schema says that points are numbers."""
    tamis("schema", "patch", '{"contacts": {"points": {"type": "number", "decimals": 0}}}')
    path = tmp_path / "bad.csv"
    path.write_text(BAD)
    return path


def test_a_bad_line_stops_the_import_and_is_named(tamis, bad):
    result = tamis("import", str(bad), "--kind", "contacts", "--yes", exit=4)
    assert "line 3" in result.stderr
    assert "points" in result.stderr
    assert tamis.json("count", "everyone")["count"] == 0


def test_bad_lines_can_be_skipped_and_kept(tamis, bad, tmp_path):
    rejects = tmp_path / "rejects.csv"
    answer = tamis.json(
        "import", str(bad), "--kind", "contacts", "--yes", "--on-error", "skip", "--rejects", str(rejects)
    )
    assert (answer["accepted"], answer["rejected"]) == (2, 1)
    [row] = csv.DictReader(rejects.open())
    assert (row["row"], row["line"], row["column"], row["value"], row["raw"]) == (
        "2",
        "3",
        "points",
        "many",
        "bob,many",
    )
    assert tamis.json("count", "points = 7")["count"] == 1


def test_events_come_with_a_type_and_make_their_contacts(tamis, tmp_path):
    path = tmp_path / "opens.ndjson"
    rows = [
        {"contact": "ann", "at": "2026-11-01T10:00:00Z", "campaign": "Spring"},
        {"contact": "dan", "at": "2026-11-02"},
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    tamis("import", str(path), "--kind", "events", "--type", "open", "--yes")
    assert tamis.json("count", 'did open(campaign = "spring")', "--at", "2026-12-01")["count"] == 1
    assert tamis.json("count", "everyone")["total"] == 2


TILL = """InvoiceNo,Quantity,InvoiceDate,CustomerID,Country
536365,6,2010-12-01 08:26:00,17850,UK
536365,6,2010-12-01 08:26:00,17850,UK
C536379,-1,2010-12-01 09:41:00,17850,UK
536370,24,2010-12-01 08:45:00,,FR
536371,3,2010-12-01 09:00:00,12583,DE
536372,4,2010-12-01 09:00:00,12583,FR
"""


def test_a_till_file_as_it_comes(tamis, tmp_path):
    path = tmp_path / "till.csv"
    path.write_text(TILL)
    skip = ("--on-error", "skip", "--yes")
    tamis("import", str(path), "--kind", "contacts", "--only", "Country", *skip)
    assert tamis.json("count", 'Country = "FR"')["count"] == 1, "the last line wins"
    rules = ("--type", "purchase", "--type-rule", "cancellation: InvoiceNo ~ ^C", "--id-columns", "*")
    answer = tamis.json("import", str(path), "--kind", "events", *rules, *skip)
    assert {name: answer[name] for name in ("read", "accepted", "duplicates", "rejected")} == {
        "read": 6,
        "accepted": 4,
        "duplicates": 1,
        "rejected": 1,
    }
    assert answer["reasons"] == [{"code": "missing-id", "column": "CustomerID", "rows": 1}]
    assert tamis.json("count", "did cancellation")["count"] == 1
    assert tamis.json("count", "did purchase exactly 1 times")["count"] == 1
    again = tamis("import", str(path), "--kind", "events", *rules, *skip).stdout
    assert "0 rows imported" in again
    assert "5 duplicates, of 6 read\n  1 missing-id in CustomerID" in again


def test_rules_that_cannot_be_are_told(tamis, tmp_path):
    path = tmp_path / "till.csv"
    path.write_text(TILL)
    asked = ("import", str(path), "--kind", "events", "--type", "purchase", "--type-rule")
    assert "did you mean 'InvoiceNo'?" in tamis(*asked, "x: invoiceno ~ ^C", exit=4).stderr
    assert "no pattern" in tamis(*asked, "x: InvoiceNo ~ (", exit=4).stderr
    assert "no rule" in tamis(*asked, "nonsense", exit=4).stderr


def test_names_for_a_file_without_a_header(tamis, tmp_path):
    path = tmp_path / "bare.csv"
    path.write_text("ann,31,FR\nbob,12,BE\n")
    tamis("import", str(path), "--kind", "contacts", "--names", "id,points,country", "--yes")
    assert tamis.json("count", 'points > 20 and country = "FR"')["count"] == 1
    assert "'names'" in tamis("import", str(path), "--kind", "contacts", "--id-column", "ann", "--dry-run").stderr


def test_count_says_how_many_of_how_many_and_how_long(filled):
    result = filled("count", 'pays = "FR" and points > 30')
    assert result.stdout.startswith("1 of 3 contacts (33.3%)")
    assert result.stdout.rstrip().endswith("ms")


def test_explain_shows_every_step_as_a_tree(filled):
    shown = filled("explain", 'pays != "FR" or not points > 30', "--no-times").stdout.splitlines()
    assert shown[0] == 'pays != "FR" or not points > 30'
    assert shown[1].startswith("rules fired: absorb_negations")
    assert shown[2] == "not  expected 2 at 0.02 ms, found 2, 1 for want of a value"
    assert shown[3].startswith("└── all of  expected")
    assert shown[-1] == "2 contacts"
    assert " ms" in filled("explain", "points > 30").stdout


def test_explain_as_plain_text_and_as_json_is_the_same_in_every_run(filled):
    question = ("explain", "points > $least", "--param", "least=30", "--no-times")
    plain = filled(*question, "--plain").stdout
    assert plain == filled(*question, "--plain").stdout
    assert plain.startswith("expression\n  points > $least\nlogical plan\n  Match scope=contacts field=points")
    answer = filled.json(*question)
    assert answer == filled.json(*question)
    assert (answer["count"], answer["physical"]["milliseconds"]) == (1, None)
    assert filled.json("explain", "points > 30")["physical"]["milliseconds"] >= 0


def test_parameters_are_bound_by_value(filled):
    assert (
        filled.json("count", "pays = $where and points > $least", "--param", "where=FR", "--param", "least=30")["count"]
        == 1
    )


def test_an_expression_comes_from_a_file_or_from_standard_input(filled, tmp_path):
    path = tmp_path / "french.tamis"
    path.write_text('pays = "FR"  # the French\n', "utf-8")
    assert filled.json("count", f"@{path}")["count"] == 2
    assert filled("count", "-", stdin="everyone").stdout.startswith("3 of 3")
    filled("count", "@absent", exit=2)


def test_query_pages_through_chosen_fields_in_order(filled):
    first = filled.json("query", "everyone", "--fields", "id,points", "--limit", "2", "--sort", "-points")
    assert first["contacts"] == [{"id": "ann", "points": 31}, {"id": "bob", "points": 12}]
    command = ("query", "everyone", "--fields", "id,points", "--limit", "2", "--sort", "-points")
    second = filled.json(*command, "--cursor", first["next"])
    assert [contact["id"] for contact in second["contacts"]] == ["cid"]
    assert second["next"] is None
    table = filled("query", 'pays = "BE"', "--fields", "id,prénom").stdout
    assert table.split() == ["id", "prénom", "─" * len(table.splitlines()[1].strip()), "bob", "Bob"] or "bob" in table


@pytest.mark.parametrize("suffix", ["csv", "ndjson", "arrow", "parquet"])
def test_export_writes_every_member_in_the_form_of_the_files_name(filled, tmp_path, suffix):
    path = tmp_path / f"members.{suffix}"
    answer = filled.json("export", 'pays = "FR"', "-o", str(path), "--fields", "id,points")
    assert (answer["contacts"], answer["form"]) == (2, suffix)
    assert read_ids(path, suffix) == ["ann", "cid"]
    assert list(tmp_path.glob(".*.partial")) == []


def read_ids(path, suffix):
    match suffix:
        case "csv":
            return [row["id"] for row in csv.DictReader(path.open())]
        case "ndjson":
            return [json.loads(line)["id"] for line in path.open()]
        case "arrow":
            return pa.ipc.open_stream(path).read_all()["id"].to_pylist()
        case "parquet":
            return parquet.read_table(path)["id"].to_pylist()


def test_export_without_a_file_writes_csv_to_the_pipe(filled):
    assert filled("export", 'pays = "BE"', "--fields", "id,prénom").stdout.split() == ["id,prénom", "bob,Bob"]


def test_a_refused_export_leaves_no_file(filled, tmp_path):
    filled("export", "contry = 1", "-o", str(tmp_path / "x.csv"), exit=3)
    assert not (tmp_path / "x.csv").exists()


WRONG = 'contry = "FR" and pionts > 30'


def test_check_shows_every_problem_under_its_place(filled):
    result = filled("check", WRONG, exit=3)
    assert "1:1  unknown field 'contry'" in result.stderr
    assert "1:19  unknown field 'pionts'; did you mean 'points'?" in result.stderr
    assert "^^^^^^" in result.stderr
    assert filled("check", "points > 30").stdout == "ok\n"


@pytest.mark.parametrize("command", ["check", "count", "query", "explain", "export"])
def test_a_wrong_expression_has_its_own_exit_code_and_its_problems_as_json(filled, command):
    answer = filled.json(command, WRONG, exit=3)
    assert (answer["exit"], answer["code"]) == (3, "invalid-expression")
    assert [problem["span"]["start"] for problem in answer["problems"]] == [0, 18]
    assert answer["problems"][1]["span"] == {"start": 18, "end": 24, "line": 1, "column": 19}


def test_format_writes_the_canonical_text_and_is_a_fixed_point(filled):
    text = filled("format", 'pays="FR"   and points>30').stdout.rstrip("\n")
    assert text == 'pays = "FR" and points > 30'
    assert filled.json("format", text) == {"expression": text}
    filled("format", "pays = = 1", exit=3)


def test_describe_says_an_expression_in_one_sentence_on_one_line(filled):
    text = 'pays = "FR" and points > 30'
    assert filled("describe", text).stdout == "Contacts whose pays is “FR” and whose points are more than 30.\n"
    french = "Les contacts dont le champ pays est «\u00a0FR\u00a0» et dont le champ points est supérieur à 30."
    assert filled.json("describe", text, "--lang", "fr") == {"sentence": french}
    assert filled("describe", " and ".join([text] * 20)).stdout.count("\n") == 1
    filled("describe", "pays = = 1", exit=3)


def test_describe_calls_fields_by_their_labels_when_asked(filled):
    filled("schema", "patch", json.dumps({"contacts": {"ville": {"type": "text", "label": "Town"}}}))
    said = filled("describe", 'ville = "Paris"', "--labels").stdout
    assert said == "Contacts whose Town is “Paris”.\n"


def test_complete_shows_what_may_come_at_a_cursor(filled):
    found = filled.json("complete", "poin > 3 and nam", "--cursor", "3")
    assert (found["start"], found["end"]) == (0, 4)
    assert [(item["text"], item["kind"]) for item in found["items"]] == [("points", "field")]
    assert "points" in filled("complete", "poi").stdout
    assert filled("complete", "# a comment").stdout == "nothing comes here\n"
    assert "$.cursor" in filled("complete", "points", "--cursor", "9", exit=4).stderr
    assert len(filled.json("complete", "", "--limit", "2")["items"]) == 2


def test_parse_shows_the_tree_and_takes_it_back(filled):
    tree = json.loads(filled("parse", "points>30").stdout)
    assert tree["condition"]["kind"] == "comparison"
    assert filled("parse", "--from-json", json.dumps(tree)).stdout == "points > 30\n"
    assert filled.json("parse", "--from-json", json.dumps(tree)) == {"expression": "points > 30", "tree": tree}
    long = f"name = {'a b ' * 100!r}"
    assert json.loads(filled("parse", long).stdout)["condition"]["right"]["value"] == "a b " * 100
    assert "did you mean 'selection'?" in filled("parse", "--from-json", '{"kind": "selektion"}', exit=4).stderr
    filled("parse", "--from-json", "not json", exit=2)
    filled("parse", "points >", exit=3)


def test_the_schema_grows_by_a_patch_and_is_shown(tamis):
    patch = {"timezone": "Europe/Paris", "events": {"open": {"campaign": {"type": "text", "label": "Campaign"}}}}
    tamis("schema", "patch", json.dumps(patch))
    shown = tamis("schema", "show").stdout
    assert "Europe/Paris" in shown
    assert "open event" in shown
    assert tamis.json("schema", "show")["events"]["open"]["campaign"]["label"] == "Campaign"
    tamis("schema", "patch", '{"contacts": {"x": {"type": "colour"}}}', exit=4)
    tamis("schema", "patch", "not json", exit=2)


def test_segments_are_defined_nested_listed_and_deleted(filled):
    filled("segments", "put", "french", 'pays = "FR"', "--name", "The French")
    filled("segments", "put", "active", "points > 30", "--parent", "french")
    assert filled.json("segments", "show", "active")["count"] == 1
    tree = filled("segments", "tree").stdout
    assert tree.index("french") < tree.index("active")
    assert [view["key"] for view in filled.json("segments", "list")["segments"]] == ["active", "french"]
    assert filled.json("count", 'in segment "The French"')["count"] == 2
    filled("segments", "delete", "french", exit=4)
    filled("segments", "delete", "active")
    filled("segments", "delete", "french")
    assert filled.json("segments", "list") == {"segments": []}


def test_members_of_a_static_segment_are_added_and_removed(filled):
    filled("segments", "put", "panel", "--static")
    added = filled.json("segments", "members", "panel", "--add", "ann", "--add", "bob", "--fields", "id")
    assert added["contacts"] == [{"id": "ann"}, {"id": "bob"}]
    left = filled.json("segments", "members", "panel", "--remove", "ann", "--fields", "id")
    assert left["contacts"] == [{"id": "bob"}]
    filled("segments", "members", "panel", "--add", "nobody", exit=4)
    filled("segments", "put", "panel", exit=2)


def test_a_segment_changed_by_another_is_not_overwritten(filled):
    etag = filled.json("segments", "put", "french", 'pays = "FR"')["etag"]
    filled("segments", "put", "french", 'pays = "BE"', "--if-match", etag)
    filled("segments", "put", "french", "everyone", "--if-match", etag, exit=4)
    filled("segments", "put", "broken", WRONG, exit=3)


def test_what_is_not_there_has_its_own_exit_code(filled):
    filled("segments", "show", "absent", exit=5)
    filled("segments", "delete", "absent", exit=5)
    Tamis([*filled.flags, "--workspace", "absent"])("count", "everyone", exit=5)


def test_wrong_use_has_its_own_exit_code(tamis):
    tamis("count", exit=2)
    tamis("query", "everyone", "--limit", "0", exit=2)
    tamis("import", "absent.csv", "--kind", "contacts", exit=2)
    tamis("count", "everyone", "--param", "novalue", exit=2)


def test_keys_are_made_listed_and_revoked(tmp_path, tamis):
    if "--data" not in tamis.flags:
        pytest.skip("a first key closes the shared server to the other tests")
    made = tamis.json("keys", "create", "mail", "--scope", "read", "--scope", "write")
    assert made["key"].startswith("tamis_")
    [listed] = tamis.json("keys", "list")["keys"]
    assert (listed["name"], listed["scopes"]) == ("mail", ["read", "write"])
    assert made["key"] not in tamis("keys", "list").output
    tamis("keys", "revoke", made["id"])
    assert tamis.json("keys", "list") == {"keys": []}
    tamis("keys", "revoke", made["id"], exit=5)
