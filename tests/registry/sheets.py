"""Made-up sheets of a register."""

import csv
import io
from collections.abc import Iterable, Mapping
from datetime import date

from tests.ids import make_test_number

HEADINGS = (
    "楼栋", "单元", "房号", "房源编号", "楼层", "最多居住人数", "户号", "保障方式", "角色", "姓名", "身份证号",
    "手机号", "监护人身份证号", "合同编号", "合同起", "合同止", "入住日期", "离开日期",
)  # fmt: skip
ADULT = date(1985, 5, 17)
CHILD = date(2019, 9, 3)


def adult(sequence: int) -> str:
    """The ID number of somebody born in 1985."""
    return make_test_number(birth=ADULT, sequence=sequence)


def child(sequence: int) -> str:
    """The ID number of somebody born in 2019."""
    return make_test_number(birth=CHILD, sequence=sequence)


def row(index: int = 1, **changed: str) -> dict[str, str]:
    """A sound row: the tenant of flat `index`; `changed` replaces cells."""
    sound = {
        "楼栋": "1幢", "单元": "1单元", "房号": f"{100 + index}", "房源编号": f"F{index:05}", "楼层": "1",
        "最多居住人数": "3", "户号": f"BZ{index:05}", "保障方式": "实物配租", "角色": "承租人", "姓名": "测试甲",
        "身份证号": make_test_number(birth=date(1960 + index // 900, 2, 3), sequence=index % 900),
        "手机号": f"139{index:08}", "合同编号": f"HT{index:05}", "合同起": "2025-01-01", "合同止": "2029-12-31",
        "入住日期": "2025-01-05",
    }  # fmt: skip
    return sound | changed


def sheet(
    rows: Iterable[Mapping[str, str]], *, headings: Iterable[str] = HEADINGS, encoding: str = "utf-8-sig"
) -> bytes:
    """Rows as a CSV file."""
    text = io.StringIO(newline="")
    names = list(headings)
    writer = csv.writer(text)
    writer.writerow(names)
    writer.writerows([line.get(name, "") for name in names] for line in rows)
    return text.getvalue().encode(encoding)
