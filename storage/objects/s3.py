"""Objects in a bucket of an S3 server (MinIO and others), through minio-py.

What is promised, and by whom:

- **Durable when `put` returns**: the server said 200; how durable that is, is the server's word.
- **Nothing half written**: one PUT with the length and a digest of the content (SHA-256 signed over http,
  Content-MD5 over https); no multipart upload exists that could be left unfinished. A body cut off makes no object.
- **Never overwrites**: where the server honours `If-None-Match: *` on PUT (tried once, with an object of our own), it
  is the server that refuses the second of two writers. Where it does not, the key is asked for before it is written,
  under a lock within this process; between processes it rests on keys being UUIDv7 made by their only writer.
- **A repeated PUT is no second object**: when the answer of a first try was lost, finding the same bytes is success.

Every operation ends within `deadline_s`, its repetitions included; a server that trickles an answer and then falls
silent can make that twice as long. Errors carry a code, never credentials, addresses or content.
"""

import contextlib
import random
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar
from xml.etree.ElementTree import ParseError

import urllib3
from minio import Minio
from minio.error import MinioException, S3Error

from storage.ids import new_id
from storage.objects.address import BucketAddress
from storage.objects.store import (
    PROBES,
    ObjectExists,
    ObjectMissing,
    StoreFailed,
    StoreReason,
    split_key,
    try_out,
)
from storage.objects.timed_http import limit, make_pool, read_whole

T = TypeVar("T")

LARGEST = 64 * 1024 * 1024  # above this a server may ask for a multipart upload, and that can be left half done
ATTEMPTS = 4
FIRST_PAUSE_S = 0.1

_PASSING = {StoreReason.DOWN, StoreReason.SLOW}
_CODES = {
    "AccessDenied": StoreReason.DENIED,
    "AccountProblem": StoreReason.DENIED,
    "AllAccessDisabled": StoreReason.DENIED,
    "InvalidAccessKeyId": StoreReason.DENIED,
    "SignatureDoesNotMatch": StoreReason.DENIED,
    "RequestTimeTooSkewed": StoreReason.DENIED,
    "NoSuchBucket": StoreReason.NO_BUCKET,
    "QuotaExceeded": StoreReason.FULL,
    "XMinioStorageFull": StoreReason.FULL,
    "XMinioAdminBucketQuotaExceeded": StoreReason.FULL,
    "InsufficientStorage": StoreReason.FULL,
    "SlowDown": StoreReason.SLOW,
    "SlowDownRead": StoreReason.SLOW,
    "SlowDownWrite": StoreReason.SLOW,
    "RequestTimeout": StoreReason.SLOW,
    "OperationTimedOut": StoreReason.SLOW,
    "ConditionalRequestConflict": StoreReason.SLOW,  # another writer of this key is at it: ask again
    "InternalError": StoreReason.DOWN,
    "ServiceUnavailable": StoreReason.DOWN,
    "XMinioServerNotInitialized": StoreReason.DOWN,
}
_HTTP = {401: StoreReason.DENIED, 403: StoreReason.DENIED, 408: StoreReason.SLOW, 429: StoreReason.SLOW,
         504: StoreReason.SLOW, 507: StoreReason.FULL}  # fmt: skip


class _Client(Minio):  # type: ignore[misc]  # minio is left out of type checking
    def put_whole(self, bucket: str, name: str, data: bytes, headers: dict[str, str]) -> None:
        """One PUT; `put_object` has no way to ask for `If-None-Match`."""
        self._execute("PUT", bucket, name, body=data, headers=headers, no_body_trace=True)


class S3Store:
    """See the module. Opening it talks to nobody: a server that is down now is asked again by each operation."""

    def __init__(
        self, address: BucketAddress, *, access_key: str, secret_key: str, ca_file: Path | None = None
    ) -> None:
        self.address = address
        self.client = _Client(
            address.endpoint, access_key=access_key, secret_key=secret_key, secure=address.secure,
            region=address.region, http_client=make_pool(deadline_s=address.deadline_s, ca_file=ca_file),
        )  # fmt: skip
        self.honours: bool | None = None  # `If-None-Match: *`; None until it was tried
        self.writing = [threading.Lock() for _ in range(64)]  # one for every so many names

    def put(self, key: str, data: bytes) -> None:
        """One PUT; see the module for what two writers of one key get."""
        name = self._name(key)
        if len(data) > LARGEST:
            raise ValueError("an object of the store has 64 MiB at most")
        with limit.within(self.address.deadline_s):
            if self._honours():
                self._put(key, name, data, {"If-None-Match": "*"})
                return
            lock = self.writing[hash(name) % len(self.writing)]
            if not lock.acquire(timeout=limit.left()):
                raise StoreFailed(StoreReason.SLOW, "another writer")
            try:
                self._put(key, name, data, {})
            finally:
                lock.release()

    def _put(self, key: str, name: str, data: bytes, headers: dict[str, str]) -> None:
        tries = 0

        def send() -> bool:
            nonlocal tries
            tries += 1
            if not headers and self._there(name):
                return False
            try:
                self.client.put_whole(self.address.bucket, name, data, {**headers, "Content-Type": _TYPE})
            except S3Error as error:
                if error.code == "PreconditionFailed":
                    return False
                raise
            return True

        if not self._within(send) and not (tries > 1 and self._same(key, data)):
            raise ObjectExists(key)

    def get(self, key: str) -> bytes:
        """The whole object; an answer that ends early is asked for again."""
        name = self._name(key)

        def fetch() -> bytes | None:
            try:
                response = self.client.get_object(self.address.bucket, name)
            except S3Error as error:
                if error.code in _GONE:
                    return None
                raise
            return read_whole(response)

        found = self._within(fetch)
        if found is None:
            raise ObjectMissing(key)
        return found

    def delete(self, key: str) -> None:
        """Removes an object. In a bucket with versioning its bytes would stay: see `concerns`."""
        name = self._name(key)

        def remove() -> None:
            try:
                self.client.remove_object(self.address.bucket, name)
            except S3Error as error:
                if error.code not in _GONE:
                    raise

        self._within(remove)

    def keys(self, namespace: str = "") -> Iterator[str]:
        """Lists by pages of a thousand; a page that fails is asked for again from where the last one ended."""
        prefix = f"{namespace}/" if namespace else ""
        start = self.address.prefix + prefix
        last: str | None = None

        def page() -> list[Any]:
            # The client asks for the next page when it is read beyond one: a thousand are taken, never more.
            listing = self.client.list_objects(self.address.bucket, prefix=start, recursive=False, start_after=last)
            return [entry for entry, _ in zip(listing, range(PAGE), strict=False)]

        while entries := self._within(page):
            for entry in entries:
                name = entry.object_name.removeprefix(start)
                if name and not entry.is_dir:
                    yield prefix + name
            if len(entries) < PAGE:
                return
            last = max(entry.object_name for entry in entries)

    def check(self) -> None:
        """Stores, reads and removes a small object."""
        try_out(self)

    def create(self) -> bool:
        """Makes the bucket when it does not exist; tells whether it did."""
        return self._within(self._create)

    def _create(self) -> bool:
        if self.client.bucket_exists(self.address.bucket):
            return False
        self.client.make_bucket(self.address.bucket, location=self.address.region)
        return True

    def concerns(self) -> list[str]:
        """What is wrong with the bucket's configuration, in sentences; a server that does not tell has none."""
        try:
            status = self._within(lambda: self.client.get_bucket_versioning(self.address.bucket).status)
        except StoreFailed as error:
            if error.reason in {StoreReason.DENIED, StoreReason.FAILED}:
                return []
            raise
        if status != "Enabled":
            return []
        return ["存储桶开启了版本控制，删除的文件不会消失 / the bucket keeps versions: what is destroyed stays"]

    def _honours(self) -> bool:
        """Whether the server refuses a PUT with `If-None-Match: *` on an object that exists; tried once."""
        if self.honours is None:
            self.honours = self._try_condition()
        return self.honours

    def _try_condition(self) -> bool:
        name = self._name(f"{PROBES}/{new_id()}")
        try:
            for _ in range(2):
                self._within(lambda: self.client.put_whole(self.address.bucket, name, b"probe", {"If-None-Match": "*"}))
        except StoreFailed as error:
            if error.detail == "PreconditionFailed":
                return True
            if error.detail == "NotImplemented":
                return False
            raise
        finally:
            with contextlib.suppress(StoreFailed):
                self._within(lambda: self.client.remove_object(self.address.bucket, name))
        return False

    def _there(self, name: str) -> bool:
        try:
            self.client.stat_object(self.address.bucket, name)
        except S3Error as error:
            if error.code in _GONE:
                return False
            raise
        return True

    def _same(self, key: str, data: bytes) -> bool:
        try:
            return self.get(key) == data
        except ObjectMissing:
            return False

    def _name(self, key: str) -> str:
        split_key(key)
        return self.address.prefix + key

    def _within(self, work: Callable[[], T]) -> T:
        """Does something within the deadline, again while the fault may pass; raises `StoreFailed`."""
        with limit.within(self.address.deadline_s):
            pause = FIRST_PAUSE_S
            for attempt in range(ATTEMPTS):
                try:
                    return work()
                except _FAULTS as error:
                    failure = explained(error)
                    if failure.reason not in _PASSING or attempt == ATTEMPTS - 1 or limit.left() < 2 * pause:
                        raise failure from None
                time.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - spreads repetitions, keeps no secret
                pause *= 3
        raise AssertionError("the last attempt returns or raises")


PAGE = 1000
_TYPE = "application/octet-stream"
# The client leaves faults in the form of an answer to the XML parser and to its own unpacking.
_FAULTS = (MinioException, urllib3.exceptions.HTTPError, OSError, ParseError, ValueError)
_GONE = {"NoSuchKey", "NoSuchObject", "NoSuchVersion"}


def explained(error: Exception) -> StoreFailed:
    """What an error of the client means, without its text: that names addresses and repeats answers."""
    match error:
        case S3Error():
            status = getattr(error.response, "status", 0)
            code = str(error.code or status)
            by_status = _HTTP.get(status, StoreReason.DOWN if status >= 500 else StoreReason.FAILED)
            # 501 is an answer, and the same one next time.
            return StoreFailed(StoreReason.FAILED if status == 501 else _CODES.get(code, by_status), code[:60])
        case MinioException():
            status = int(getattr(error, "_status_code", 0) or getattr(error, "_code", 0) or 0)
            known = _HTTP.get(status, StoreReason.DOWN if status >= 500 else StoreReason.FAILED)
            return StoreFailed(known, f"HTTP {status}" if status else type(error).__name__)
        case urllib3.exceptions.SSLError():
            untrusted = "CERTIFICATE_VERIFY_FAILED" in str(error)
            return StoreFailed(StoreReason.UNTRUSTED if untrusted else StoreReason.DOWN, "TLS")
        case urllib3.exceptions.NewConnectionError() | urllib3.exceptions.NameResolutionError():
            return StoreFailed(StoreReason.DOWN, type(error).__name__)
        case urllib3.exceptions.ProtocolError() if any(isinstance(cause, TimeoutError) for cause in error.args):
            return StoreFailed(StoreReason.SLOW, "sending")
        case TimeoutError() | urllib3.exceptions.TimeoutError():
            return StoreFailed(StoreReason.SLOW, type(error).__name__)
        case ParseError() | ValueError():
            return StoreFailed(StoreReason.FAILED, "unreadable answer")
        case _:
            return StoreFailed(StoreReason.DOWN, type(error).__name__)
