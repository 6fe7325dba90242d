"""The only module that knows ONNX Runtime: one network, float32 in and float32 out, in little memory.

Measured on the 46 development pages with two threads (peak and idle memory of one process, CPU seconds a page):

| memory policy                                             | peak MB | idle MB | CPU s |
|-----------------------------------------------------------|---------|---------|-------|
| ONNX Runtime's defaults (arena, memory pattern)           |     365 |     342 |  0.14 |
| arena, no memory pattern                                  |     215 |     213 |  0.10 |
| no arena, large blocks mapped                             |     178 |     128 |  0.28 |
| one shared arena, emptied after detection, blocks mapped  |     193 |     118 |  0.14 |

The last one runs here. The memory pattern keeps a block for each shape, and no two pages have one shape. An arena that
is emptied gives nothing back while glibc keeps its blocks in the heap, so blocks of 1 MiB and more are always mapped.
All threads share one heap: with a heap each, idle memory grew to 137 MB instead of 114.
"""

import ctypes
import os
from functools import cache
from pathlib import Path

# ONNX Runtime's wheels report every start to their maker unless they are told not to before they are loaded.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import numpy as np
import onnxruntime

from ziyan.errors import ModelRejected

onnxruntime.disable_telemetry_events()

_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8  # <malloc.h>
_GROW_AS_REQUESTED = 1  # instead of by powers of two


class Session:
    """A loaded network with one input and one output. `threads` work on one run; none spins while it waits.

    Weights stored as INT8 are made float when the network is loaded; `compact` does it at each run instead. On the
    second recognizer that is 10 MB less and a fifth more time.
    """

    def __init__(self, path: Path, *, threads: int, compact: bool = False) -> None:
        _share_one_arena()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.enable_mem_pattern = False
        options.log_severity_level = 3
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.add_session_config_entry("session.use_env_allocators", "1")
        # While quantized graphs are "supported", constant folding leaves the weights' DequantizeLinear in the network.
        options.add_session_config_entry("session.disable_quant_qdq", "0" if compact else "1")
        try:
            self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime raises many private types here; all mean the same to us
            raise ModelRejected(
                "model_unreadable",
                f"ONNX Runtime 无法加载 {path.name}。请重新运行 make models。",
                f"ONNX Runtime cannot load {path.name}: {error}. Run make models again.",
            ) from error
        self._input = self._session.get_inputs()[0].name
        self._output = self._session.get_outputs()[0].name
        self._emptying = onnxruntime.RunOptions()
        self._emptying.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")

    @property
    def metadata(self) -> dict[str, str]:
        """What was written into the file beside the network."""
        return self._session.get_modelmeta().custom_metadata_map

    def run(self, tensor: np.ndarray, *, empty_arena: bool = False) -> np.ndarray:
        """The network's output for `tensor`; `empty_arena` gives the arena's unused memory back afterwards.

        The output itself is in the arena, and keeps its block there until `sweep`.
        """
        options = self._emptying if empty_arena else None
        return self._session.run([self._output], {self._input: tensor}, options)[0]

    def sweep(self, tensor: np.ndarray, output: np.ndarray) -> None:
        """Empties the arena of all sessions to the last block: runs `tensor`, a small one, with its result in `output`,
        outside the arena. `output` has the shape of that result; both are contiguous float32.
        """
        binding = self._session.io_binding()
        binding.bind_input(self._input, "cpu", 0, np.float32, tensor.shape, tensor.ctypes.data)
        binding.bind_output(self._output, "cpu", 0, np.float32, output.shape, output.ctypes.data)
        self._session.run_with_iobinding(binding, self._emptying)


def release_memory() -> None:
    """Gives back what glibc keeps of freed memory: 17 MB after a page of 2.5 megapixels."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # musl has none
    if trim:
        trim(0)


@cache
def _share_one_arena() -> None:
    """All sessions of the process allocate from one arena; detection's memory serves recognition a moment later."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
    if mallopt:
        mallopt(_M_MMAP_THRESHOLD, 1 << 20)
        mallopt(_M_ARENA_MAX, 1)
    memory = onnxruntime.OrtMemoryInfo(
        "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    bounds = {
        "max_mem": 0,
        "arena_extend_strategy": _GROW_AS_REQUESTED,
        "initial_chunk_size_bytes": 1 << 20,
        "max_dead_bytes_per_chunk": 1 << 20,
    }
    onnxruntime.create_and_register_allocator(memory, onnxruntime.OrtArenaCfg(bounds))
