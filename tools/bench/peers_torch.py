"""PyTorch's side of tools/bench/peers. A "variant" says how PyTorch is used:

eager           as most people write it
channels-last   eager, with the network and its inputs in channels-last memory, and the fused SGD
compile         torch.compile: frozen for inference and for a frozen body, with the fused SGD where it trains
compile-channels-last    both
double          eager in double precision with all processors: the reference
"""

import os
import re

import numpy as np
import torch
from torch.nn import functional as F

import peers_networks
from peers_worker import Peer


class Torch(Peer):
    def prepare(self) -> str:
        settings = self.settings
        self.mode, variant = settings["mode"], settings["variant"]
        self.format = torch.channels_last if variant.endswith("channels-last") else torch.contiguous_format
        self.type = torch.double if variant == "double" else torch.float
        torch.set_num_threads(len(os.sched_getaffinity(0)) if variant == "double" else settings["threads"])
        model = peers_networks.loaded(settings["model"], settings["weights"])
        self.model = model.to(dtype=self.type, memory_format=self.format).train(self.mode == "train")
        self.names = list(self.model.state_dict())
        self.tensors = {**dict(self.model.named_parameters()), **dict(self.model.named_buffers())}
        self.body, self.head = peers_networks.split(self.model) if self.mode == "frozen" else (self.model, None)
        learned = self.model if self.mode == "train" else self.head
        self.optimizer = learned and torch.optim.SGD(
            learned.parameters(), lr=settings["learning_rate"], momentum=settings["momentum"],
            fused=None if variant in ("eager", "double") else True)
        if variant.startswith("compile"):
            # What doesn't learn becomes part of the program.
            if self.mode != "train":
                from torch._inductor import config

                config.freezing = True
            self.body = torch.compile(self.body)
        # PyTorch asks for it where a compiled network is frozen.
        self.quiet = torch.no_grad if variant.startswith("compile") else torch.inference_mode
        onednn = re.search(r"MKL-DNN v([\d.]+)", torch.__config__.show())
        return f"PyTorch {torch.__version__} (oneDNN {onednn[1] if onednn else '?'}), " + \
            torch.backends.cpu.get_cpu_capability()

    def iteration(self, batch, labels):
        x = torch.from_numpy(batch).to(dtype=self.type, memory_format=self.format)
        if self.mode == "inference":
            with self.quiet():
                return self.body(x).numpy()
        self.optimizer.zero_grad()
        if self.mode == "frozen":
            with torch.no_grad():
                features = self.body(x)
            logits = self.head(features)
        else:
            logits = self.body(x)
        loss = F.cross_entropy(logits, torch.from_numpy(labels))
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def steps(self, count: int, output: str | None = None):
        """The losses of some training steps from the weights, and what the state dict holds after them."""
        losses = [self.iteration(*pair) for pair in list(zip(self.inputs, self.labels))[:count]]
        if output:
            after = {f"after/{name}": self.tensors[name].detach().contiguous().numpy() for name in self.names}
            np.savez(output, losses=np.array(losses), **after)
        return {"losses": losses}
