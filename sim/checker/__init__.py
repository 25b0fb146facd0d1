"""An independent reader of certificates.

`consistency` says what a certificate shows by itself; `validity` computes everything in it again
from the network: rules and routes that it reads one at a time (`compiler.policy.semantics`,
`fabric.control.fib`), header space that it cuts itself. Nothing here imports what computes or
writes proofs; an import contract in pyproject.toml says so.
"""
