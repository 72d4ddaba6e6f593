"""An object store that speaks S3, by boto3: AWS, Ceph, MinIO, and whatever is compatible.

What a server promises differs: some ignore `If-None-Match`, some checksums, some have no Object Lock. `probe` finds out
by trying; what is not there is made up for by asking before and reading back after, and `Abilities` says so.

Files longer than a part are sent in parts. Which parts lie there is asked of the server, so an upload that broke goes on
where it stood, from any machine and without anything noted down here. No name, link or text of ours is in a key or in
metadata. An ETag is never taken for a digest.
"""

from __future__ import annotations

import base64
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, BinaryIO, cast

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.exceptions import HTTPClientError as ConnectionBroken

from storage.digest import sha256
from storage.errors import OtherContent, Refused, StoreError, Unreachable
from storage.objects import READ, Content, Lock, Remains, Stored, at_least, check_key
from storage.s3_session import new_session

PART = 64 << 20
"""Bytes; the smallest that S3 takes is 5 MiB, and 10,000 parts are the most: files of up to 640 GB."""
PARTS_AT_ONCE = 4
TRIES = 5
_PASSING = {
    "SlowDown", "RequestTimeout", "InternalError", "ServiceUnavailable", "OperationAborted", "ConditionalRequestConflict",
    "Throttling", "ThrottlingException", "RequestLimitExceeded", "BadDigest", "XAmzContentSHA256Mismatch", "IncompleteBody",
}  # fmt: skip
_EVERYBODY = ("/AllUsers", "/AuthenticatedUsers")
_ABSENT = {"NoSuchKey", "404", "NotFound", "NoSuchVersion"}
_HINTS = {
    "InvalidAccessKeyId": "Look at the credentials: boto3 takes them from the environment, ~/.aws, or the machine's role.",
    "SignatureDoesNotMatch": "Look at the credentials, and at this machine's clock.",
    "RequestTimeTooSkewed": "This machine's clock is wrong: `archiver doctor` says by how much. Set it and try again.",
    "NoSuchBucket": "Make the bucket, with Object Lock, and name it in the settings.",
    "AccessDenied": "The policy forbids it. These are needed: PutObject, GetObject, GetObjectVersion, ListBucket, PutObjectRetention.",
    "InvalidRequest": "If it speaks of Object Lock: it has to be switched on when the bucket is made.",
}


@dataclass(frozen=True)
class Abilities:
    """What a server was seen to do."""

    conditions: bool = True
    """It refuses to overwrite when it is told to (`If-None-Match: *`)."""
    checksums: bool = True
    """It refuses content whose SHA-256 is another than we say, and states it later."""
    versions: bool = True
    lock: bool = True


@dataclass(frozen=True)
class Options:
    """Settings. `bandwidth`: bytes sent a second at most. `sse`: how the server encrypts what lies there."""

    proxy: str = ""
    profile: str = ""
    sse: str = ""
    kms_key: str = ""
    bandwidth: int | None = None

    @property
    def fields(self) -> dict[str, str]:
        """The encryption settings as parameters of S3's PutObject."""
        named = {"ServerSideEncryption": self.sse, "SSEKMSKeyId": self.kms_key}
        return {name: value for name, value in named.items() if value}


class S3Store:
    """A bucket, or what lies under a prefix of it."""

    def __init__(
        self,
        bucket: str,
        prefix: str = "",
        endpoint: str | None = None,
        region: str | None = None,
        abilities: Abilities = Abilities(),
        pause: Callable[[float], None] = time.sleep,
        part: int = PART,
        options: Options = Options(),
        **credentials: str,
    ) -> None:
        """`prefix`: ends in `/` or is empty. `credentials`: for tests; else boto3's usual chain."""
        self.bucket, self.prefix, self.abilities = bucket, prefix, abilities
        self._pause, self._part, self._options = pause, part, options
        config = Config(
            retries={"total_max_attempts": 1},  # tries are counted here, where what may be repeated is known
            connect_timeout=20,
            read_timeout=60,
            request_checksum_calculation="when_required",  # ours is given explicitly; some servers refuse boto3's
            response_checksum_validation="when_required",
            proxies={"http": options.proxy, "https": options.proxy} if options.proxy else None,
            max_pool_connections=32,
        )
        try:
            session = new_session(options.profile, credentials)
            self._client: Any = session.client("s3", endpoint_url=endpoint, region_name=region, config=config)
        except (BotoCoreError, ValueError) as error:
            raise Refused(f"settings for the bucket {bucket}", str(error), _HINTS["InvalidAccessKeyId"]) from error

    # -- the contract ----------------------------------------------------------------------------------

    @property
    def truthful(self) -> bool:
        """Whether the server was seen to check the SHA-256 that it states."""
        return self.abilities.checksums

    def put(self, key: str, content: Content, lock: Lock | None = None) -> Stored:
        """Keep `content` unless the key is in use. Raises `OtherContent`, `Unreachable`, `Refused`."""
        name = self.prefix + check_key(key)
        if not self.abilities.conditions and (there := self.head(key)) is not None:
            return self._same(there, content)
        try:
            if content.size > self._part:
                version = self._in_parts(name, content, lock)
            else:
                version = self._at_once(name, content, lock)
        except _Taken:
            there = self.head(key)
            if there is None:
                raise Unreachable(
                    f"a consistent answer about {key}", "both that it exists and that it does not", "Try again."
                ) from None
            return self._same(there, content)
        found = self.head(key, version)
        if found is not None and lock is not None and not at_least(found.lock, lock):
            self._lock_late(name, found.version, lock)
            found = self.head(key, version)
        if found is None:
            raise Unreachable(f"{key}, just uploaded", "nothing yet", "Try again in a moment.")
        return found

    def get(self, key: str, start: int = 0, length: int | None = None, version: str | None = None) -> Iterator[bytes]:
        """Yield the bytes from `start`; go on after a broken connection. Raises `KeyError` for a missing object."""
        name = self.prefix + check_key(key)
        if length == 0:
            return
        given: dict[str, Any] = {"VersionId": version} if version else {}
        at, end = start, None if length is None else start + length
        broken = 0
        while end is None or at < end:
            if at or end is not None:
                given["Range"] = f"bytes={at}-" if end is None else f"bytes={at}-{end - 1}"
            try:
                answer = self._call("get_object", {"Key": name, **given})
            except _Absent:
                raise KeyError(key) from None
            except _Beyond:
                return
            body = answer["Body"]
            try:
                while data := body.read(READ):
                    at += len(data)
                    yield data
                return
            except (BotoCoreError, ConnectionBroken, OSError) as error:  # cut on the way: goes on where it stood
                broken += 1
                if broken >= TRIES:
                    raise Unreachable(f"all of {key}", f"a broken connection ({error})", "Try again.") from error
            finally:
                body.close()

    def head(self, key: str, version: str | None = None) -> Stored | None:
        """Describe an object, with its checksum and lock; None where there is no such one."""
        given: dict[str, Any] = {"VersionId": version} if version else {}
        try:
            answer = self._call(
                "head_object", {"Key": self.prefix + check_key(key), "ChecksumMode": "ENABLED", **given}
            )
        except _Absent:
            return None
        checksum = _checksum(answer)
        part = self._part if checksum is not None and checksum.startswith("sha256-parts:") else None
        return Stored(key, answer["ContentLength"], _version(answer), checksum, _lock(answer), part)

    def list(self, prefix: str = "") -> Iterator[Stored]:
        """List the objects whose keys begin with `prefix`; checksums and locks are left out."""
        more: dict[str, Any] = {}
        while True:
            answer = self._call("list_objects_v2", {"Prefix": self.prefix + prefix, **more})
            for item in answer.get("Contents", []):
                yield Stored(item["Key"].removeprefix(self.prefix), item["Size"])
            if not answer.get("IsTruncated"):
                return
            more = {"ContinuationToken": answer["NextContinuationToken"]}

    # -- writing ---------------------------------------------------------------------------------------

    def _same(self, there: Stored, content: Content) -> Stored:
        """What lies under a key that was taken, unless it is seen to be other content. Raises `OtherContent`.

        Of what came in parts servers state this or that; `keep` reads it back.
        """
        known = (None, f"sha256:{content.sha256}")
        if there.size == content.size and (content.size > self._part or there.checksum in known):
            return there
        found = f"{there.size} bytes, {there.checksum or 'no checksum'}"
        next_step = "Somebody else writes there, or the store is damaged: check it before you remove anything here."
        raise OtherContent(f"{content.size} bytes of ours under {there.key}", found, next_step)

    def _at_once(self, name: str, content: Content, lock: Lock | None) -> str | None:
        digest = base64.b64encode(bytes.fromhex(content.sha256)).decode()
        given = {"Key": name, **_checked(digest), **self._conditions(), **_lock_fields(lock), **self._options.fields}
        self._throttle(content.size)

        def body() -> bytes | BinaryIO:
            return content.source if isinstance(content.source, bytes) else open(content.source, "rb")

        return _version(self._call("put_object", given, body))

    def _in_parts(self, name: str, content: Content, lock: Lock | None) -> str | None:
        if self.head(name.removeprefix(self.prefix)) is not None:  # before gigabytes are sent for nothing
            raise _Taken
        fresh = {"Key": name, "ChecksumAlgorithm": "SHA256", **_lock_fields(lock), **self._options.fields}
        upload = self._open_upload(name) or self._call("create_multipart_upload", fresh)["UploadId"]
        there = self._parts(name, upload)

        def one(numbered: tuple[int, int]) -> dict[str, Any]:
            number, start = numbered
            length = min(self._part, content.size - start)
            data = _whole(content, start, length)
            digest = base64.b64encode(content.part_digest(start, length, data)).decode()
            etag = there.get((number, length, digest))
            if etag is None and there:
                etag = there.get((number, length, f'"{content.md5(start, length)}"'))
            if etag is None:
                self._throttle(length)
                about = {"Key": name, "UploadId": upload, "PartNumber": number, **_checked(digest)}
                etag = self._call("upload_part", about, lambda: data)["ETag"]
            return {"PartNumber": number, "ETag": etag, "ChecksumSHA256": digest}

        with ThreadPoolExecutor(1 if self._options.bandwidth else PARTS_AT_ONCE) as several:
            parts = list(several.map(one, enumerate(range(0, content.size, self._part), 1)))
        given = {"Key": name, "UploadId": upload, "MultipartUpload": {"Parts": parts}, **self._conditions()}
        try:
            answer = self._call("complete_multipart_upload", given)
        except _Absent:  # completed already, and the answer was lost
            raise _Taken from None
        return _version(answer)

    def _throttle(self, count: int) -> None:
        """Before `count` bytes go out, as long as they may take."""
        if self._options.bandwidth:
            self._pause(count / self._options.bandwidth)

    def _lock_late(self, name: str, version: str | None, lock: Lock, other_mode: bool = False) -> None:
        """Some servers forget the lock of an upload in parts. From governance to compliance takes the right to pass the first."""
        about = {"Key": name, **({"VersionId": version} if version else {})}
        if lock.mode and lock.until:
            retention = {"Mode": lock.mode.upper(), "RetainUntilDate": lock.until}
            right = {"BypassGovernanceRetention": True} if other_mode else {}
            self._call("put_object_retention", {**about, "Retention": retention, **right})
        if lock.hold:
            self._call("put_object_legal_hold", {**about, "LegalHold": {"Status": "ON"}})

    def _open_upload(self, name: str) -> str | None:
        """An upload of this key that broke; the newest where there are several."""
        answer = self._call("list_multipart_uploads", {"Prefix": name})
        found = [item for item in answer.get("Uploads", []) if item["Key"] == name]
        newest = max(found, key=lambda item: item["Initiated"], default=None)
        return newest["UploadId"] if newest else None

    def _parts(self, name: str, upload: str) -> dict[tuple[int, int, str], str]:
        """(number, size, SHA-256) → ETag of the parts that lie there; with the ETag itself where a server states no checksum.

        That is the part's MD5 there, which is good enough for not sending it again: the whole is then read back.
        """
        found, more = {}, 0
        while True:
            answer = self._call("list_parts", {"Key": name, "UploadId": upload, "PartNumberMarker": more})
            for item in answer.get("Parts", []):
                found[item["PartNumber"], item["Size"], item.get("ChecksumSHA256") or item["ETag"]] = item["ETag"]
            if not answer.get("IsTruncated"):
                return found
            more = answer["NextPartNumberMarker"]

    def _conditions(self) -> dict[str, str]:
        return {"IfNoneMatch": "*"} if self.abilities.conditions else {}

    # -- beyond the contract: locks that come later, and disposal ---------------------------------------

    def lock(self, key: str, version: str | None, lock: Lock) -> Lock | None:
        """Lock an object, or lock it for longer; lift a legal hold. Return the lock as it is read back."""
        name = self.prefix + check_key(key)
        found = self.head(key, version)
        if found is None:
            raise StoreError(f"{key}, uploaded earlier", "nothing", "Check the copies: archiver fixity")
        if not at_least(found.lock, lock):
            mode = found.lock.mode if found.lock is not None else None
            self._lock_late(name, found.version, lock, mode is not None and mode != lock.mode)
        if found.lock is not None and found.lock.hold and not lock.hold:
            about = {"Key": name, **({"VersionId": found.version} if found.version else {})}
            self._call("put_object_legal_hold", {**about, "LegalHold": {"Status": "OFF"}})
        again = self.head(key, version)
        return again.lock if again else None

    def remove(self, key: str) -> Sequence[Remains]:
        """Remove every version of an object, past a governance lock where allowed. Return what could not be removed."""
        name = self.prefix + check_key(key)
        remains = []
        for version in self._versions(name):
            given: dict[str, Any] = {"Key": name, **({"VersionId": version} if version else {})}
            try:
                self._call(
                    "delete_object", given | ({"BypassGovernanceRetention": True} if self.abilities.lock else {})
                )
            except _Absent:
                continue
            except Refused as error:
                there = self.head(key, version)
                if there is not None:
                    remains.append(Remains(key, version, there.lock, error.found))
        return remains

    def _versions(self, name: str) -> Sequence[str | None]:
        if not self.abilities.versions:
            return [None]
        found: tuple[str | None, ...] = ()
        more: dict[str, Any] = {}
        while True:
            answer = self._call("list_object_versions", {"Prefix": name, **more})
            for item in [*answer.get("Versions", []), *answer.get("DeleteMarkers", [])]:
                if item["Key"] == name:
                    found += (item["VersionId"],)
            if not answer.get("IsTruncated"):
                return found
            more = {"KeyMarker": answer["NextKeyMarker"], "VersionIdMarker": answer["NextVersionIdMarker"]}

    # -- calls -----------------------------------------------------------------------------------------

    def _call(
        self, name: str, given: dict[str, Any] | None = None, body: Callable[[], bytes | BinaryIO] | None = None
    ) -> dict[str, Any]:
        """One call, tried again where that can help. Raises `Unreachable`, `Refused`, and what only this module knows."""
        wait = 0.2
        for turn in range(1, TRIES + 1):
            sent = body() if body is not None else None
            try:
                sending = {"Body": sent} if sent is not None else {}
                answer: dict[str, Any] = getattr(self._client, name)(Bucket=self.bucket, **(given or {}), **sending)
            except ClientError as error:
                self._raise_unless_passing(name, error)
                problem = f"{error.response.get('Error', {}).get('Code')}"
            except (BotoCoreError, ConnectionBroken, OSError) as error:
                if "redential" in type(error).__name__:
                    raise Refused("credentials for the copies", str(error), _HINTS["InvalidAccessKeyId"]) from error
                problem = f"{type(error).__name__}: {error}"
            else:
                return answer
            finally:
                if sent is not None and not isinstance(sent, bytes):
                    sent.close()
            if turn < TRIES:
                self._pause(wait)
                wait *= 2
        raise Unreachable(
            f"the bucket {self.bucket} to answer {name}",
            problem,
            "Copies made so far stay; `archiver sync` retries the rest.",
        )

    def _raise_unless_passing(self, name: str, error: ClientError) -> None:
        code = str(error.response.get("Error", {}).get("Code"))
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") or 0)
        if code in _ABSENT or (status == 404 and code != "NoSuchBucket"):
            raise _Absent from error
        if status == 412:
            raise _Taken from error
        if status == 416:
            raise _Beyond from error
        if code in _PASSING or status >= 500 or status in (409, 429):
            return
        said = error.response.get("Error", {}).get("Message") or ""
        raise Refused(
            f"the bucket {self.bucket} to accept {name}",
            f"{code} {said}".strip(),
            _HINTS.get(code, "Look at the bucket and its policy."),
        ) from error

    # -- what the server does --------------------------------------------------------------------------

    def probe(self) -> Abilities:
        """Try what is relied on, with objects of a few bytes under `probe/`. Raises `Unreachable`, `Refused`."""
        name = f"{self.prefix}probe/{secrets.token_hex(8)}"
        good, bad = (base64.b64encode(sha256(data)).decode() for data in (b"probe", b"another"))
        self._refuse_if_public()
        fields = self._options.fields
        with suppress(_Taken):  # nobody else knows the name: an answer was lost, and this was the second try
            self._call("put_object", {"Key": name, **_checked(good), "IfNoneMatch": "*", **fields}, lambda: b"probe")
        head = self._call("head_object", {"Key": name, "ChecksumMode": "ENABLED"})
        try:
            self._call("put_object", {"Key": name, "IfNoneMatch": "*"}, lambda: b"again")
            conditions = False
        except _Taken:
            conditions = True
        found = Abilities(
            conditions=conditions,
            checksums=head.get("ChecksumSHA256") == good and self._refuses(name, bad),
            versions=self._call("get_bucket_versioning").get("Status") == "Enabled",
            lock=self._locks(),
        )
        self.abilities = replace(found, lock=False)
        for key in (name, f"{name}-bad"):
            with suppress(StoreError):  # a right to remove is not needed; probes are a few bytes
                self.remove(key.removeprefix(self.prefix))
        self.abilities = found
        return found

    def _refuse_if_public(self) -> None:
        """Raise `Refused` where the bucket's list of rights or its policy lets everybody read."""
        everybody = []
        with suppress(Refused, _Absent):  # not everybody who may write may read these
            for grant in self._call("get_bucket_acl").get("Grants", []):
                everybody += [group for group in _EVERYBODY if str(grant.get("Grantee", {}).get("URI")).endswith(group)]
        with suppress(Refused, _Absent):
            if self._call("get_bucket_policy_status").get("PolicyStatus", {}).get("IsPublic"):
                everybody.append("policy")
        if everybody:
            raise Refused(
                f"a bucket {self.bucket} that only its owners read",
                f"it is open: {', '.join(everybody)}",
                "Block public access to it, then try again. Nothing was copied.",
            )

    def _refuses(self, name: str, bad: str) -> bool:
        try:
            self._client.put_object(Bucket=self.bucket, Key=f"{name}-bad", Body=b"probe", **_checked(bad))
        except ClientError as error:
            return int(error.response["ResponseMetadata"]["HTTPStatusCode"]) in (400, 422)
        except (BotoCoreError, ConnectionBroken, OSError):
            return False
        return False

    def _locks(self) -> bool:
        try:
            answer = self._call("get_object_lock_configuration")
        except (_Absent, Refused):
            return False
        return bool(answer.get("ObjectLockConfiguration", {}).get("ObjectLockEnabled") == "Enabled")


def _version(answer: dict[str, Any]) -> str | None:
    """`null` is what a bucket says that keeps no versions; some servers do not take it back."""
    found = cast("str | None", answer.get("VersionId"))
    return None if found == "null" else found


def _checked(digest: str) -> dict[str, str]:
    """The algorithm too: some servers keep a checksum only where it is named."""
    return {"ChecksumAlgorithm": "SHA256", "ChecksumSHA256": digest}


def _whole(content: Content, start: int, length: int) -> bytes:
    return b"".join(content.pieces(start, length))


class _Absent(StoreError):
    def __init__(self) -> None:
        super().__init__("an object", "none", "")


class _Taken(StoreError):
    def __init__(self) -> None:
        super().__init__("a free key", "one that is taken", "")


class _Beyond(StoreError):
    def __init__(self) -> None:
        super().__init__("a range inside the object", "one beyond its end", "")


def _checksum(answer: dict[str, Any]) -> str | None:
    stated = answer.get("ChecksumSHA256")
    if not stated:
        return None
    if answer.get("ChecksumType") == "COMPOSITE" or "-" in stated:
        return f"sha256-parts:{stated}"
    return f"sha256:{base64.b64decode(stated).hex()}"


def _lock(answer: dict[str, Any]) -> Lock | None:
    mode, until = answer.get("ObjectLockMode"), answer.get("ObjectLockRetainUntilDate")
    hold = answer.get("ObjectLockLegalHoldStatus") == "ON"
    if not mode and not hold:
        return None
    moment = until.astimezone(UTC) if isinstance(until, datetime) else None
    return Lock(mode.lower() if mode else None, moment, hold)


def _lock_fields(lock: Lock | None) -> dict[str, Any]:
    if lock is None:
        return {}
    fields: dict[str, Any] = {"ObjectLockLegalHoldStatus": "ON"} if lock.hold else {}
    if lock.mode and lock.until:
        fields |= {"ObjectLockMode": lock.mode.upper(), "ObjectLockRetainUntilDate": lock.until}
    return fields
