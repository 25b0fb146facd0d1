"""What every option means, once for all verbs, and the words that are kept for later.

Rules that hold here (a test walks the whole command line):

1. An option means the same wherever it stands: another meaning needs another word.
2. An option is no verb's name, but for `--check`, which checks the folder that it names.
3. Reserved words are nobody's yet: who brings the capability takes the word with this meaning.
"""

from __future__ import annotations

OPTIONS = {
    "--all": "every one there is",
    "--all-ports": "try both sides of every bound that the policy knows",
    "--as": "who asks: the identity on whose behalf",
    "--as-group": "a group of whom is asked for",
    "--ask": "ask for what is wanted, or take what is usual",
    "--approved": "what this file approves is no difference",
    "--approved-by": "who approved a change",
    "--base": "the fabric file before a change, whose expectations are judged as well",
    "--bucket": "the bucket that policies are for",
    "--by": "what expectations are told by, instead of one by one",
    "--budget": "how large a world may get before it is refused",
    "--authentication": "how an API server knows its users, in this file",
    "--audience": "to whom tokens are presented",
    "--cluster": "the scheduler of a dask cluster whose workers try failures",
    "--by-flow": "one row per flow and what became of it",
    "--certificate": "write the proof down, into this file",
    "--check": "compare with the dumps in this folder, and write nothing",
    "--read-back": "prove that the configurations in this folder mean what is compiled",
    "--check-certificate": "check the proof that this file holds",
    "--color": "whether tables and messages have colours",
    "--complete": "the input is all that there is",
    "--columns": "the columns of a trace, one .npy file each",
    "--debug": "show tracebacks",
    "--dialect": "whose reading of policies holds, that of the APIs or Cilium's",
    "--dissect": "take apart this many frames that nobody understands",
    "--accept-unevaluated": "go on as if there were no objects of this kind; the answer says so",
    "--despite-findings": "go on although there are findings; the exit code stays",
    "--dropped": "write dropped packets into this file",
    "--engine": "what decides about packets",
    "--evpn": "Type-5 routes as they are announced",
    "--expires": "when an approval ends",
    "--exposure": "what pods that are not there could reach, or be reached by",
    "--fabric": "the fabric file",
    "--fail-under": "the share, in percent, below which the exit code is that of a finding",
    "--failed": "only what is not established",
    "--flows": "answer for the flows in this file",
    "--focus": "only rows about this workload, direction or protocol",
    "--format": "the format of the dumps that are written (repeatable)",
    "--from": "only what this can reach: who asks",
    "--from-current": "lines say what is now",
    "--from-flows": "policies permit what this file observed",
    "--group": "a group that the subject is in",
    "--header": "a header of the request that is asked about",
    "--help": "show how the verb is used",
    "--host-network": "whether policies apply to host-network pods",
    "--http": "decide a request",
    "--http-log": "decide each request that was logged in this file",
    "--ignored": "the lines of configurations that change no fact, and why",
    "--ipblock": "whether an ipBlock also matches addresses of pods",
    "--in-steps": "an order in steps is enough",
    "--ipv6": "follow the IPv6 packet where there is one",
    "--links": "links and their ports",
    "--lcov": "write what is covered as an LCOV tracefile, into this file",
    "--link": "where all of an answer is, told where it is cut",
    "--locked": "fail instead of drawing what the lock file does not have",
    "--matrix": "the isolation matrix",
    "--most": "how many are shown",
    "--names": "the names that pods resolve, with their addresses",
    "--no-offers": "look for no expectations that would notice",
    "--node": "only this node",
    "--name": "the object that is meant",
    "--namespace": "a namespace that is meant; as tenant/namespace, where there are tenants",
    "--out": "the file or folder to write; -o where a verb writes files",
    "--output": "the format of the answer on stdout; -o elsewhere",
    "--packets": "how many packets are generated per trace",
    "--paths": "what every BGP session brings",
    "--pairs": "generate every pair on every interesting port",
    "--pcap": "write packets as they were on the wire into this file",
    "--permitted": "the share of random flows that is permitted",
    "--policy": "the policy of a bucket, in this file",
    "--port": "only these ports",
    "--prefix": "only what this address or prefix concerns",
    "--quiet": "no progress on stderr",
    "--random": "generate this many random flows",
    "--render": "commands that make manifests may run if they begin with these words",
    "--replies": "answer generated flows that are permitted",
    "--requests": "answer the questions in this file, one JSON object per line",
    "--root": "a folder whose files may be read and quoted, beside the input's own",
    "--reason": "why a change or an access was asked for",
    "--rounds": "how often everything is measured",
    "--rules": "a file of rules, not from a fabric",
    "--seed": "where random numbers start",
    "--stage": "only this stage of the policy",
    "--state": "what devices say that they have, in this folder",
    "--stateless": "decide every packet anew",
    "--summary": "add the answer as Markdown to this file",
    "--target": "the device whose capacity and format count",
    "--tenant": "only this tenant",
    "--to": "only who can reach this",
    "--trace": "follow this flow through the fabric",
    "--trust": "who vouches: the bundle of a trust domain, or the keys of an issuer, as NAME=FILE",
    "--underlay": "routes of the fabric itself, to loopbacks",
    "--verbose": "what was done and how long it took, on stderr",
    "--version": "which release this is",
    "--vrf": "the VRF that is meant, as tenant/vrf",
    "--watch": "again, whenever an input changes",
    "--what": "which kind of number",
    "--with": "a condition key that a request has, as KEY=VALUE",
    "--without": "a condition key that a request does not have",
    "--workers": "how many processes try failures",
    "--width": "the prefixes by which addresses are named, IPv4 and IPv6",
    "--zipf": "repeat random flows by this exponent",
}
"""But for those of world axes, whose rows say it: see `meanings`."""


def meanings() -> dict[str, str]:
    """What every option means, in order."""
    from sim.worlds.axes import axes

    return dict(sorted((OPTIONS | {a.option.name: a.option.means for a in axes()}).items()))


RESERVED_OPTIONS = {
    "--rev": "a revision of the input, such as a git commit",
    "--since": "the revision or moment to compare with",
    "--ticket": "the request that a change belongs to",
    "--audit-log": "where decisions are recorded",
    "--compromised": "take this node for hostile",
}
RESERVED_VERBS = {
    "serve": "answer questions over a network",
    "request": "ask for an access: what it would take, and what it would open",
    "audit": "what was decided, by whom, on which grounds",
    "history": "which revision brought or took an access",
    "grant": "an access that ends at a time",
}
