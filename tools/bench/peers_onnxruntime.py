"""onnxruntime's side of tools/bench/peers."""

import onnxruntime

from peers_worker import Peer


class OnnxRuntime(Peer):
    def prepare(self) -> str:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.settings["threads"]
        options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            self.settings["onnx"], options, providers=["CPUExecutionProvider"])
        return f"onnxruntime {onnxruntime.__version__}"

    def iteration(self, batch, labels):
        return self.session.run(None, {"input": batch})[0]
