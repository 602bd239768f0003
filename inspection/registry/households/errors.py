"""What can be wrong with people, households and leases."""

from storage.problems import Conflict, Invalid, Problem


class BadIdNumber(Invalid):
    """Not a resident ID number; `extra.reason` says why, and no message repeats the number."""

    code = "bad-id-number"
    title_zh = "身份证号码不正确"
    title_en = "The resident ID number is not valid"


class BadPhone(Invalid):
    """Not a telephone number."""

    code = "bad-phone"
    title_zh = "电话号码不正确"
    title_en = "The telephone number is not valid"


class BadPerson(Invalid):
    """A person described in a way that cannot be recorded."""

    code = "bad-person"
    title_zh = "人员信息不正确"
    title_en = "The person's details are not valid"


class PersonDiffers(Conflict):
    """The ID number is registered here under other details."""

    code = "person-differs"
    title_zh = "该身份证号码已登记，但姓名或出生日期不一致，请核对"
    title_en = "The ID number is registered with another name or birth date: please check"


class PersonErased(Problem):
    """The key was destroyed: nobody can read it any more."""

    code = "erased"
    status = 410
    title_zh = "该人员信息已依法删除"
    title_en = "The person's data was erased"


class NothingRecorded(Problem):
    """The person has no such number on record."""

    code = "nothing-recorded"
    status = 404
    title_zh = "未登记此项信息"
    title_en = "Nothing of that kind is recorded"


class ChildWithoutGuardian(Invalid):
    """Under 14 a guardian has to be registered (个人信息保护法 31)."""

    code = "child-without-guardian"
    title_zh = "未满14周岁的人员须登记监护人"
    title_en = "A guardian has to be registered for a child under 14"


class HouseholdNumberTaken(Conflict):
    """Another household of the estate has the number."""

    code = "household-number-taken"
    title_zh = "户号已存在"
    title_en = "The household number exists already"


class AlreadyMember(Conflict):
    """The person is a member of a household of this estate in that time."""

    code = "already-member"
    title_zh = "该人员在此期间已登记为本小区某户成员"
    title_en = "The person is a member of a household of this estate in that time"


class UnitAlreadyLet(Conflict):
    """Two leases never overlap on one unit."""

    code = "unit-already-let"
    title_zh = "该房源在此期间已有租赁合同"
    title_en = "The unit is let in that time already"


class StayOverlaps(Conflict):
    """The guest is told for that household and time already."""

    code = "stay-overlaps"
    title_zh = "该人员在此期间已报备在该户临时居住"
    title_en = "The guest is registered with the household for that time already"


class RecordEnded(Conflict):
    """What was cancelled or has ended is not changed any more."""

    code = "record-ended"
    title_zh = "该记录已结束或已取消"
    title_en = "The record has ended or was cancelled"


class ForeignHousehold(Invalid):
    """A household of another estate, or none."""

    code = "unknown-household"
    title_zh = "所列住户不在该小区"
    title_en = "A household named does not belong to the estate"
