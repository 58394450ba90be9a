"""Sealed files in an S3-compatible bucket, with the real client and a simulated bucket."""

import hashlib
import os
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from reports.services.storage.sealed_store import open_sealed_file, open_sealed_path, seal_file
from tests.config.test_settings import VALID_ENVIRONMENT, run_with_environment

DATA = os.urandom(300_000)
SHA256 = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def bucket(settings):
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
        client.create_bucket(Bucket="evidence")
        options = {"bucket_name": "evidence", "region_name": "us-east-1", "access_key": "x", "secret_key": "x"}
        settings.STORAGES = settings.STORAGES | {
            "sealed": {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options | {"default_acl": None}}
        }
        yield client


def seal_data(folder: Path) -> None:
    part = folder / "part"
    part.write_bytes(DATA)
    seal_file(part=part, sha256=SHA256)
    assert not part.exists()


class TestABucket:
    def test_gives_back_what_was_sealed(self, bucket, tmp_path: Path):
        seal_data(tmp_path)
        with open_sealed_file(sha256=SHA256) as file:
            assert file.read() == DATA
        with open_sealed_path(sha256=SHA256) as path:
            assert path.read_bytes() == DATA

    def test_holds_equal_files_once(self, bucket, tmp_path: Path):
        seal_data(tmp_path)
        seal_data(tmp_path)
        assert [row["Size"] for row in bucket.list_objects_v2(Bucket="evidence")["Contents"]] == [len(DATA)]

    def test_raises_for_content_that_it_does_not_hold(self, bucket):
        with pytest.raises(FileNotFoundError):
            open_sealed_file(sha256="0" * 64).read()


class TestTheSettings:
    def test_name_the_bucket(self, tmp_path: Path):
        variables = {
            "SEALED_S3_BUCKET": "evidence",
            "SEALED_S3_ENDPOINT": "https://s3.example.org",
            "DATA_DIR": str(tmp_path),
        }
        process = run_with_environment(
            VALID_ENVIRONMENT | variables,
            "from config import settings as s; print(s.STORAGES['sealed']['OPTIONS']['endpoint_url'])",
        )
        assert process.stdout.strip() == "https://s3.example.org", process.stderr
