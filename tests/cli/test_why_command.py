"""`tamis why`, against a data directory and against a server."""


def test_why_for_people(filled):
    said = filled("why", "bob", 'pays = "FR" and points > 30').stdout
    assert said.splitlines()[0] == "bob does not match"
    assert "points would have to be at least 31" in said
    assert said.splitlines()[-1].startswith("⇄ the fewest changes: ")


def test_why_as_plain_text(filled):
    said = filled("why", "bob", 'pays = "FR" or points > 30', "--plain", "--lang", "fr").stdout
    assert said.splitlines() == [
        "bob ne répond pas",
        "→ no  or",
        '  → no  pays = "FR": pays vaut «\u00a0BE\u00a0»',
        "        ⇄ pays devrait valoir «\u00a0FR\u00a0» (vaut «\u00a0BE\u00a0»)",
        "  → no  points > 30: points vaut 12",
        "        ⇄ points devrait valoir au moins 31 (vaut 12)",
        "⇄ le moins de changements\u00a0: pays devrait valoir «\u00a0FR\u00a0» (vaut «\u00a0BE\u00a0»)",
    ]


def test_why_as_json_with_parameters(filled):
    answer = filled.json("why", "ann", "points > $p", "--param", "p=30")
    assert (answer["holds"], answer["root"]["values"][0]["value"]) == (True, 31)


def test_why_a_member_of_a_segment(filled):
    filled("segments", "put", "rich", "points > 30")
    assert filled.json("why", "ann", "--segment", "rich")["holds"] is True
    assert filled.json("why", "bob", "--segment", "rich")["root"]["items"][0]["values"][0]["value"] == 12


def test_what_is_not_there_is_told(filled):
    assert "no contact" in filled("why", "nobody-there", "everyone", exit=5).stderr
    assert "no segment" in filled("why", "ann", "--segment", "none", exit=5).stderr
    assert "did you mean 'points'" in filled("why", "ann", "poinst > 3", exit=3).stderr
    filled("why", "ann", exit=2)
    filled("why", "ann", "everyone", "--segment", "rich", exit=2)
