"""The documentation: a site whose links lead somewhere, read without a network, and a README whose links do."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from statistics import median

import pytest

from tests.faults.report import RESULTS, shown
from tests.pages import DOCS, PROJECT, table_rows

MEASURED = json.loads((PROJECT / "bench" / "results.json").read_text())["systems"]

FAULTS = {row["fault"]: row for row in json.loads(RESULTS.read_text()).values()}
FAULT_COLUMNS = ("injected", "sent", "answered", "lost", "answered_twice", "longest_gap_s", "recovery_s")

VS_CODE = json.loads((PROJECT / ".vscode" / "tasks.json").read_text())["tasks"]
TARGETS = re.findall(r"^(\S+):", (PROJECT / "Makefile").read_text(), re.MULTILINE)

README = (PROJECT / "README.md").read_text()

#: What a browser would fetch by itself. A link that somebody has to follow is another thing.
FETCHED = re.compile(r'<(?:script|img|iframe|source)\b[^>]*\bsrc="([^"]+)"|<link\b[^>]*\bhref="([^"]+)"')


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built so that every link to no page, no heading or no image is an error."""
    folder = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", folder],
        cwd=PROJECT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


def test_every_page_is_in_the_site(site: Path) -> None:
    pages = {path.stem for path in DOCS.glob("*.md")}
    assert pages <= {path.stem for path in site.glob("*.html")}


def test_the_site_fetches_nothing_from_elsewhere(site: Path) -> None:
    fetched = {"".join(found) for page in site.rglob("*.html") for found in FETCHED.findall(page.read_text())}
    assert fetched
    assert [address for address in fetched if re.match(r"[a-z]+:|//", address)] == []


def test_no_page_has_a_diagram_that_a_script_from_elsewhere_would_draw() -> None:
    # Material fetches mermaid from a CDN; the diagram in README.md is drawn by whoever shows that.
    assert [path.name for path in DOCS.glob("*.md") if "```mermaid" in path.read_text()] == []


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\((?!https?:|#)([^)#]+)", README))))
def test_a_link_of_the_readme_leads_to_a_file(target: str) -> None:
    assert (PROJECT / target).exists()


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if f"| {fault} |" in README])
def test_the_readme_says_what_the_faults_did(fault: str) -> None:
    row = next(line for line in README.splitlines() if line.startswith(f"| {fault} |"))
    assert row.strip("| ").split(" | ")[1:] == [shown(FAULTS[fault][name]) for name in FAULT_COLUMNS]


@pytest.mark.parametrize("system", MEASURED)
def test_the_comparison_says_what_was_measured(system: str) -> None:
    figures = MEASURED[system]["median"]
    latencies = [figures[f"idle_{part}_ms"] for part in ("p50", "p95", "p99")]
    row = [
        f"{figures['burst_per_s']:,.0f}",
        " / ".join(f"{latency:.{0 if latency >= 10 else 1}f}" for latency in latencies),
        f"{figures['cpu_s_per_1000']:.2f}",
        f"{figures['commands_per_task']:.1f}",
    ]
    assert row in [cells[1:] for cells in table_rows("comparison.md")]


def test_the_comparison_says_how_long_requests_take_right_after_one_another() -> None:
    page = " ".join((DOCS / "comparison.md").read_text().split())
    assert f"took Callboard {MEASURED['callboard']['median']['sequential_p50_ms']:.1f} ms" in page


def test_the_page_on_scaling_says_what_was_measured() -> None:
    rates = [run["burst_per_s"] for run in MEASURED["callboard"]["runs"]]
    page = (DOCS / "scaling.md").read_text()
    assert [rate for rate in (median(rates), min(rates), max(rates)) if f"{rate:,.0f}" not in page] == []


@pytest.mark.parametrize("command", [task["command"] for task in VS_CODE if "make " in task.get("command", "")])
def test_a_vs_code_task_calls_a_target_that_is_there(command: str) -> None:
    assert command.removeprefix("make ").replace(".venv", "$(VENV)") in TARGETS
