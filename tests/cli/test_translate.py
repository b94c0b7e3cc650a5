"""`tamis translate`, against a data directory and against a server."""

import json

RULES = {"combinator": "and", "rules": [{"field": "points", "operator": ">", "value": "30"}]}


def test_an_expression_is_written_and_read_again(filled):
    written = filled("translate", "points > 30", "--to", "jsonlogic")
    assert json.loads(written.stdout) == {">": [{"var": "points"}, 30]}
    assert filled("translate", written.stdout, "--from", "jsonlogic").stdout == "points > 30\n"
    assert filled.json("translate", "points > 30", "--to", "react-querybuilder") == {
        "document": {"combinator": "and", "rules": [{"field": "points", "operator": ">", "value": 30}]},
        "notes": [],
    }


def test_a_file_of_rules_is_read(filled, tmp_path):
    path = tmp_path / "rules.json"
    path.write_text(json.dumps(RULES))
    found = filled.json("translate", f"@{path}", "--from", "react-querybuilder")
    assert (found["expression"], found["notes"]) == ("points > 30", [])


def test_differences_are_remarked_and_what_cannot_be_said_is_shown(filled):
    assert "case or accents" in filled("translate", 'pays = "FR"', "--to", "jsonlogic").stderr
    refused = filled("translate", 'points > 3 and sample 1% seed "x"', "--to", "jsonlogic", exit=3).stderr
    assert "1:16  samples cannot be said" in refused
    told = filled("translate", '{"rules": [{"field": "x"}]}', "--from", "react-querybuilder", exit=4).stderr
    assert "$.rules[0].field  unknown field 'x'" in told
    filled("translate", "not json", "--from", "jsonlogic", exit=2)
    filled("translate", "points > 3", exit=2)
