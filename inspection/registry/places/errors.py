"""What can be wrong with places."""

from storage.problems import Conflict, Forbidden, Invalid


class BadDivisionCode(Invalid):
    """Not a division code of 6, 9 or 12 digits."""

    code = "bad-division-code"
    title_zh = "行政区划代码应为6位（区县）、9位（街道）或12位（社区）数字"
    title_en = "A division code has 6 (district), 9 (street) or 12 (community) digits"


class BadGeofence(Invalid):
    """Not a polygon that encloses anything."""

    code = "bad-geofence"
    title_zh = "电子围栏不正确"
    title_en = "The geofence is not valid"


class BadUnit(Invalid):
    """A unit whose values make no sense."""

    code = "bad-unit"
    title_zh = "房源信息不正确"
    title_en = "The housing unit is not valid"


class OutsideGrant(Forbidden):
    """The administrator's grants do not cover the division."""

    code = "outside-your-area"
    title_zh = "该行政区划不在您的管辖范围内"
    title_en = "The division lies outside your area"


class UnitCodeTaken(Conflict):
    """Another unit of the estate has the code."""

    code = "unit-code-taken"
    title_zh = "房源编号已存在"
    title_en = "The unit code exists already"


class RoomTaken(Conflict):
    """Another unit of the entrance has the room number."""

    code = "room-taken"
    title_zh = "该单元已有此房号"
    title_en = "The entrance has this room already"
