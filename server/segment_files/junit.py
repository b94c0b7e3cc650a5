"""Results as JUnit XML, which machines that run tests show beside the change that broke them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree

from server.segment_files.running import Result


def write(path: Path, results: Mapping[str, Sequence[Result]], told: Mapping[int, str]) -> None:
    """One suite a file; `told` says what was wrong with a test, by the identity of its result."""
    suites = ElementTree.Element("testsuites")
    for name, suite in results.items():
        failed = sum(not result.passed for result in suite)
        element = ElementTree.SubElement(suites, "testsuite", name=name, tests=str(len(suite)), failures=str(failed))
        for result in suite:
            case = ElementTree.SubElement(
                element,
                "testcase",
                classname=name,
                name=result.test.name,
                file=name,
                line=str(result.test.place.line),
                time=f"{result.seconds:.3f}",
            )
            if not result.passed:
                ElementTree.SubElement(case, "failure", message="not as expected").text = told[id(result)]
    ElementTree.indent(suites)
    ElementTree.ElementTree(suites).write(path, "utf-8", xml_declaration=True)
