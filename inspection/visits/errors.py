"""What may be wrong with a request about visits."""

from storage.problems import Conflict, Forbidden, Invalid, NotFound


class VisitNotFound(NotFound):
    """No such visit in scope, or it is somebody else's."""

    code = "visit-not-found"
    title_zh = "未找到该走访任务，或不在您的管辖范围内"
    title_en = "No such visit, or outside your scope"


class PhotoNotFound(NotFound):
    """No such photo of this visit, or its bytes were destroyed when their time was over."""

    code = "photo-not-found"
    title_zh = "未找到该照片，或照片已到期销毁"
    title_en = "No such photo, or it was destroyed when its time was over"


class NotYourVisit(Forbidden):
    """Only the inspector assigned and the second officer write to a visit."""

    code = "not-your-visit"
    title_zh = "只有该任务的走访人员可以填报"
    title_en = "Only the officers assigned to this visit may write to it"


class UnfitOfficer(Invalid):
    """Whoever is to make the visit cannot."""

    code = "officer-unfit"
    title_zh = "所指派人员不能执行该走访"
    title_en = "The person assigned cannot make this visit"


class VisitOver(Conflict):
    """The visit is done or cancelled, with another result."""

    code = "visit-over"
    title_zh = "该走访已结束"
    title_en = "The visit is over"


class IdReused(Conflict):
    """The phone used one id for two different things."""

    code = "id-reused"
    title_zh = "该编号已用于内容不同的另一条记录，请换用新编号重新上传；手机中的原件请勿删除"
    title_en = "This id belongs to other content; send it again under a new id and keep the original"


class DigestRequired(Invalid):
    """No readable `Content-Digest`."""

    code = "digest-required"
    status = 400
    title_zh = "缺少有效的 Content-Digest（sha-256）请求头；手机中的原件请勿删除"
    title_en = "A Content-Digest header with sha-256 is needed; keep the original on the phone"


class DigestMismatch(Invalid):
    """Other bytes arrived than were sent."""

    code = "digest-mismatch"
    title_zh = "收到的内容与摘要不符，未予保存；请勿删除手机中的原件，稍后重新上传"
    title_en = "The bytes are not those of the digest and were not stored; keep the original and send it again"


class NotAPicture(Invalid):
    """The bytes are no picture of a kind that is taken."""

    code = "not-a-picture"
    title_zh = "上传的内容不是 JPEG、PNG、WebP 或 HEIC 图片"
    title_en = "The content is no JPEG, PNG, WebP or HEIC picture"


class PictureTooLarge(Invalid):
    """More bytes than a photo may have."""

    code = "picture-too-large"
    status = 413
    title_zh = "照片过大；请在手机中压缩副本后上传，原件请保留"
    title_en = "The photo is too large; send a smaller copy and keep the original"


class NotReadable(Invalid):
    """The body cannot be read as what it should be."""

    code = "not-readable"
    title_zh = "提交的内容无法识别；手机中的原件请勿删除"
    title_en = "The body cannot be read; keep the original on the phone"
