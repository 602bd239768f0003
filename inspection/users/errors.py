"""What can go wrong with users and their sessions."""

from storage.problems import Conflict, Forbidden, Invalid, NotFound, Problem


class SignInFailed(Problem):
    """Wrong name or password, not saying which."""

    code = "sign-in-failed"
    status = 401
    title_zh = "用户名或密码错误"
    title_en = "Wrong user name or password"


class SignInLocked(Problem):
    """Too many wrong passwords from here, for this account or for any; `retry_after` seconds to wait."""

    code = "sign-in-locked"
    status = 429
    title_zh = "密码错误次数过多，请稍后再试"
    title_en = "Too many wrong passwords, wait and try again"


class SignInBusy(Problem):
    """More people sign in at this moment than passwords can be checked."""

    code = "sign-in-busy"
    status = 503
    title_zh = "当前登录人数过多，请稍后再试"
    title_en = "Too many people are signing in at this moment, try again"


class SecondFactorMissing(Problem):
    """The password was right; the account has a second factor and no code came with it."""

    code = "second-factor-missing"
    status = 401
    title_zh = "请输入动态验证码或恢复码"
    title_en = "Enter a code of your generator, or a recovery code"


class WrongPassword(Forbidden):
    """The present password, asked for again before a change, is another one."""

    code = "wrong-password"
    title_zh = "当前密码不正确"
    title_en = "The present password is not right"


class WrongCode(Forbidden):
    """The code is wrong, too old, or was used before."""

    code = "wrong-code"
    title_zh = "验证码不正确或已使用"
    title_en = "The code is wrong or was used before"


class FactorMissing(NotFound):
    """There is no second factor that could be confirmed, replaced or reset."""

    code = "second-factor-not-set-up"
    title_zh = "尚未设置双因素验证"
    title_en = "No second factor is set up"


class PasswordChangeNeeded(Forbidden):
    """Somebody else chose the password: nothing else is possible until its owner has replaced it."""

    code = "password-change-needed"
    title_zh = "请先修改初始密码"
    title_en = "Replace the initial password first"


class SecondFactorNeeded(Forbidden):
    """One of the caller's roles asks for a second factor: nothing else is possible until one is set up."""

    code = "second-factor-needed"
    title_zh = "您的角色须启用双因素验证，请先完成设置"
    title_en = "Your role asks for a second factor; set it up first"


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
    """The password is too short, or made of words, rows and years that anybody tries first."""

    code = "weak-password"
    title_zh = "密码过弱：12 至 128 个字符，且不能只由常用词、键盘序列、年份或用户名组成"
    title_en = "The password is too weak: 12 to 128 characters, not only common words, key rows, years or the user name"


class BadGrant(Invalid):
    """The grant names no place, or one outside the granting administrator's own."""

    code = "bad-grant"
    title_zh = "授权范围有误或超出您的管辖范围"
    title_en = "The grant is not valid or lies outside your own scope"


class SamePassword(Invalid):
    """The new password is the present one."""

    code = "same-password"
    title_zh = "新密码不能与当前密码相同"
    title_en = "The new password is the present one"


class OwnProposal(Forbidden):
    """A proposal is confirmed by another administrator than the one who made it."""

    code = "own-proposal"
    title_zh = "须由另一名管理员确认，不能确认自己的提议"
    title_en = "Another administrator has to confirm it, not the one who proposed it"


class ProposalClosed(Conflict):
    """The proposal was applied or withdrawn, or waited too long, or who made it may no longer make it."""

    code = "proposal-closed"
    title_zh = "该提议已处理、已过期或提议人已无权限"
    title_en = "The proposal is done, has expired, or its author may no longer make it"


class LastAdministrator(Conflict):
    """Nobody could administer users afterwards."""

    code = "last-administrator"
    title_zh = "不能移除最后一名管理员"
    title_en = "The last administrator cannot be removed"
