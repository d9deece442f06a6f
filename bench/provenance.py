"""When a measurement was made, and of which code: so that figures can be told from those of another day."""

import subprocess
from datetime import UTC, datetime
from pathlib import Path

PROJECT = Path(__file__).parents[1]

#: What is measured. Results, charts and pages, which a measurement writes itself, are not looked at.
CODE = ("*.py", "*.lua", "requirements.lock")


def provenance() -> dict[str, str | None]:
    """For a file of results. The commit has a `+` where the code is not as it was committed, and is None where there is
    none, as in an unpacked archive."""
    return {"measured_at": datetime.now(UTC).isoformat(timespec="seconds"), "commit": COMMIT}


def _commit() -> str | None:
    try:
        commit = _git("rev-parse", "--short=12", "HEAD").strip()
        return f"{commit}+" if _git("status", "--porcelain", "--", *CODE) else commit
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(*words: str) -> str:
    ended = subprocess.run(["git", *words], cwd=PROJECT, capture_output=True, text=True, check=True)
    return ended.stdout


#: Looked up at the start, as what is measured is read then: somebody may commit meanwhile.
COMMIT = _commit()
