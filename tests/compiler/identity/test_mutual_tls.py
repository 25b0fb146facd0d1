"""A real server that asks clients for certificates accepts and refuses as we say, now."""

from __future__ import annotations

import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import minted
import oracles
import pytest
from minted import WEB, Authority, authority, leaf

from compiler.identity.judge import judge, trust

pytestmark = pytest.mark.oracle("openssl")
HOUR = timedelta(hours=1)
NOW = datetime.now(UTC).replace(microsecond=0)
DATES = {"start": NOW - HOUR, "end": NOW + HOUR}
ROOT = authority("root of tls", **DATES)
CONFIGURATION = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/log;
events {{}}
http {{
    access_log off; client_body_temp_path {folder}/a; proxy_temp_path {folder}/b;
    fastcgi_temp_path {folder}/c; uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {folder}/server; ssl_certificate_key {folder}/key;
        ssl_client_certificate {folder}/bundle; ssl_verify_client on; ssl_verify_depth 9;
        location / {{ return 200 "$ssl_client_verify"; }}
    }}
}}
"""


def chains() -> dict[str, str]:
    """What a client may come with, all of it with the same name and key."""
    middle = authority("middle of tls", ROOT, **DATES)
    foreign = authority("globex of tls", **DATES)
    forger = Authority(ROOT.certificate, minted.key("P-256", "forger"))
    late = {"start": NOW - 2 * HOUR, "end": NOW - HOUR}
    soon = {"start": NOW + HOUR, "end": NOW + 2 * HOUR}
    gone = authority("gone of tls", ROOT, **late)
    blunt = authority("blunt of tls", ROOT, signs=False, **DATES)
    return {
        "good": minted.pem(leaf(ROOT, **DATES)),
        "with a middle": minted.pem(leaf(middle, **DATES), middle.certificate),
        "without the middle": minted.pem(leaf(middle, **DATES)),
        "expired": minted.pem(leaf(ROOT, **late)),
        "not yet valid": minted.pem(leaf(ROOT, **soon)),
        "foreign": minted.pem(leaf(foreign, **DATES)),
        "foreign with its root": minted.pem(leaf(foreign, **DATES), foreign.certificate),
        "forged": minted.pem(leaf(forger, **DATES)),
        "a middle that has expired": minted.pem(leaf(gone, **DATES), gone.certificate),
        "a middle that may not sign": minted.pem(leaf(blunt, **DATES), blunt.certificate),
    }


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of nginx, with our bundle."""
    oracles.require("nginx")
    folder = tmp_path_factory.mktemp("nginx")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    (folder / "server").write_text(minted.pem(leaf(ROOT, **DATES)))
    (folder / "key").write_text(minted.private(minted.key("P-256", "leaf")))
    (folder / "bundle").write_text(ROOT.pem)
    (folder / "conf").write_text(CONFIGURATION.format(folder=folder, port=port))
    nginx = oracles.find("nginx")
    assert nginx is not None
    process = subprocess.Popen(
        [nginx, "-p", str(folder), "-c", str(folder / "conf"), "-e", str(folder / "log")]
    )
    try:
        for _ in range(100):
            with socket.socket() as tried:
                if tried.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert process.poll() is None, (folder / "log").read_text()
            time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait()


def accepted(port: int, chain: str, folder: Path) -> bool:
    """Whether the server lets a client with this chain in."""
    (folder / "chain").write_text(chain + minted.private(minted.key("P-256", "leaf")))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.load_cert_chain(folder / "chain")
    try:
        with (
            socket.create_connection(("127.0.0.1", port), timeout=10) as plain,
            context.wrap_socket(plain) as secured,
        ):
            secured.sendall(b"GET / HTTP/1.0\r\n\r\n")
            said = b""
            while more := secured.recv(65536):
                said += more
    except (ssl.SSLError, ConnectionError):
        return False
    return said.startswith(b"HTTP/1.1 200") and said.endswith(b"SUCCESS")


@pytest.mark.parametrize("name", chains())
def test_the_server_says_the_same(server: int, name: str, tmp_path: Path) -> None:
    chain = chains()[name]
    found = judge(chain, {"acme.example": trust(ROOT.pem)}, datetime.now(UTC))
    assert found.name == WEB
    assert accepted(server, chain, tmp_path) == (found.verdict == "accepted"), found
    assert (found.verdict == "accepted") == (name in ("good", "with a middle"))
