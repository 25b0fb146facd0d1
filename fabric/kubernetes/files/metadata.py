"""Names and labels of Kubernetes objects, as the API server accepts them.

Source: apimachinery `pkg/util/validation` (DNS-1123 names, qualified names, label values).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from fabric.diagnostics import Span
from fabric.kubernetes.files.cursor import Cursor

DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
LABEL_TEXT = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?")
NAMESPACES = (("", "Namespace"), ("project.openshift.io", "Project"))
"""Two views of one object: OpenShift shows a namespace, with its labels, as a project as well."""
NAME_LABEL = "kubernetes.io/metadata.name"
DEFAULT_NAMESPACE = "default"


@dataclass(frozen=True, slots=True)
class Metadata:
    """What identifies an object, and where its metadata stands."""

    name: str
    namespace: str
    labels: Mapping[str, str]
    span: Span


def metadata(root: Cursor) -> Metadata:
    """Name, namespace and labels of an object; mistakes become diagnostics. A name that the server
    would generate is its prefix."""
    about = root["metadata"]
    name = about["name"].check(valid_name, "C609", "a name: lower case letters, digits, - and .")
    generated = about["generateName"].text().rstrip("-.")
    if not name and valid_name(generated):
        name = generated
    elif not about["name"]:
        kind = root.value.get("kind")
        root.problems.error("C604", f"{kind} without metadata.name", root.source.span())
    namespace = about["namespace"].check(valid_label_name, "C609", "a namespace name")
    return Metadata(
        name, namespace or DEFAULT_NAMESPACE, labels(about["labels"]), about["name"].span
    )


def labels(field: Cursor) -> dict[str, str]:
    """A mapping of labels."""
    out = {}
    for key in field.names():
        if not valid_key(key):
            field[key].error("C606", f'"{key}" is not a label key')
        if field.value[key] is None:
            out[key] = ""
            continue
        out[key] = field[key].text(code="C606")
        if not valid_value(out[key]):
            field[key].error("C606", f'"{out[key]}" is not a label value')
    return out


def valid_label_name(text: str) -> bool:
    """Whether the text is a DNS label, as namespaces are."""
    return len(text) <= 63 and DNS_LABEL.fullmatch(text) is not None


def valid_name(text: str) -> bool:
    """Whether the text is a DNS subdomain, as most names are.

    >>> [valid_name(text) for text in ("web-0", "a.b", "Web", "")]
    [True, True, False, False]
    """
    return len(text) <= 253 and all(DNS_LABEL.fullmatch(part) for part in text.split("."))


valid_node_name = valid_name


def valid_value(text: str) -> bool:
    """Whether the text can be a label's value; it may be empty."""
    return not text or (len(text) <= 63 and LABEL_TEXT.fullmatch(text) is not None)


def valid_key(text: str) -> bool:
    """Whether the text is a qualified name: `[prefix/]name`.

    >>> [valid_key(text) for text in ("app", "kubernetes.io/metadata.name", "/x", "a b")]
    [True, True, False, False]
    """
    prefix, slash, name = text.rpartition("/")
    return (not slash or valid_name(prefix)) and bool(name) and valid_value(name)
