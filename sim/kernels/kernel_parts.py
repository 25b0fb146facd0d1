"""How parts of kernels are compiled: to code that kernels take in, and no further.

numba makes machine code of every function that it compiles, and optimizes it with all that it calls
at each level of calls. Nobody runs a part alone, so that both are done once, in the kernel.
"""

from __future__ import annotations

from typing import Any

from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler


class NoEnvironments:
    """Where environments of functions are set that nobody runs alone."""

    def set_env(self, name: str, env: Any) -> None:
        """Leave it out."""


class KernelPart(JITCodeLibrary):
    """The code of a part, and of the parts that it calls."""

    codegen = NoEnvironments()

    def get_pointer_to_function(self, name: str) -> int:
        """Nowhere."""
        return 0

    def _optimize_final_module(self) -> None:
        """Kernels do."""

    def _finalize_final_module(self) -> None:
        self._finalized = True


class PartCompiler(Compiler):
    """Compiles a function as a part."""

    def define_pipelines(self) -> Any:
        """numba's own, for a library of ours."""
        state: Any = self.state
        state.library = KernelPart(state.targetctx.codegen(), state.func_id.func_qualname)  # type: ignore[no-untyped-call]
        return super().define_pipelines()  # type: ignore[no-untyped-call]
