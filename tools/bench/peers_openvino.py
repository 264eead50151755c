"""OpenVINO's side of tools/bench/peers."""

import numpy as np
import openvino

from peers_worker import Peer


class OpenVino(Peer):
    def prepare(self) -> str:
        core = openvino.Core()
        # Where a processor has bfloat16, OpenVINO would compute in it.
        model = core.compile_model(self.settings["onnx"], "CPU", {
            "INFERENCE_NUM_THREADS": self.settings["threads"], "NUM_STREAMS": 1, "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": "f32"})
        self.request = model.create_infer_request()
        return f"OpenVINO {openvino.__version__.split('-')[0]}"

    def iteration(self, batch, labels):
        # The result lies in memory that the next request writes to.
        return np.array(self.request.infer({0: batch}, share_inputs=True, share_outputs=True)[0])
