"""Households and their people; guests, workers, care, absences; numbers in clear."""

import uuid

from litestar import get, post
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_200_OK

from api.access import Work, requires
from api.answers import also
from api.paging import AfterId, AfterText, Cursor, Limit, Page, decode_cursor, paged
from api.parameters import Text
from api.views import Shown, shows
from inspection.registry.households import care, guests, people, queries, service, workers
from inspection.registry.households.detail import household_detail
from inspection.registry.households.schemas import (
    AbsenceInput,
    AbsenceView,
    CareTagInput,
    CareTagView,
    GuestInput,
    GuestView,
    HouseholdDetail,
    HouseholdInput,
    HouseholdView,
    LastDay,
    LeaseInput,
    LeaseView,
    MemberInput,
    MemberView,
    UnmaskedView,
    UnmaskInput,
    WorkerInput,
    WorkerView,
)
from inspection.registry.places.service import get_estate
from inspection.users.models import UserRole

READERS = requires(UserRole.INSPECTOR, UserRole.MANAGER, UserRole.AUDITOR, UserRole.ADMINISTRATOR)
OFFICE = requires(UserRole.MANAGER, UserRole.ADMINISTRATOR)
DOOR = requires(UserRole.INSPECTOR, UserRole.MANAGER)
MANAGERS = requires(UserRole.MANAGER)


@get(
    "/api/v1/estates/{estate_id:uuid}/households", guards=[READERS], tags=["registry"], operation_id="listHouseholds",
    summary="住户列表 / List households",
)  # fmt: skip
async def list_households(
    estate_id: FromPath[uuid.UUID], work: Work, text: Text = None, cursor: Cursor = None, limit: Limit = 50
) -> Page[HouseholdView]:
    """Households of an estate by number; `text` looks at the number and at members' names."""
    after = decode_cursor(cursor, AfterText)
    async with work.transaction() as session:
        await get_estate(session, estate_id=estate_id)
        found = await queries.households(
            session, estate_id=estate_id, text_filter=text, after=after.text if after else None, limit=limit + 1
        )
    return paged([HouseholdView.of(row) for row in found], limit=limit, key=lambda row: (row.number,))


@post(
    "/api/v1/estates/{estate_id:uuid}/households", guards=[OFFICE], tags=["registry"], operation_id="createHousehold",
    summary="登记住户 / Register a household",
)  # fmt: skip
async def create_household(estate_id: FromPath[uuid.UUID], data: JSONBody[HouseholdInput], work: Work) -> HouseholdView:
    """Registers a household, without members yet."""
    async with work.transaction() as session:
        row = await service.create_household(
            session, estate_id=estate_id, number=data.number, kind=data.kind, actor=work.actor, now=work.now
        )
    return HouseholdView.of(row)


@get(
    "/api/v1/households/{household_id:uuid}", guards=[READERS], tags=["registry"], operation_id="getHousehold",
    summary="住户详情 / A household",
)  # fmt: skip
async def get_household(household_id: FromPath[uuid.UUID], work: Work) -> HouseholdDetail:
    """A household with members, leases, guests, workers, care tags and absences; ID numbers masked."""
    async with work.transaction() as session:
        return await household_detail(session, household_id=household_id)


@post(
    "/api/v1/households/{household_id:uuid}/members", guards=[OFFICE], tags=["registry"], operation_id="addMember",
    summary="登记家庭成员 / Add a member", opt=also(410),
)  # fmt: skip
async def add_member(household_id: FromPath[uuid.UUID], data: JSONBody[MemberInput], work: Work) -> MemberView:
    """Registers somebody as living with the household."""
    async with work.transaction() as session:
        row = await service.add_member(
            session, vault=work.context.vault, household_id=household_id, person=data.person.person(), role=data.role,
            valid_from=data.valid_from, valid_to=data.valid_to, actor=work.actor, now=work.now,
        )  # fmt: skip
    return MemberView.of(row)


@post(
    "/api/v1/members/{member_id:uuid}/end", guards=[OFFICE], status_code=HTTP_200_OK, tags=["registry"],
    operation_id="endMember", summary="成员离开 / End a membership",
)  # fmt: skip
async def end_member(member_id: FromPath[uuid.UUID], data: JSONBody[LastDay], work: Work) -> MemberView:
    """Sets the last day on which somebody lives with the household."""
    async with work.transaction() as session:
        row = await service.end_member(
            session, member_id=member_id, valid_to=data.valid_to, actor=work.actor, now=work.now
        )
    return MemberView.of(row)


@post(
    "/api/v1/households/{household_id:uuid}/leases", guards=[OFFICE], tags=["registry"], operation_id="addLease",
    summary="登记租赁合同 / Add a lease",
)  # fmt: skip
async def add_lease(household_id: FromPath[uuid.UUID], data: JSONBody[LeaseInput], work: Work) -> LeaseView:
    """Lets a unit to the household; two leases never overlap on one unit."""
    async with work.transaction() as session:
        row = await service.add_lease(
            session, household_id=household_id, unit_id=data.unit_id, number=data.number, valid_from=data.valid_from,
            valid_to=data.valid_to, actor=work.actor, now=work.now,
        )  # fmt: skip
    return LeaseView.of(row)


@post(
    "/api/v1/leases/{lease_id:uuid}/end", guards=[OFFICE], status_code=HTTP_200_OK, tags=["registry"],
    operation_id="endLease", summary="合同终止 / End a lease",
)  # fmt: skip
async def end_lease(lease_id: FromPath[uuid.UUID], data: JSONBody[LastDay], work: Work) -> LeaseView:
    """Sets a lease's last day. It revokes nobody's access."""
    async with work.transaction() as session:
        row = await service.end_lease(
            session, lease_id=lease_id, valid_to=data.valid_to, actor=work.actor, now=work.now
        )
    return LeaseView.of(row)


@post(
    "/api/v1/households/{household_id:uuid}/guests", guards=[DOOR], tags=["registry"], operation_id="registerGuest",
    summary="临时居住报备 / Register a guest", opt=also(410),
)  # fmt: skip
async def register_guest(household_id: FromPath[uuid.UUID], data: JSONBody[GuestInput], work: Work) -> GuestView:
    """Records a guest stay in one call; the person is made when new."""
    async with work.transaction() as session:
        row = await guests.register_guest(
            session, vault=work.context.vault, household_id=household_id, person=data.person.person(),
            valid_from=data.valid_from, valid_to=data.valid_to, relation=data.relation, actor=work.actor, now=work.now,
        )  # fmt: skip
    return GuestView.of(row)


@post(
    "/api/v1/guests/{stay_id:uuid}/extend", guards=[DOOR], status_code=HTTP_200_OK, tags=["registry"],
    operation_id="extendGuestStay", summary="延长报备 / Extend a guest stay",
)  # fmt: skip
async def extend_stay(stay_id: FromPath[uuid.UUID], data: JSONBody[LastDay], work: Work) -> GuestView:
    """Moves a stay's last day to a later one."""
    async with work.transaction() as session:
        row = await guests.extend_stay(session, stay_id=stay_id, valid_to=data.valid_to, actor=work.actor, now=work.now)
    return GuestView.of(row)


@post(
    "/api/v1/guests/{stay_id:uuid}/cancel", guards=[DOOR], status_code=HTTP_200_OK, tags=["registry"],
    operation_id="cancelGuestStay", summary="取消报备 / Cancel a guest stay",
)  # fmt: skip
async def cancel_stay(stay_id: FromPath[uuid.UUID], work: Work) -> GuestView:
    """Cancels a stay."""
    async with work.transaction() as session:
        return GuestView.of(await guests.cancel_stay(session, stay_id=stay_id, actor=work.actor, now=work.now))


@get(
    "/api/v1/estates/{estate_id:uuid}/workers", guards=[READERS], tags=["registry"], operation_id="listWorkers",
    summary="服务人员列表 / List service workers",
)  # fmt: skip
async def list_workers(
    estate_id: FromPath[uuid.UUID], work: Work, cursor: Cursor = None, limit: Limit = 50
) -> Page[WorkerView]:
    """Service workers of an estate, ended ones too."""
    after = decode_cursor(cursor, AfterId)
    async with work.transaction() as session:
        await get_estate(session, estate_id=estate_id)
        found = await queries.workers_of_estate(
            session, estate_id=estate_id, after=after.id if after else None, limit=limit + 1
        )
    rows = [WorkerView.of(row, named or [], person) for row, person, named in found]
    return paged(rows, limit=limit, key=lambda row: (row.id,))


@post(
    "/api/v1/estates/{estate_id:uuid}/workers", guards=[MANAGERS], tags=["registry"], operation_id="registerWorker",
    summary="登记服务人员 / Register a service worker", opt=also(410),
)  # fmt: skip
async def register_worker(estate_id: FromPath[uuid.UUID], data: JSONBody[WorkerInput], work: Work) -> WorkerView:
    """Records a carer, courier or cleaner in one call, for households or for the whole estate."""
    async with work.transaction() as session:
        row = await workers.register_worker(
            session, vault=work.context.vault, estate_id=estate_id, person=data.person.person(), kind=data.kind,
            employer=data.employer, household_ids=data.household_ids, valid_from=data.valid_from,
            valid_to=data.valid_to, actor=work.actor, now=work.now,
        )  # fmt: skip
    return WorkerView.of(row, sorted(set(data.household_ids)))


@post(
    "/api/v1/workers/{worker_id:uuid}/end", guards=[MANAGERS], status_code=HTTP_200_OK, tags=["registry"],
    operation_id="endWorker", summary="服务人员离开 / End a service worker",
)  # fmt: skip
async def end_worker(worker_id: FromPath[uuid.UUID], data: JSONBody[LastDay], work: Work) -> WorkerView:
    """Sets a worker's last day."""
    async with work.transaction() as session:
        row = await workers.end_worker(
            session, worker_id=worker_id, valid_to=data.valid_to, actor=work.actor, now=work.now
        )
        named = await queries.household_ids_of_worker(session, worker_id=worker_id)
    return WorkerView.of(row, list(named))


@post(
    "/api/v1/households/{household_id:uuid}/care-tags", guards=[MANAGERS], tags=["registry"],
    operation_id="addCareTag", summary="标记重点关注 / Add a care tag",
)  # fmt: skip
async def add_care_tag(household_id: FromPath[uuid.UUID], data: JSONBody[CareTagInput], work: Work) -> CareTagView:
    """Puts a household under care: compliance rules wait."""
    async with work.transaction() as session:
        row = await care.add_care_tag(
            session, household_id=household_id, level=data.level, kind=data.kind, valid_from=data.valid_from,
            valid_to=data.valid_to, actor=work.actor, now=work.now,
        )  # fmt: skip
    return CareTagView.of(row)


@post(
    "/api/v1/care-tags/{tag_id:uuid}/end", guards=[MANAGERS], status_code=HTTP_200_OK, tags=["registry"],
    operation_id="endCareTag", summary="结束关注 / End a care tag",
)  # fmt: skip
async def end_care_tag(tag_id: FromPath[uuid.UUID], data: JSONBody[LastDay], work: Work) -> CareTagView:
    """Sets the last day of care."""
    async with work.transaction() as session:
        row = await care.end_care_tag(session, tag_id=tag_id, valid_to=data.valid_to, actor=work.actor, now=work.now)
    return CareTagView.of(row)


@post(
    "/api/v1/people/{person_id:uuid}/absences", guards=[DOOR], tags=["registry"], operation_id="tellAbsence",
    summary="外出报备 / Tell an absence",
)  # fmt: skip
async def tell_absence(person_id: FromPath[uuid.UUID], data: JSONBody[AbsenceInput], work: Work) -> AbsenceView:
    """Records an absence as the household told it."""
    async with work.transaction() as session:
        row = await care.tell_absence(
            session, person_id=person_id, valid_from=data.valid_from, valid_to=data.valid_to, reason=data.reason,
            actor=work.actor, now=work.now,
        )  # fmt: skip
    return AbsenceView.of(row)


@post(
    "/api/v1/absences/{absence_id:uuid}/cancel", guards=[DOOR], status_code=HTTP_200_OK, tags=["registry"],
    operation_id="cancelAbsence", summary="取消外出报备 / Cancel an absence",
)  # fmt: skip
async def cancel_absence(absence_id: FromPath[uuid.UUID], work: Work) -> AbsenceView:
    """Takes an absence back."""
    async with work.transaction() as session:
        return AbsenceView.of(await care.cancel_absence(session, absence_id=absence_id, actor=work.actor, now=work.now))


@post(
    "/api/v1/people/{person_id:uuid}/unmask", guards=[DOOR], status_code=HTTP_200_OK, tags=["registry"],
    operation_id="unmask", summary="查看完整号码（留痕） / See a number in clear (audited)",
    opt=shows(Shown.NUMBER) | also(410),
)  # fmt: skip
async def unmask(person_id: FromPath[uuid.UUID], data: JSONBody[UnmaskInput], work: Work) -> UnmaskedView:
    """An ID number or telephone in clear, for a purpose with a basis and a reason that go to the audit log."""
    async with work.transaction() as session:
        value = await people.unmask(
            session, vault=work.context.vault, person_id=person_id, secret=data.secret, purpose=data.purpose,
            reason=data.reason, actor=work.actor, now=work.now,
        )  # fmt: skip
    return UnmaskedView(person_id=person_id, secret=data.secret, value=value)


handlers = [
    list_households, create_household, get_household, add_member, end_member, add_lease, end_lease, register_guest,
    extend_stay, cancel_stay, list_workers, register_worker, end_worker, add_care_tag, end_care_tag, tell_absence,
    cancel_absence, unmask,
]  # fmt: skip
