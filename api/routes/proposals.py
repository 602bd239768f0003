"""What waits for a second administrator."""

import uuid

import msgspec
from litestar import get, post
from litestar.params import FromPath
from litestar.status_codes import HTTP_200_OK

from api.access import Work, requires
from api.paging import AfterId, Cursor, Limit, Page, decode_cursor, paged
from api.routes.users import own_grants
from inspection.users import passwords, proposals
from inspection.users.models import ProposalKind, UserRole
from inspection.users.schemas import ProposalView

ADMINISTRATORS = requires(UserRole.ADMINISTRATOR)


@get(
    "/api/v1/proposals", guards=[ADMINISTRATORS], tags=["users"], operation_id="listProposals",
    summary="待确认的授权提议 / Proposals that wait for a second administrator",
)  # fmt: skip
async def list_proposals(work: Work, cursor: Cursor = None, limit: Limit = 50) -> Page[ProposalView]:
    """Open proposals within the caller's own places, the oldest first."""
    after = decode_cursor(cursor, AfterId)
    async with work.transaction() as session:
        rows = await proposals.page(
            session, own=await own_grants(session, work), after=None if after is None else after.id,
            limit=limit + 1, now=work.now,
        )  # fmt: skip
    return paged(rows, limit=limit, key=lambda row: (row.id,))


@post(
    "/api/v1/proposals/{proposal_id:uuid}/confirm", guards=[ADMINISTRATORS], status_code=HTTP_200_OK, tags=["users"],
    operation_id="confirmProposal", summary="确认提议 / Confirm a proposal",
)  # fmt: skip
async def confirm_proposal(proposal_id: FromPath[uuid.UUID], work: Work) -> ProposalView:
    """A second administrator agrees, and it is done. A new password is shown here, once."""
    temporary = passwords.temporary_password()
    password_hash = await work.context.hashing.hash(temporary)
    async with work.transaction() as session:
        done = await proposals.confirm(
            session, proposal_id=proposal_id, own=await own_grants(session, work), actor=work.actor,
            password_hash=password_hash, now=work.now,
        )  # fmt: skip
    if done.kind is ProposalKind.RESET_PASSWORD:
        return msgspec.structs.replace(done, temporary_password=temporary)
    return done


@post(
    "/api/v1/proposals/{proposal_id:uuid}/withdraw", guards=[ADMINISTRATORS], status_code=HTTP_200_OK, tags=["users"],
    operation_id="withdrawProposal", summary="撤回或否决提议 / Withdraw or refuse a proposal",
)  # fmt: skip
async def withdraw_proposal(proposal_id: FromPath[uuid.UUID], work: Work) -> ProposalView:
    """Nothing comes of it."""
    async with work.transaction() as session:
        return await proposals.withdraw(
            session, proposal_id=proposal_id, own=await own_grants(session, work), actor=work.actor, now=work.now
        )


handlers = [list_proposals, confirm_proposal, withdraw_proposal]
