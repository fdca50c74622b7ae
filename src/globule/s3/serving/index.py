"""Buckets, versions and uploads in the store. Every change is one transaction; `rules.records` has the layout."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from globule.s3.rules.errors import s3_error
from globule.s3.rules.records import (
    NULL_VERSION,
    BucketRecord,
    Part,
    Upload,
    Version,
    after_all,
    blob_key,
    bucket_key,
    buckets_range,
    decode,
    encode,
    identity_key,
    instant,
    key_in,
    part_key,
    parts_of,
    upload_key,
    uploads_of_bucket,
    version_key,
    versions_of_bucket,
    versions_of_key,
)
from globule.storage.store import ReadTransaction, Store, WriteTransaction


class Written(msgspec.Struct, frozen=True):
    """What a change did."""

    version: Version
    versioned: bool
    """Versioning has been switched on at some time, so answers name the version."""
    freed: tuple[str, ...] = ()
    """Files that no record names any more."""


class Deleted(msgspec.Struct, frozen=True):
    marker: Version | None
    """The delete marker that was written, or that was removed."""
    version_id: str | None
    """To be named in the answer; None where versioning has never been on."""
    freed: tuple[str, ...] = ()


class Index:
    def __init__(self, store: Store) -> None:
        self._store = store

    # Reading. Everything is of the newest durable state.

    def buckets(self) -> list[BucketRecord]:
        """In order of their names."""
        return [decode(BucketRecord, data) for _, data in self._store.read().scan(*buckets_range())]

    def bucket(self, name: str) -> BucketRecord:
        """Raises AwsError NoSuchBucket."""
        return _bucket(self._store.read(), name)

    def find_bucket(self, name: str) -> BucketRecord | None:
        data = self._store.read().get(bucket_key(name))
        return None if data is None else decode(BucketRecord, data)

    def current(self, bucket: str, key: str) -> Version | None:
        """The newest version, which may be a delete marker."""
        return _newest(self._store.read(), bucket, key)

    def version(self, bucket: str, key: str, version_id: str) -> Version | None:
        return _version(self._store.read(), bucket, key, version_id)

    def scan(self, start: bytes, end: bytes) -> Iterator[tuple[bytes, bytes]]:
        return self._store.read().scan(start, end)

    def upload(self, bucket: str, key: str, upload_id: str) -> Upload:
        """Raises AwsError NoSuchUpload."""
        return _upload(self._store.read(), bucket, key, upload_id)

    def uploads(self, bucket: str) -> Iterator[tuple[str, str, Upload]]:
        """Key, id and upload, in order of keys and then of initiation."""
        return _uploads(self._store.read(), bucket)

    def parts(self, upload_id: str, *, after: int = 0) -> Iterator[tuple[int, Part]]:
        return _parts(self._store.read(), upload_id, after)

    def needs(self, blob: str) -> bool:
        return self._store.read().get(blob_key(blob)) is not None

    # Buckets.

    async def create_bucket(self, record: BucketRecord) -> bool:
        """False where there is one of that name already."""

        def change(transaction: WriteTransaction) -> bool:
            if transaction.get(bucket_key(record.name)) is not None:
                return False
            transaction.put(bucket_key(record.name), encode(record))
            return True

        return await self._store.write(change)

    async def change_bucket(self, name: str, alter: Callable[[BucketRecord], BucketRecord]) -> None:
        """Raises AwsError NoSuchBucket."""
        await self._store.write(
            lambda transaction: transaction.put(bucket_key(name), encode(alter(_bucket(transaction, name))))
        )

    async def delete_bucket(self, name: str) -> tuple[str, ...]:
        """Ends its uploads too; returns their files. Raises AwsError NoSuchBucket, BucketNotEmpty."""

        def change(transaction: WriteTransaction) -> tuple[str, ...]:
            _bucket(transaction, name)
            root = versions_of_bucket(name)
            if next(transaction.scan(root, after_all(root)), None) is not None:
                raise s3_error("BucketNotEmpty", BucketName=name)
            freed: list[str] = []
            for key, upload_id, _ in list(_uploads(transaction, name)):
                freed += _end_upload(transaction, name, key, upload_id, keep=())
            transaction.delete(bucket_key(name))
            return tuple(freed)

        return await self._store.write(change)

    # Versions.

    async def put(self, bucket: str, key: str, version: Version, *, check: Callable[[Version | None], None]) -> Written:
        """Write a version. Its id is used where versioning is enabled, its instant moved forward where the key has a
        later one. `check` gets the current object, None where there is none, and raises AwsError to refuse.
        """
        return await self._store.write(lambda transaction: _put(transaction, bucket, key, version, check))

    async def complete(
        self,
        bucket: str,
        key: str,
        upload_id: str,
        version: Version,
        *,
        check: Callable[[Version | None], None],
    ) -> Written:
        """As `put`, and the upload ends: its other parts' files are freed. Raises AwsError NoSuchUpload too."""

        def change(transaction: WriteTransaction) -> Written:
            _upload(transaction, bucket, key, upload_id)
            unused = _end_upload(transaction, bucket, key, upload_id, keep=version.blobs)
            written = _put(transaction, bucket, key, version, check)
            return msgspec.structs.replace(written, freed=written.freed + unused)

        return await self._store.write(change)

    async def delete(
        self,
        bucket: str,
        requests: Sequence[tuple[str, str | None]],
        marker: Version,
        *,
        check: Callable[[Version | None], None] = lambda current: None,
    ) -> list[Deleted]:
        """Delete keys, or versions of keys where an id is given, in one transaction. `marker` is what a delete marker
        is made from; its id gets a number where there are several. Raises AwsError NoSuchBucket.
        """

        def change(transaction: WriteTransaction) -> list[Deleted]:
            record = _bucket(transaction, bucket)
            done = []
            for number, (key, version_id) in enumerate(requests):
                check(_present(_newest(transaction, bucket, key)))
                if version_id is not None:
                    done.append(_delete_version(transaction, bucket, key, version_id))
                elif record.versioning == "":
                    _, freed = _remove(transaction, bucket, key, NULL_VERSION)
                    done.append(Deleted(None, None, freed))
                else:
                    own = msgspec.structs.replace(marker, id=f"{marker.id[:-4]}{number:04x}")
                    written = _put(transaction, bucket, key, own, lambda current: None)
                    done.append(Deleted(written.version, written.version.id, written.freed))
            return done

        return await self._store.write(change)

    async def retag(self, bucket: str, key: str, version: Version, tags: dict[str, str]) -> None:
        """Raises AwsError NoSuchVersion where it has gone meanwhile."""

        def change(transaction: WriteTransaction) -> None:
            present = _version(transaction, bucket, key, version.id)
            if present is None:
                raise s3_error("NoSuchVersion")
            transaction.put(version_key(bucket, key, present), encode(msgspec.structs.replace(present, tags=tags)))

        await self._store.write(change)

    # Uploads.

    async def begin_upload(self, bucket: str, key: str, upload_id: str, upload: Upload) -> None:
        await self._store.write(lambda transaction: transaction.put(upload_key(bucket, key, upload_id), encode(upload)))

    async def put_part(self, bucket: str, key: str, upload_id: str, number: int, part: Part) -> tuple[str, ...]:
        """Returns the files of a part that it takes the place of. Raises AwsError NoSuchUpload."""

        def change(transaction: WriteTransaction) -> tuple[str, ...]:
            _upload(transaction, bucket, key, upload_id)
            before = transaction.put(part_key(upload_id, number), encode(part))
            _record_blobs(transaction, [part.piece.blob])
            return () if before is None else _free(transaction, [decode(Part, before).piece.blob])

        return await self._store.write(change)

    async def abort_upload(self, bucket: str, key: str, upload_id: str) -> tuple[str, ...]:
        """Returns the files of its parts. Raises AwsError NoSuchUpload."""

        def change(transaction: WriteTransaction) -> tuple[str, ...]:
            _upload(transaction, bucket, key, upload_id)
            return _end_upload(transaction, bucket, key, upload_id, keep=())

        return await self._store.write(change)


def _bucket(transaction: ReadTransaction, name: str) -> BucketRecord:
    data = transaction.get(bucket_key(name))
    if data is None:
        raise s3_error("NoSuchBucket", BucketName=name)
    return decode(BucketRecord, data)


def _newest(transaction: ReadTransaction, bucket: str, key: str) -> Version | None:
    stem = versions_of_key(bucket, key)
    found = next(transaction.scan(stem, after_all(stem)), None)
    return None if found is None else decode(Version, found[1])


def _present(version: Version | None) -> Version | None:
    """None also for a delete marker."""
    return None if version is None or version.deleted else version


def _version(transaction: ReadTransaction, bucket: str, key: str, version_id: str) -> Version | None:
    place = transaction.get(identity_key(bucket, key, version_id))
    if place is None:
        return None
    data = transaction.get(versions_of_key(bucket, key) + place + version_id.encode())
    return None if data is None else decode(Version, data)


def _put(
    transaction: WriteTransaction,
    bucket: str,
    key: str,
    version: Version,
    check: Callable[[Version | None], None],
) -> Written:
    record = _bucket(transaction, bucket)
    newest = _newest(transaction, bucket, key)
    check(_present(newest))
    freed: tuple[str, ...] = ()
    if record.versioning != "Enabled":
        version = msgspec.structs.replace(version, id=NULL_VERSION)
        _, freed = _remove(transaction, bucket, key, NULL_VERSION)
    if newest is not None and newest.modified_us >= version.modified_us:
        version = msgspec.structs.replace(version, modified_us=newest.modified_us + 1)
    transaction.put(version_key(bucket, key, version), encode(version))
    transaction.put(identity_key(bucket, key, version.id), instant(version.modified_us))
    _record_blobs(transaction, version.blobs)
    return Written(version, record.versioning != "", freed)


def _delete_version(transaction: WriteTransaction, bucket: str, key: str, version_id: str) -> Deleted:
    removed, freed = _remove(transaction, bucket, key, version_id)
    return Deleted(removed if removed is not None and removed.deleted else None, version_id, freed)


def _remove(
    transaction: WriteTransaction, bucket: str, key: str, version_id: str
) -> tuple[Version | None, tuple[str, ...]]:
    """The version that was removed, and its files."""
    version = _version(transaction, bucket, key, version_id)
    if version is None:
        return None, ()
    transaction.delete(version_key(bucket, key, version))
    transaction.delete(identity_key(bucket, key, version_id))
    return version, _free(transaction, version.blobs)


def _upload(transaction: ReadTransaction, bucket: str, key: str, upload_id: str) -> Upload:
    data = transaction.get(upload_key(bucket, key, upload_id))
    if data is None:
        raise s3_error("NoSuchUpload", UploadId=upload_id)
    return decode(Upload, data)


def _uploads(transaction: ReadTransaction, bucket: str) -> Iterator[tuple[str, str, Upload]]:
    root = uploads_of_bucket(bucket)
    for store_key, data in transaction.scan(root, after_all(root)):
        key, stem = key_in(root, store_key)
        yield key, store_key[len(stem) :].decode(), decode(Upload, data)


def _parts(transaction: ReadTransaction, upload_id: str, after: int = 0) -> Iterator[tuple[int, Part]]:
    root = parts_of(upload_id)
    for store_key, data in transaction.scan(part_key(upload_id, after + 1), after_all(root)):
        yield int.from_bytes(store_key[len(root) :], "big"), decode(Part, data)


def _end_upload(
    transaction: WriteTransaction, bucket: str, key: str, upload_id: str, *, keep: Iterable[str]
) -> tuple[str, ...]:
    """Remove an upload and its parts; returns the files of the parts that are not kept."""
    kept = frozenset(keep)
    parts = list(_parts(transaction, upload_id))
    for number, _ in parts:
        transaction.delete(part_key(upload_id, number))
    transaction.delete(upload_key(bucket, key, upload_id))
    return _free(transaction, [part.piece.blob for _, part in parts if part.piece.blob not in kept])


def _record_blobs(transaction: WriteTransaction, blobs: Iterable[str]) -> None:
    for blob in filter(None, blobs):
        transaction.put(blob_key(blob), b"")


def _free(transaction: WriteTransaction, blobs: Iterable[str]) -> tuple[str, ...]:
    freed = tuple(filter(None, blobs))
    for blob in freed:
        transaction.delete(blob_key(blob))
    return freed
