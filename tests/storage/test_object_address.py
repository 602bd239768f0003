"""`OBJECT_STORE_*`: every wrong form is explained, no secret is ever repeated."""

from dataclasses import replace
from pathlib import Path

import pytest

from api.house import store_for
from storage.objects.address import BadAddress, BucketAddress, FolderAddress, parse
from storage.objects.s3 import S3Store
from storage.objects.store import FilesystemStore
from storage.settings import SettingsError, load

PLAIN = BucketAddress("photos", "", "minio.example:9000", True, "us-east-1", 20.0)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("file:///srv/ruhu/objects", FolderAddress("/srv/ruhu/objects")),
        ("file:///srv/%E6%96%87", FolderAddress("/srv/文")),
        ("s3://photos?endpoint=https://minio.example:9000", PLAIN),
        ("s3://photos/?endpoint=https://minio.example:9000/", PLAIN),
        ("s3://photos?endpoint=https%3A%2F%2Fminio.example%3A9000", PLAIN),
        (
            "s3+http://photos?endpoint=http://127.0.0.1:9000",
            replace(PLAIN, endpoint="127.0.0.1:9000", secure=False),
        ),
        ("s3+http://photos?endpoint=http://[::1]:9000", replace(PLAIN, endpoint="[::1]:9000", secure=False)),
        (
            "s3://photos/a//b.c/?endpoint=https://minio.example&region=cn-north-1&timeout=5",
            BucketAddress("photos", "a/b.c/", "minio.example", True, "cn-north-1", 5.0),
        ),
    ],
)
def test_addresses(url: str, expected: object) -> None:
    assert parse(url) == expected


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("ftp://u:hidden@h", ["地址类型"]),
        ("hidden", ["地址类型"]),
        ("file://srv/objects", ["文件夹地址"]),
        ("file:relative", ["地址类型"]),
        ("file:///srv?x=1", ["文件夹地址"]),
        ("file:///srv/%00", ["文件夹地址"]),
        ("s3://photos", ["缺少服务器地址"]),
        ("s3://key:hidden@photos?endpoint=https://h", ["不得包含密钥"]),
        ("s3://P?endpoint=https://h", ["存储桶名称"]),
        ("s3://photos?endpoint=http://h", ["未加密的连接须明示"]),
        ("s3+http://photos?endpoint=https://h", ["服务器地址无效"]),
        ("s3://photos?endpoint=https://h/path", ["服务器地址无效"]),
        ("s3://photos?endpoint=https://u:hidden@h", ["服务器地址无效"]),
        ("s3://photos?endpoint=https://h:port", ["服务器地址无效"]),
        ("s3://photos?endpoint=https://h:0", ["服务器地址无效"]),
        ("s3://photos?endpoint=https://", ["服务器地址无效"]),
        ("s3://photos/../x?endpoint=https://h", ["前缀无效"]),
        ("s3://photos?endpoint=https://h&secret=hidden", ["地址参数无效"]),
        ("s3://photos?endpoint=https://h&region=a&region=b", ["地址参数无效"]),
        ("s3://photos?endpoint=https://h#hidden", ["地址参数无效"]),
        ("s3://photos?endpoint=https://h&region=a_b", ["区域无效"]),
        ("s3://photos?endpoint=https://h&timeout=1", ["超时无效"]),
        ("s3://photos?endpoint=https://h&timeout=²", ["超时无效"]),
        ("s3://P/名?timeout=x", ["存储桶名称", "前缀无效", "缺少服务器地址", "超时无效"]),
    ],
)
def test_faults_of_an_address(url: str, words: list[str]) -> None:
    with pytest.raises(BadAddress) as caught:
        parse(url)
    assert len(caught.value.problems) == len(words)
    for problem, word in zip(caught.value.problems, words, strict=True):
        assert word in problem
    assert "hidden" not in str(caught.value)


def environment(tmp_path: Path, **changes: str) -> dict[str, str]:
    """A bucket with its credentials."""
    return {
        "RUHU_DATA": str(tmp_path / "data"), "OBJECT_STORE_URL": "s3://photos?endpoint=https://h",
        "OBJECT_STORE_ACCESS_KEY": "access", "OBJECT_STORE_SECRET_KEY": "hidden", **changes,
    }  # fmt: skip


def test_a_bucket_with_its_credentials(tmp_path: Path) -> None:
    certificates = tmp_path / "ca.pem"
    certificates.touch()
    settings = load(environment(tmp_path, OBJECT_STORE_CA_FILE=str(certificates)))
    assert (settings.object_store_access_key, settings.object_store_secret_key) == ("access", "hidden")
    assert settings.object_store_ca_file == certificates
    assert "hidden" not in repr(settings)
    assert isinstance(store_for(replace(settings, object_store_ca_file=None)), S3Store)


def test_a_secret_from_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("from-the-file\n")
    secret.chmod(0o600)
    changes = {"OBJECT_STORE_SECRET_KEY": "", "OBJECT_STORE_SECRET_KEY_FILE": str(secret)}
    assert load(environment(tmp_path, **changes)).object_store_secret_key == "from-the-file"
    secret.chmod(0o604)
    with pytest.raises(SettingsError, match="权限过宽"):
        load(environment(tmp_path, **changes))


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"OBJECT_STORE_SECRET_KEY": ""}, "OBJECT_STORE_SECRET_KEY 缺失"),
        ({"OBJECT_STORE_ACCESS_KEY": "a b"}, "OBJECT_STORE_ACCESS_KEY 缺失或无效"),
        ({"OBJECT_STORE_SECRET_KEY_FILE": "/nowhere"}, "只能设置一个"),
        ({"OBJECT_STORE_SECRET_KEY": "", "OBJECT_STORE_SECRET_KEY_FILE": "/nowhere"}, "无法读取"),
        ({"OBJECT_STORE_CA_FILE": "/nowhere"}, "OBJECT_STORE_CA_FILE"),
        ({"OBJECT_STORE_URL": "s3://photos"}, "缺少服务器地址"),
    ],
)
def test_faults_of_the_settings(tmp_path: Path, changes: dict[str, str], word: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(environment(tmp_path, **changes))
    (problem,) = caught.value.problems
    assert word in problem
    assert "hidden" not in problem


def test_folders_need_no_credentials(tmp_path: Path) -> None:
    settings = load({"RUHU_DATA": str(tmp_path), "OBJECT_STORE_URL": "file:///srv/%E6%96%87"})
    store = store_for(settings)
    assert isinstance(store, FilesystemStore)
    assert store.root == Path("/srv/文")
    assert isinstance(store_for(load({"RUHU_DATA": str(tmp_path)})), FilesystemStore)
