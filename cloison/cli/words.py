"""What every option means, once for all verbs, and the words that are kept for later.

Rules that hold here (a test walks the whole command line):

1. An option means the same wherever it stands: another meaning needs another word.
2. An option is no verb's name.
3. Reserved words are nobody's yet: who brings the capability takes the word with this meaning.
"""

from __future__ import annotations

OPTIONS = {
    "--all": "every one there is",
    "--all-ports": "try both sides of every bound that the policy knows",
    "--budget": "how large a world may get before it is refused",
    "--by-flow": "one row per flow and what became of it",
    "--certificate": "write the proof down, into this file",
    "--check-certificate": "check the proof that this file holds",
    "--color": "whether tables and messages have colours",
    "--columns": "the columns of a trace, one .npy file each",
    "--debug": "show tracebacks",
    "--dissect": "take apart this many frames that nobody understands",
    "--accept-unevaluated": "go on as if there were no objects of this kind; the answer says so",
    "--despite-findings": "go on although there are findings; the exit code stays",
    "--down": "fail this node, link, BGP session or risk group first",
    "--dropped": "write dropped packets into this file",
    "--engine": "what decides about packets",
    "--evpn": "Type-5 routes as they are announced",
    "--fabric": "the fabric file",
    "--failed": "only what is not established",
    "--flows": "answer for the flows in this file",
    "--format": "the format of the dumps that are written (repeatable)",
    "--from": "only what this can reach",
    "--help": "show how the verb is used",
    "--host-network": "whether policies apply to host-network pods",
    "--ipblock": "whether an ipBlock also matches addresses of pods",
    "--ipv6": "follow the IPv6 packet where there is one",
    "--links": "links and their ports",
    "--locked": "fail instead of drawing what the lock file does not have",
    "--matrix": "the isolation matrix",
    "--node": "only this node",
    "--out": "the file or folder to write; -o where a verb writes files",
    "--output": "the format of the answer on stdout; -o elsewhere",
    "--packets": "how many packets are generated per trace",
    "--pairs": "generate every pair on every interesting port",
    "--pcap": "write packets as they were on the wire into this file",
    "--permitted": "the share of random flows that is permitted",
    "--port": "only these ports",
    "--prefix": "only what this address or prefix concerns",
    "--quiet": "no progress on stderr",
    "--random": "generate this many random flows",
    "--replies": "answer generated flows that are permitted",
    "--root": "a folder whose files may be read and quoted, beside the input's own",
    "--rounds": "how often everything is measured",
    "--rules": "a file of rules, not from a fabric",
    "--seed": "where random numbers start",
    "--stage": "only this stage of the policy",
    "--stateless": "decide every packet anew",
    "--target": "the device whose capacity and format count",
    "--tenant": "only this tenant",
    "--to": "only who can reach this",
    "--trace": "follow this flow through the fabric",
    "--underlay": "routes of the fabric itself, to loopbacks",
    "--verbose": "what was done and how long it took, on stderr",
    "--version": "which release this is",
    "--vrf": "the VRF that is meant, as tenant/vrf",
    "--watch": "again, whenever an input changes",
    "--what": "which kind of number",
    "--zipf": "repeat random flows by this exponent",
}

RESERVED_OPTIONS = {
    "--at": "the moment for which is asked: policies and grants have times",
    "--rev": "a revision of the input, such as a git commit",
    "--since": "the revision or moment to compare with",
    "--as": "who asks: the identity on whose behalf",
    "--approved-by": "who approved a change",
    "--reason": "why a change or an access was asked for",
    "--ticket": "the request that a change belongs to",
    "--audit-log": "where decisions are recorded",
    "--compromised": "take this node for hostile",
}
RESERVED_VERBS = {
    "report": "everything about a world on one page, to hand on",
    "import": "a configuration that already runs → a fabric file",
    "serve": "answer questions over a network",
    "request": "ask for an access: what it would take, and what it would open",
    "approve": "say yes or no to a request",
    "audit": "what was decided, by whom, on which grounds",
    "history": "which revision brought or took an access",
    "rollout": "the order in which a change is safe",
    "grant": "an access that ends at a time",
}
