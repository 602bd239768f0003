"""The columns of the file and the names by which authorities head them."""

import unicodedata
from enum import StrEnum
from typing import Final


class Column(StrEnum):
    """A column; the value is its name in our own template."""

    BUILDING = "楼栋"
    ENTRANCE = "单元"
    ROOM = "房号"
    UNIT_CODE = "房源编号"
    FLOOR = "楼层"
    MAX_PEOPLE = "最多居住人数"
    HOUSEHOLD = "户号"
    KIND = "保障方式"
    ROLE = "角色"
    NAME = "姓名"
    ID_NUMBER = "身份证号"
    PHONE = "手机号"
    GUARDIAN = "监护人身份证号"
    LEASE = "合同编号"
    LEASE_FROM = "合同起"
    LEASE_TO = "合同止"
    MOVED_IN = "入住日期"
    MOVED_OUT = "离开日期"


REQUIRED: Final = (Column.HOUSEHOLD, Column.ROLE, Column.NAME, Column.ID_NUMBER)
ADDRESS: Final = (Column.BUILDING, Column.ENTRANCE, Column.ROOM)
SECRET: Final = frozenset({Column.ID_NUMBER, Column.GUARDIAN})

ALIASES: Final[dict[Column, tuple[str, ...]]] = {
    Column.BUILDING: ("幢", "栋", "楼号", "楼幢", "幢号", "栋号", "楼栋号"),
    Column.ENTRANCE: ("单元号", "楼道", "梯位"),
    Column.ROOM: ("室", "室号", "房间号", "门牌号", "房屋号"),
    Column.UNIT_CODE: ("房屋编号", "房源编码", "房屋编码", "房源号"),
    Column.FLOOR: ("所在楼层", "层", "层数"),
    Column.MAX_PEOPLE: ("最多人数", "可住人数", "核定人数", "限住人数"),
    Column.HOUSEHOLD: ("家庭编号", "保障家庭编号", "户编号", "家庭档案号"),
    Column.KIND: ("保障类型", "配租方式"),
    Column.ROLE: ("人员类型", "成员类型", "身份", "成员角色"),
    Column.NAME: ("人员姓名", "成员姓名"),
    Column.ID_NUMBER: ("身份证号码", "身份证", "公民身份号码", "证件号码", "证件号"),
    Column.PHONE: ("手机", "手机号码", "联系电话", "电话"),
    Column.GUARDIAN: ("监护人身份证号码", "监护人身份证", "监护人证件号码"),
    Column.LEASE: ("合同号", "租赁合同编号", "租赁合同号"),
    Column.LEASE_FROM: ("合同起始日期", "合同开始日期", "合同起始日", "租赁起始日期", "起租日期"),
    Column.LEASE_TO: ("合同终止日期", "合同结束日期", "合同到期日", "合同终止日", "租赁终止日期"),
    Column.MOVED_IN: ("入住时间", "入住日"),
    Column.MOVED_OUT: ("离开时间", "搬离日期", "迁出日期", "退出日期"),
}
BY_NAME: Final = {name: column for column in Column for name in (column.value, *ALIASES[column])}


def column_of(heading: str) -> Column | None:
    """The column a heading names: blanks, width, and remarks in brackets or a star do not matter."""
    name = "".join(unicodedata.normalize("NFKC", heading).split()).strip("*")
    return BY_NAME.get(name) or BY_NAME.get(name.split("(", 1)[0])
