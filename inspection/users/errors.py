"""What can go wrong with users and their sessions."""

from storage.problems import Conflict, Invalid, Problem


class SignInFailed(Problem):
    """Wrong name or password, not saying which."""

    code = "sign-in-failed"
    status = 401
    title_zh = "用户名或密码错误"
    title_en = "Wrong user name or password"


class SignInLocked(Problem):
    """Too many wrong passwords; `retry_after` seconds to wait."""

    code = "sign-in-locked"
    status = 429
    title_zh = "密码错误次数过多，请稍后再试"
    title_en = "Too many wrong passwords, wait and try again"


class RefreshRefused(Problem):
    """A refresh token that is unknown, spent or expired; a spent one ends all sessions of its log-in."""

    code = "refresh-refused"
    status = 401
    title_zh = "登录已失效，请重新登录"
    title_en = "The session has ended, sign in again"


class LoginTaken(Conflict):
    """The log-in name is in use."""

    code = "login-taken"
    title_zh = "用户名已存在"
    title_en = "The user name is taken"


class WeakPassword(Invalid):
    """The password is too short or is the user name."""

    code = "weak-password"
    title_zh = "密码过弱：至少 12 个字符，且不得与用户名相同"
    title_en = "The password is too weak: at least 12 characters, and not the user name"


class BadGrant(Invalid):
    """The grant names no place, or one outside the granting administrator's own."""

    code = "bad-grant"
    title_zh = "授权范围有误或超出您的管辖范围"
    title_en = "The grant is not valid or lies outside your own scope"
