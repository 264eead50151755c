"""TensorFlow's side of tools/bench/peers: the Keras model that `zoo convert` wrote, as a graph for one batch size."""

import os

from peers_worker import Peer

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["KERAS_BACKEND"] = "tensorflow"
# It announces itself on standard error, whatever the level.
errors = os.dup(2)
os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
import keras  # noqa: E402
import tensorflow  # noqa: E402

os.dup2(errors, 2)


class TensorFlow(Peer):
    def prepare(self) -> str:
        tensorflow.config.threading.set_intra_op_parallelism_threads(self.settings["threads"])
        tensorflow.config.threading.set_inter_op_parallelism_threads(1)
        model = keras.models.load_model(self.settings["keras"], compile=False)
        count, channels, height, width = self.inputs[0].shape

        @tensorflow.function(input_signature=[tensorflow.TensorSpec((count, channels, height, width))])
        def logits(batch):
            return model(tensorflow.transpose(batch, [0, 2, 3, 1]), training=False)

        self.function = logits.get_concrete_function()
        return f"TensorFlow {tensorflow.__version__}, Keras {keras.__version__}"

    def iteration(self, batch, labels):
        return self.function(tensorflow.constant(batch)).numpy()
