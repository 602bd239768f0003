"""The estate of the demonstration: 4 buildings, 8 entrances, 200 flats, and who is registered where.

Everybody is called by a neutral role. ID numbers are made up: they carry a valid check digit and the division code
999999, which is not in use.
"""

import csv
import io
from dataclasses import dataclass
from datetime import date, timedelta

from inspection.registry.id_number import check_character

BUILDINGS = 4
ENTRANCES = 2
FLOORS = 5
FLATS_A_FLOOR = 5
ESTATE_NAME = "安居苑"
DIVISION = "999999001001"
LEASE_FROM = date(2025, 9, 1)
LEASE_TO = date(2028, 8, 31)
HEADINGS = (
    "楼栋", "单元", "房号", "房源编号", "楼层", "最多居住人数", "户号", "保障方式", "角色", "姓名", "身份证号",
    "合同编号", "合同起", "合同止", "入住日期",
)  # fmt: skip

FAMILY = "H1101"  # a family; the tenant's face is enrolled
SUBLET = "H1102"  # somebody else lives here, and the tenant is gone
CARE = "H1103"  # an old tenant, and a carer who is registered as such
REFUSER = "H1104"  # refused face recognition, has a card
HOSPITAL = "H1105"  # away for two months, and said so
TENANT, CO_RESIDENT = "承租人", "共同居住人"
STORY = (FAMILY, SUBLET, CARE, REFUSER, HOSPITAL)


@dataclass(frozen=True, slots=True)
class Resident:
    """A registered person as the import has them."""

    household: str
    building: int
    entrance: int
    floor: int
    room: str
    role: str
    name: str
    id_number: str

    @property
    def terminal(self) -> str:
        """The terminal at this person's entrance."""
        return f"{self.building}-{self.entrance}"

    @property
    def person_no(self) -> str:
        """The number terminals know this person by; its leading zeros count."""
        return f"00{self.building}{self.entrance}{self.room}{1 if self.role == TENANT else 2}"


def id_number(birth: date, sequence: int) -> str:
    """A made-up ID number in the unused division 999999."""
    body = f"999999{birth:%Y%m%d}{sequence:03d}"
    return body + check_character(body)


def residents() -> list[Resident]:
    """One tenant in each of the 200 flats, and a co-resident in the family's."""
    found: list[Resident] = []
    for number in range(BUILDINGS * ENTRANCES * FLOORS * FLATS_A_FLOOR):
        place, flat = divmod(number, FLATS_A_FLOOR)
        place, floor = divmod(place, FLOORS)
        building, entrance = divmod(place, ENTRANCES)
        room = f"{floor + 1}{flat + 1:02d}"
        household = f"H{building + 1}{entrance + 1}{floor + 1}{flat + 1:02d}"
        if household.startswith("H111"):  # the first floor of the first entrance is the story's
            household = f"H11{flat + 1:02d}"
        birth = date(1940, 5, 4) if household == CARE else date(1965, 1, 1) + timedelta(days=number * 61)
        found.append(
            Resident(household, building + 1, entrance + 1, floor + 1, room, TENANT, f"承租人{number + 1:03d}",
                     id_number(birth, number + 1))
        )  # fmt: skip
        if household == FAMILY:
            found.append(Resident(household, 1, 1, 1, room, CO_RESIDENT, "同住人001", id_number(date(1988, 8, 8), 901)))
    return found


def register_csv(people: list[Resident]) -> bytes:
    """The register as the housing authority would upload it."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(HEADINGS)
    for person in people:
        writer.writerow(
            (
                f"{person.building}幢", f"{person.entrance}单元", person.room,
                f"{person.building}-{person.entrance}-{person.room}", person.floor, 4, person.household, "实物配租",
                person.role, person.name, person.id_number, f"ZL-{person.household}", LEASE_FROM.isoformat(),
                LEASE_TO.isoformat(), LEASE_FROM.isoformat(),
            )
        )  # fmt: skip
    return ("\ufeff" + text.getvalue()).encode()
