"""A web server with the same rules answers as we say, request by request.

nginx looks for the first `location` of exact text and regular expressions; here a map of method,
path with query, and host, each anchored, stands for Cilium's header matchers. Paths go over the
wire byte by byte (`$request_uri` is what was sent), so that what is normalised before rules see it
(`$uri`, with `merge_slashes`) is compared as well.
"""

from __future__ import annotations

import random
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence

import oracles
import pytest

from compiler.requests.asked_requests import RequestAsked
from compiler.requests.http_rules import HeaderAsk, HttpRequest, HttpRule
from compiler.requests.languages import of_regex
from compiler.requests.request_sets import left, rule_box, shortest
from compiler.requests.request_verdicts import of_conditions
from compiler.requests.seen_paths import normal

pytestmark = pytest.mark.oracle("openssl")
RULES = (
    HttpRule("GET", "/carts/.*"),
    HttpRule("GET|HEAD", r"/items/[0-9]{1,3}(\?.*)?", r"shop\.example"),
    HttpRule("POST", "/orders", r"(.+\.)?shop\.example(:[0-9]+)?", (HeaderAsk("X-Token", "42"),)),
    HttpRule("", r"/(public|static)(/[^/]+)*/?", "", (HeaderAsk("X-Trace"),)),
    HttpRule("DELETE|PUT", r"/v[0-9]+/[a-z_-]+/[^/]*"),
    HttpRule("OPTIONS"),
)
PATHS = """/ /carts/ /carts/1 /carts /cartsx /Carts/1 /items/1 /items/1234 /items/12?x=1 /items/
    /orders /orders/ /orders?a /public /public/ /public/a/b /static//a /publicx /v1/ab/c /v1/ab/
    /v/ab/c /v12/a-b/c?d"""
ODD = "/a/../b /a/./b /a//b /a/b/.. /a/b/. //a /a/%2e%2e/b /a/%2E./b /x/y/../../z /a/... /"
CONFIGURATION = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/log;
events {{}}
http {{
    access_log off; client_body_temp_path {folder}/a; proxy_temp_path {folder}/b;
    fastcgi_temp_path {folder}/c; uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
    map_hash_bucket_size 256; keepalive_requests 100000;
{maps}
    server {{
        listen 127.0.0.1:{port}; merge_slashes on;
        location / {{ return 200 "{answer} $uri"; }}
    }}
}}
"""


def maps() -> tuple[str, str]:
    """A variable for each part of each rule: 1 where it fits. The answer has all of them."""
    lines, answer = [], []
    for number, rule in enumerate(RULES):
        parts = [
            ("m", "$request_method", rule.method),
            ("p", "$request_uri", rule.path),
            ("h", "$http_host", rule.host),
        ]
        parts += [
            (
                f"x{n}",
                f"$http_{ask.name.lower().replace('-', '_')}",
                ".*" if ask.value is None else ask.value,
            )
            for n, ask in enumerate(rule.headers)
        ]
        for name, variable, text in parts:
            wanted = f'"~^(?:{text})$" 1;' if text else ""
            default = "0" if text else "1"
            if name.startswith("x") and text == ".*":
                wanted, default = '"" 0;', "1"
            lines.append(f"map {variable} $r{number}{name} {{ default {default}; {wanted} }}")
        answer.append("".join(f"$r{number}{name}" for name, _, _ in parts))
    return "\n".join(lines), "|".join(answer)


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of nginx with our rules, on the loopback."""
    oracles.require("nginx")
    folder = tmp_path_factory.mktemp("nginx")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number = int(free.getsockname()[1])
    written, answer = maps()
    text = CONFIGURATION.format(folder=folder, port=number, maps=written, answer=answer)
    (folder / "conf").write_text(text)
    nginx = oracles.find("nginx")
    assert nginx is not None
    process = subprocess.Popen(
        [nginx, "-p", str(folder), "-c", str(folder / "conf"), "-e", str(folder / "log")]
    )
    try:
        for _ in range(100):
            with socket.socket() as tried:
                if tried.connect_ex(("127.0.0.1", number)) == 0:
                    break
            time.sleep(0.05)
        yield number
    finally:
        process.terminate()
        process.wait(10)


def requests() -> list[HttpRequest]:
    """Plain ones, and those at the edges of each rule: in one language and out of another."""
    draw = random.Random(7)
    paths = PATHS.split()
    for one in RULES:
        for other in RULES:
            found = shortest(left([rule_box(one)], [rule_box(other)]))
            if found is not None and found.path.isascii():
                paths.append(found.path)
    hosts = [
        "shop.example",
        "Shop.example",
        "a.shop.example",
        "shop.example:80",
        "shopxexample",
        "b",
    ]
    methods = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "get", "PATCH"]
    headers = [(), (("x-token", "42"),), (("x-token", "421"),), (("x-trace", "z"),)]
    every = [
        HttpRequest(m, p, h, head)
        for p in dict.fromkeys(paths)
        for h in hosts
        for m in methods
        for head in headers
    ]
    return draw.sample(every, 1500)


def asked(port: int, given: Sequence[HttpRequest]) -> list[str]:
    """What the server says of each; empty where it refuses to read one."""
    said = []
    for request in given:
        with socket.create_connection(("127.0.0.1", port), 10) as there:
            method = "GET" if request.method == "HEAD" else request.method
            lines = [
                f"{method} {request.path} HTTP/1.1",
                f"Host: {request.host}",
                "Connection: close",
            ]
            lines += [f"{name}: {value}" for name, value in request.headers]
            there.sendall("\r\n".join([*lines, "", ""]).encode())
            answer = b""
            while part := there.recv(65536):
                answer += part
        head, _, body = answer.partition(b"\r\n\r\n")
        said.append(body.decode() if b" 200 " in head.partition(b"\r\n")[0] else "")
    return said


def test_a_server_with_the_same_rules_agrees(port: int) -> None:
    given = [r for r in requests() if r.method != "HEAD"]
    answers = asked(port, given)
    agreed, passed = 0, 0
    for request, answer in zip(given, answers, strict=True):
        if not answer:
            assert not request.method.isupper(), request  # nginx reads no method in lower case
            continue
        fits = ["0" not in part for part in answer.split(" ")[0].split("|")]
        for rule, fit in zip(RULES, fits, strict=True):
            assert rule.holds(request) is fit, (str(rule), request)
        found = of_conditions((RequestAsked.of(RULES),), request, "as-sent")
        assert found.holds is any(fits)
        agreed, passed = agreed + 1, passed + any(fits)
    assert agreed >= 1000
    assert 100 < passed < agreed - 100


@pytest.mark.parametrize("path", ODD.split())
def test_paths_are_normalised_as_a_server_does(port: int, path: str) -> None:
    (answer,) = asked(port, [HttpRequest("GET", path, "h")])
    assert answer.split(" ", 1)[1] == normal(path, False)


def test_a_server_reads_what_automata_hold(port: int) -> None:
    """Texts at the edge of each rule's path, longest first: in the automaton, and in the map."""
    tried = []
    for rule in RULES:
        if rule.path:
            inside, outside = of_regex(rule.path), of_regex("/[a-z0-9/_-]*")
            tried += [t for t in (inside.shortest(), (outside - inside).shortest()) if t]
    given = [HttpRequest("GET", path, "h") for path in tried if path.startswith("/")]
    for request, answer in zip(given, asked(port, given), strict=True):
        parts = answer.split(" ")[0].split("|")
        for rule, part in zip(RULES, parts, strict=True):
            if rule.path:
                assert (part[1] == "1") is (request.path in of_regex(rule.path))
