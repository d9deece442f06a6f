"""The documentation: a site whose links lead somewhere, read without a network, and a README whose links do."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pages import DOCS, PROJECT

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
