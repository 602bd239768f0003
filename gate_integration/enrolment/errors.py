"""What can go wrong when a face is enrolled."""

from storage.problems import Conflict, Invalid


class ConsentMissing(Conflict):
    """The person has not consented to a template, or has withdrawn the consent."""

    code = "consent-missing"
    title_zh = "未取得本人（或监护人）对人脸模板的单独同意"
    title_en = "No standing consent of the person (or guardian) to a face template"


class TooManyTemplates(Conflict):
    """The person has as many templates as one may have."""

    code = "too-many-templates"
    title_zh = "该人员的人脸模板数量已达上限，请先删除旧模板"
    title_en = "The person has the most templates allowed; destroy one first"


class PhotoRefused(Invalid):
    """The photo is not good enough for a template; `extra["reasons"]` says why and what to do."""

    code = "photo-refused"
    title_zh = "照片未达到建档要求"
    title_en = "The photo is not good enough for enrolment"
