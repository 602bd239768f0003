"""What can be wrong with lists of terminals and what people say about them."""

from storage.problems import Conflict, Forbidden, Invalid


class ListUnreadable(Invalid):
    """The file is no table with a column of numbers; `extra.headings` are those found, `extra.reason` says why."""

    code = "terminal-list-unreadable"
    title_zh = "人员名单无法读取，请检查文件，或先设置此设备的列对应"
    title_en = "The list cannot be read: look at the file, or say which columns this device has"


class ListEmpty(Invalid):
    """A list without anybody would call everybody missing: an export that failed looks just like that."""

    code = "terminal-list-empty"
    title_zh = "名单中没有任何人员，未作处理"
    title_en = "Nobody is on the list; nothing was done"


class DecidedByPerson(Forbidden):
    """A machine proposes, a person confirms."""

    code = "terminal-decision-by-person"
    title_zh = "设备人员的对应须由人确认"
    title_en = "A person confirms whom an entry means"


class EntryDecided(Conflict):
    """Somebody has decided about the entry; undo that first."""

    code = "terminal-entry-decided"
    title_zh = "该条目已处理，如需更改请先撤销"
    title_en = "The entry was decided already: undo that first"


class NothingToUndo(Conflict):
    """Nobody has decided about the entry, or it is gone from the terminal."""

    code = "terminal-entry-nothing-to-undo"
    title_zh = "该条目没有可撤销的处理"
    title_en = "There is nothing to undo"


class PersonLeft(Conflict):
    """Nobody who has left the estate is confirmed on its terminals; their entry is to go."""

    code = "terminal-person-left"
    title_zh = "此人已不在本小区居住或工作，不能对应；请按“已离开”处理"
    title_en = "The person has left the estate: decide the entry as left instead"


class MayBeRegistered(Conflict):
    """A registered person's access is not taken away over an uncertain match: reject the proposals first."""

    code = "terminal-entry-may-be-registered"
    title_zh = "该条目可能属于在册人员，请先逐一排除后再删除"
    title_en = "The entry may mean a registered person: reject the proposals before removing it"


class ExpectationDiffers(Conflict):
    """What the person saw is not what is there now; `extra.found` is the number now."""

    code = "terminal-list-changed"
    title_zh = "名单已有变化，请重新查看后再确认"
    title_en = "The list has changed: look at it again and confirm"
