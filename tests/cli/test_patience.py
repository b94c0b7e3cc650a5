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
