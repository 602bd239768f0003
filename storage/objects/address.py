"""The form of `OBJECT_STORE_URL`, as a function of text.

- `file:///absolute/folder`
- `s3://bucket/prefix?endpoint=https://host:9000&region=cn-north-1&timeout=20`
- `s3+http://bucket/prefix?endpoint=http://host:9000`: unencrypted, and only when it is asked for in so many letters

`prefix`, `region` (us-east-1) and `timeout` (20 seconds for one operation with all its repetitions) may be left out.
Credentials never stand in the URL: it is shown by tools and written to shell histories.
"""

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")  # S3 user guide, general purpose bucket naming rules
PREFIX = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
REGION = re.compile(r"[A-Za-z0-9-]{1,40}")
KNOWN = {"endpoint", "region", "timeout"}
TIMEOUT_S = (2, 60)


@dataclass(frozen=True, slots=True)
class FolderAddress:
    """A folder of this machine, by its absolute path."""

    path: str


@dataclass(frozen=True, slots=True)
class BucketAddress:
    """A bucket. `prefix` is "" or ends with a slash; `endpoint` is host or host:port; `deadline_s` bounds one
    operation with its repetitions, in seconds."""

    bucket: str
    prefix: str
    endpoint: str
    secure: bool
    region: str
    deadline_s: float


Address = FolderAddress | BucketAddress


class BadAddress(Exception):
    """The URL names no store; `problems` holds one sentence for each fault, none of which repeats the URL."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def parse(url: str) -> Address:
    """The address that a URL stands for; raises `BadAddress` with every fault found."""
    scheme = url.partition("://")[0]
    if scheme == "file":
        return _folder(url)
    if scheme in {"s3", "s3+http"}:
        return _bucket(url, secure=scheme == "s3")
    raise BadAddress(
        ["地址类型不支持: begin with file:///absolute/folder, s3://bucket?endpoint=https://host or s3+http://"]
    )


def _folder(url: str) -> FolderAddress:
    parts = urlsplit(url)
    path = unquote(parts.path)
    if parts.netloc or not path.startswith("/") or "\0" in path or parts.query:
        raise BadAddress(["文件夹地址无效: a folder is file:///absolute/folder, with three slashes"])
    return FolderAddress(path)


def _bucket(url: str, *, secure: bool) -> BucketAddress:
    parts = urlsplit(url)
    faults: list[str] = []
    if "@" in parts.netloc:
        faults.append("地址中不得包含密钥: no credentials in the URL; set OBJECT_STORE_ACCESS_KEY and _SECRET_KEY_FILE")
    elif not BUCKET.fullmatch(parts.netloc):
        faults.append("存储桶名称无效: a bucket has 3 to 63 small letters, digits, hyphens or dots, as in s3://photos")
    segments = [segment for segment in parts.path.split("/") if segment]
    if not all(PREFIX.fullmatch(segment) for segment in segments):
        faults.append("前缀无效: a prefix consists of letters, digits, '-', '_' and single dots, between slashes")
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    options = dict(pairs)
    if len(options) != len(pairs) or not options.keys() <= KNOWN or parts.fragment:
        faults.append("地址参数无效: only endpoint, region and timeout are known behind '?', each once")
    endpoint = _endpoint(options.get("endpoint", ""), secure=secure, faults=faults)
    region = options.get("region", "us-east-1")
    if not REGION.fullmatch(region):
        faults.append("区域无效: a region has letters, digits and hyphens")
    timeout = options.get("timeout", "20")
    least, most = TIMEOUT_S
    if not (timeout.isascii() and timeout.isdecimal() and least <= int(timeout) <= most):
        faults.append(f"超时无效: timeout is a whole number of seconds from {least} to {most}")
    if faults:
        raise BadAddress(faults)
    return BucketAddress(
        bucket=parts.netloc,
        prefix="".join(f"{segment}/" for segment in segments),
        endpoint=endpoint,
        secure=secure,
        region=region,
        deadline_s=float(timeout),
    )


def _endpoint(text: str, *, secure: bool, faults: list[str]) -> str:
    """Host or host:port of the endpoint; what is wrong with it goes to `faults`."""
    wanted = "https" if secure else "http"
    if not text:
        faults.append(f"缺少服务器地址: add ?endpoint={wanted}://host:port")
        return ""
    if text.startswith("http://") and secure:
        faults.append("未加密的连接须明示: this endpoint is not encrypted; write s3+http:// if that is meant")
        return ""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    plain = not (parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc)
    if parts.scheme != wanted or not parts.hostname or port == 0 or not plain:
        faults.append(f"服务器地址无效: the endpoint is {wanted}://host or {wanted}://host:port and nothing else")
        return ""
    return parts.netloc
