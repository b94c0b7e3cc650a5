"""Timeouts and running queries from the command line, on a data directory and on a server."""

LONG = " or ".join(f"points = {n} and pays = 'FR'" for n in range(400))


def test_a_question_that_takes_longer_than_its_timeout(filled):
    refused = filled.json("count", LONG, "--timeout", "0.001", exit=8)
    assert (refused["exit"], refused["code"]) == (8, "deadline-exceeded")
    assert refused["detail"].startswith("not answered within 1 ms")
    assert filled.json("count", LONG, "--timeout", "60")["count"] == 1


def test_queries_that_run(filled):
    assert filled.json("queries", "list") == {"queries": []}
    assert filled.json("queries", "cancel", "nothing", exit=5)["code"] == "unknown-query"


def test_a_question_that_costs_more_than_the_budget(filled):
    assert filled.json("limits") == {"budget_ms": 20_000, "own": False}
    assert filled.json("limits", "--budget", "0.001") == {"budget_ms": 1, "own": True}
    refused = filled.json("count", " or ".join(f"pays contains '{n}'" for n in range(400)), exit=8)
    assert (refused["exit"], refused["code"]) == (8, "too-costly")
    assert "ask fewer things at once" in refused["problems"][0]["hint"]
    assert filled.json("limits", "--default")["own"] is False
