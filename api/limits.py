"""Which operations cost enough to be limited for each user, or show enough that nobody needs them by the hundred."""

from datetime import timedelta

from storage.requests.allowances import Limit

UNMASK = Limit("unmask", burst=30, interval=timedelta(seconds=20))
FACES = Limit("faces", burst=120, interval=timedelta(seconds=2))
EXPORT = Limit("export", burst=10, interval=timedelta(seconds=60))
SEARCH = Limit("search", burst=60, interval=timedelta(seconds=1))
PASSWORDS = Limit("passwords", burst=20, interval=timedelta(seconds=30))
STREAMS = Limit("streams", burst=30, interval=timedelta(seconds=2))
LIMITS = {
    "unmask": UNMASK,
    "getPhoto": FACES,
    "exportRegistry": EXPORT,
    "exportProblemList": EXPORT,
    "photoImportReport": EXPORT,
    "reportPerson": EXPORT,
    "copyPerson": EXPORT,
    "listUsers": SEARCH,
    "searchAudit": SEARCH,
    "createUser": PASSWORDS,
    "changePassword": PASSWORDS,
    "resetPassword": PASSWORDS,
    "confirmProposal": PASSWORDS,
    "watchEvents": STREAMS,
}
"""By operation id."""


def of(operation: str | None) -> Limit | None:
    """The limit of an operation."""
    return LIMITS.get(operation or "")
