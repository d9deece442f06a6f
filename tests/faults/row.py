"""A row of the table: a fault, how often it happened, and what became of the requests."""

from dataclasses import dataclass, field
from typing import Any

from tests.faults.ledger import Account


class UnavailableError(Exception):
    """This machine lacks what the fault is made with; the message says what to install."""


@dataclass
class Row:
    """The result of one experiment; `findings` names what went wrong, and where, in a line each."""

    fault: str
    injected: int
    account: Account
    recovery_s: float
    findings: list[str] = field(default_factory=list)
    #: Whether requests were sent all the time, so that a gap is one of the answers.
    steady: bool = True
    #: What else was measured, in a line each.
    notes: list[str] = field(default_factory=list)
    #: The longest until a task was begun again whose worker had died.
    redelivery_s: float = 0.0

    @property
    def is_complete(self) -> bool:
        """Nothing lost, nothing answered twice, nothing wrong, nothing left behind."""
        account = self.account
        return not (account.lost or account.twice or account.wrong or account.left_over)

    @property
    def is_clean(self) -> bool:
        """That, and every promise kept, those about time too."""
        return self.is_complete and not self.findings

    def figures(self) -> dict[str, Any]:
        """For results.json."""
        account = self.account
        return {
            "fault": self.fault,
            "injected": self.injected,
            "sent": account.sent,
            "answered": account.answered,
            "lost": len(account.lost),
            "answered_twice": len(account.twice),
            "ran_twice": len(account.ran_twice),
            "unheard": account.unheard,
            "unsure": account.unsure,
            "stored_only": account.stored,
            "replayed": account.replayed,
            "wrong": len(account.wrong),
            "left_over": account.left_over,
            "longest_gap_s": round(account.longest_gap_s, 2) if self.steady else None,
            "recovery_s": round(self.recovery_s, 2),
            "codes": dict(account.codes),
            "findings": self.findings,
            "notes": self.notes,
        }
