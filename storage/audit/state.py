"""How far the audit log is sealed and copied: what an operator watches."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from storage.audit import queries
from storage.audit.chain import Head


@dataclass(frozen=True, slots=True)
class SealingState:
    """`unsealed`: entries in the session's scope that wait; `oldest`: age of the oldest of them.

    `uncopied`: heads since the newest copy outside the database. A copy is due a few seconds after a head.
    """

    head: Head | None
    unsealed: int
    oldest: timedelta | None
    uncopied: int
    copied_to: int
    copied_at: datetime | None


async def sealing_state(session: AsyncSession, *, now: datetime) -> SealingState:
    """The state as this session's scope shows it; under `SystemScope` that of everything."""
    head, copied = await queries.last_head(session), await queries.last_copy(session)
    mark = queries.FIRST
    if head is not None and head.mark_xid is not None and head.mark_id is not None:
        mark = (head.mark_xid, head.mark_id)
    unsealed, since = await queries.backlog(session, mark=mark)
    uncopied = await queries.heads_beyond(session, (0, 0) if copied is None else copied[:2])
    return SealingState(
        head=head, unsealed=unsealed, oldest=None if since is None else max(now - since, timedelta(0)),
        uncopied=uncopied, copied_to=0 if copied is None else copied[1],
        copied_at=None if copied is None else copied[2],
    )  # fmt: skip
