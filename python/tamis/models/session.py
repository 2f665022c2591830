"""The one place that opens ONNX files.

A session computes with one thread, and as many callers share it as there are cores. So the
result for a text depends on no other text, and nothing is lost to padding or to threads that
wait for each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from tamis.errors import ModelError
from tamis.types import FloatArray

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

#: What a tokenizer can give a network; it must ask for the first and may ask for the others.
INPUTS = ("input_ids", "attention_mask", "token_type_ids")


def open_session(path: Path) -> InferenceSession:
    """Open an ONNX file for concurrent use on the CPU.

    Raises
    ------
    ModelError
        If onnxruntime cannot open it.
    """
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 3  # errors
    try:
        return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its exceptions share no base of their own
        raise ModelError(f"onnxruntime cannot open {path}: {error}") from error


class Network:
    """An ONNX network over token ids, of which one output is read.

    Parameters
    ----------
    path : Path
        The ONNX file.
    output : str
        The name of the output.

    Raises
    ------
    ModelError
        If the file cannot be opened, lacks the output, or asks for inputs that no tokenizer
        gives.
    """

    def __init__(self, path: Path, output: str) -> None:
        self._path = path
        self._output = output
        self._session = open_session(path)
        self._inputs = [each.name for each in self._session.get_inputs()]
        outputs = [each.name for each in self._session.get_outputs()]
        if output not in outputs:
            raise ModelError(
                f"{path} has no output {output!r}, which its spec names; it has: "
                f"{', '.join(outputs)}"
            )
        unknown = [
            f"{each.name} ({each.type})"
            for each in self._session.get_inputs()
            if each.name not in INPUTS or each.type != "tensor(int64)"
        ]
        if unknown or "input_ids" not in self._inputs:
            raise ModelError(
                f"{path} asks for the inputs {', '.join(unknown or self._inputs)}; supported are "
                f"networks over input_ids and, where wanted, {' and '.join(INPUTS[1:])}, all int64"
            )

    def run(self, ids: list[int], types: list[int]) -> FloatArray:
        """Run the network on one text.

        Parameters
        ----------
        ids, types : list of int
            The ids of its tokens, and the ids of their sequence.

        Returns
        -------
        ndarray of float32
            The output for a batch of this one text.

        Raises
        ------
        ModelError
            If the network does not accept these tokens, or its output is not all finite
            numbers of 32 bits.
        """
        given: Mapping[str, list[int]] = {
            "input_ids": ids,
            "attention_mask": [1] * len(ids),
            "token_type_ids": types,
        }
        feeds: dict[str, npt.NDArray[np.int64]] = {
            name: np.array([given[name]], dtype=np.int64) for name in self._inputs
        }
        try:
            result: FloatArray = self._session.run([self._output], feeds)[0]
        except Exception as error:  # its exceptions share no base of their own
            raise ModelError(f"{self._path} failed on {len(ids)} tokens: {error}") from error
        if result.dtype != np.float32 or not np.isfinite(result).all():
            raise ModelError(
                f"the output {self._output!r} of {self._path} is not all finite float32 numbers"
            )
        return result
