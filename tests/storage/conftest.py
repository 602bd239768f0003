"""The object stores that tests run against."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from storage.objects.address import BucketAddress
from storage.objects.s3 import S3Store
from storage.objects.store import FilesystemStore, ObjectStore
from tests.storage import object_servers
from tests.storage.object_servers import ACCESS, SECRET, Server

STORES = ("filesystem", "juicefs", "moto")


@pytest.fixture(scope="session")
def juicefs_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A JuiceFS gateway for all tests that do not kill it."""
    with object_servers.juicefs(tmp_path_factory.mktemp("juicefs")) as server:
        yield server


@pytest.fixture(scope="session")
def moto_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A moto server for all tests."""
    with object_servers.moto(tmp_path_factory.mktemp("moto")) as server:
        yield server


def address(port: int, *, bucket: str = "photos", prefix: str = "", deadline_s: float = 20.0) -> BucketAddress:
    """A bucket on this machine."""
    return BucketAddress(bucket, prefix, f"127.0.0.1:{port}", False, "us-east-1", deadline_s)


def open_store(port: int, **changes: object) -> S3Store:
    """A store on a server of this machine; `changes` are those of `address`."""
    return S3Store(address(port, **changes), access_key=ACCESS, secret_key=SECRET)  # type: ignore[arg-type]


@dataclass
class Furnished:
    """A fresh, empty store and the name of its kind."""

    kind: str
    store: ObjectStore


@pytest.fixture(params=STORES)
def furnished(request: pytest.FixtureRequest, tmp_path: Path) -> Furnished:
    """Each store in turn, under a prefix of its own."""
    if request.param == "filesystem":
        return Furnished("filesystem", FilesystemStore(tmp_path / "objects"))
    server: Server = request.getfixturevalue(f"{request.param}_server")
    store = open_store(server.port, prefix=f"t/{uuid4().hex}/")
    store.create()
    return Furnished(request.param, store)
