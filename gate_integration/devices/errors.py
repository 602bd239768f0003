"""What can be wrong with devices and what belongs to them."""

from storage.problems import Conflict, Invalid


class SerialTaken(Conflict):
    """Another device of this vendor has the serial number."""

    code = "device-serial-taken"
    title_zh = "该厂商的设备序列号已登记"
    title_en = "A device of this vendor with this serial number exists already"


class DeviceRetired(Conflict):
    """The device is out of service."""

    code = "device-retired"
    title_zh = "设备已停用"
    title_en = "The device is out of service"


class PlaceMismatch(Invalid):
    """The level and the place named do not belong together."""

    code = "device-place-mismatch"
    title_zh = "设备级别与所填位置不一致"
    title_en = "The level and the place of the device do not belong together"


class BadProfile(Invalid):
    """A profile the parser cannot use."""

    code = "device-bad-profile"
    title_zh = "设备参数不正确"
    title_en = "The profile of the device is not valid"


class CredentialTaken(Conflict):
    """The number stands for somebody already."""

    code = "credential-taken"
    title_zh = "该凭证号码正在使用中"
    title_en = "The credential number is in use"


class CredentialWithoutHolder(Invalid):
    """A credential that belongs to nobody."""

    code = "credential-without-holder"
    title_zh = "凭证须对应家庭、房源或人员"
    title_en = "A credential belongs to a household, a unit or a person"


class NumberTaken(Conflict):
    """The number on the device means somebody else."""

    code = "device-number-taken"
    title_zh = "该设备人员编号已对应其他人员"
    title_en = "The number on the device means somebody else"
