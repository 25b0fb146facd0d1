"""A RADOS gateway of its own on loopback, with a store in memory; and requests to it, signed
as S3 has it (AWS Signature Version 4).

Users are organisations, subusers their keys, each of its level. The gateway takes the address of a
sender from X-Forwarded-For and TLS from X-Forwarded-Proto, so a test says both.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

PROGRAMS = ("ceph", "ceph-mon", "ceph-osd", "monmaptool", "radosgw", "radosgw-admin")
LEVELS = ("read", "write", "readwrite", "full")
SECRET = "secret"
CONF = """\
[global]
fsid = {fsid}
mon host = v1:127.0.0.1:{mon}/0
public network = 127.0.0.0/8
auth cluster required = none
auth service required = none
auth client required = none
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pg autoscale mode = off
mon max pg per osd = 500
osd crush chooseleaf type = 0
osd class update on start = false
osd objectstore = memstore
memstore device bytes = 536870912
ms bind msgr2 = false
run dir = {run}
log file = {run}/log/$name.log
admin socket = {run}/$name.asok
pid file = {run}/$name.pid
mon data = {run}/mon
osd data = {run}/osd
mon allow pool size one = true
[client.rgw.a]
rgw frontends = beast endpoint=127.0.0.1:{port} tcp_nodelay=1
rgw enable usage log = false
rgw remote addr param = HTTP_X_FORWARDED_FOR
rgw trust forwarded https = true
rgw thread pool size = 16
"""


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@dataclass(frozen=True)
class Gateway:
    """Where it answers, and how it is administered."""

    port: int
    conf: Path

    def admin(self, *words: str) -> None:
        """`radosgw-admin`."""
        command = ["radosgw-admin", "-c", str(self.conf), *words]
        subprocess.run(command, check=True, capture_output=True, timeout=60)

    def organisation(self, name: str) -> None:
        """A user with a key of its own, and a subuser of each level."""
        self.admin("user", "create", f"--uid={name}", f"--display-name={name}",
                   f"--access-key={name}", f"--secret-key={SECRET}")  # fmt: skip
        for level in LEVELS:
            sub = f"--subuser={name}:{level}"
            self.admin("subuser", "create", f"--uid={name}", sub, f"--access={level}")
            self.admin("key", "create", f"--uid={name}", sub, "--key-type=s3",
                       f"--access-key={name}-{level}", f"--secret-key={SECRET}")  # fmt: skip

    def ask(
        self,
        key: str | None,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> tuple[int, bytes]:
        """The status of a request, signed with a key or by nobody."""
        sent = dict(headers or {})
        host = f"127.0.0.1:{self.port}"
        text = urlencode(sorted((query or {}).items()), quote_via=quote)
        where = quote(path)
        if key is not None:
            sent |= signed(key, method, host, where, text, body)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, f"{where}?{text}" if text else where, body, sent)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


def signed(key: str, method: str, host: str, path: str, query: str, body: bytes) -> dict[str, str]:
    """The headers of Signature Version 4, region `default`."""
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    digest = hashlib.sha256(body).hexdigest()
    names = "host;x-amz-content-sha256;x-amz-date"
    canonical = "\n".join(
        (method, path, query, f"host:{host}", f"x-amz-content-sha256:{digest}",
         f"x-amz-date:{now}", "", names, digest)
    )  # fmt: skip
    scope = f"{now[:8]}/default/s3/aws4_request"
    told = hashlib.sha256(canonical.encode()).hexdigest()
    secret = f"AWS4{SECRET}".encode()
    for part in scope.split("/"):
        secret = hmac.digest(secret, part.encode(), "sha256")
    text = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{told}"
    signature = hmac.new(secret, text.encode(), "sha256").hexdigest()
    credential = f"Credential={key}/{scope}, SignedHeaders={names}, Signature={signature}"
    return {
        "Authorization": f"AWS4-HMAC-SHA256 {credential}",
        "x-amz-content-sha256": digest,
        "x-amz-date": now,
    }


def again(start: Callable[[], None]) -> None:
    """Start what may not come up at once, because another one is not there yet."""
    for left in range(4, -1, -1):
        try:
            start()
            return
        except subprocess.CalledProcessError:
            if not left:
                raise
            time.sleep(1)


@contextmanager
def gateway(folder: Path) -> Iterator[Gateway]:
    """A gateway that runs for the length of a block; whatever was started ends with it."""
    run = folder / "run"
    for name in ("mon", "osd", "log"):
        (run / name).mkdir(parents=True)
    mon, port, fsid = free_port(), free_port(), str(uuid.uuid4())
    conf = folder / "ceph.conf"
    conf.write_text(CONF.format(fsid=fsid, run=run, mon=mon, port=port))
    root = ("-c", str(conf), "--setuser", "root", "--setgroup", "root")

    def do(*words: str) -> None:
        subprocess.run(words, check=True, capture_output=True, timeout=60, stdin=subprocess.DEVNULL)

    try:
        map_ = str(folder / "monmap")
        do("monmaptool", "--create", "--addv", "a", f"v1:127.0.0.1:{mon}", "--fsid", fsid, map_)
        do("ceph-mon", "--mkfs", "-i", "a", "--monmap", map_, *root)
        do("ceph-mon", "-i", "a", *root)
        osd = str(uuid.uuid4())
        do("ceph", "-c", str(conf), "osd", "new", osd, "0")
        do("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", osd, *root)
        again(lambda: do("ceph-osd", "-i", "0", *root))
        do("ceph", "-c", str(conf), "osd", "crush", "add", "osd.0", "1.0", "root=default", "host=h")
        do("radosgw", "-n", "client.rgw.a", *root)
        made = Gateway(port, conf)
        for _ in range(300):
            try:
                made.ask(None, "GET", "/")
                break
            except OSError:
                time.sleep(0.2)
        yield made
    finally:
        for pid in run.glob("*.pid"):
            with_id = int(pid.read_text().strip() or 0)
            if with_id > 1:
                with suppress(ProcessLookupError):
                    os.kill(with_id, signal.SIGKILL)
        shutil.rmtree(folder, ignore_errors=True)


def document(statements: list[dict[str, Any]]) -> bytes:
    """A policy."""
    return json.dumps({"Version": "2012-10-17", "Statement": statements}).encode()
