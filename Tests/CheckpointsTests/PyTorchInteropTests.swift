import Testing
import ZooCheckpoints
import ZooTensors
import ZooTestSupport

/// Files that the installed PyTorch writes now, in every way that people save networks, against the state dict
/// that PyTorch itself reports, which travels as safetensors.
@Suite(.enabled(if: Python.isInstalled)) struct PyTorchInteropTests {
    private static let script = """
        import sys, io, zipfile, torch, collections, warnings
        import safetensors.torch as st
        from torch import nn
        folder = sys.argv[1] + "/"
        torch.manual_seed(1)
        class Block(nn.Module):
            def __init__(self, width):
                super().__init__()
                self.conv = nn.Conv2d(width, width, 3, padding=1, groups=width, bias=False)
                self.bn = nn.BatchNorm2d(width)
                self.register_buffer("scratch", torch.ones(3), persistent=False)
                self.register_buffer("kept", torch.arange(3.0))
                self.scale = nn.Parameter(torch.tensor(0.5))
                self.none = nn.Identity()
                self.register_parameter("absent", None)
            def forward(self, x):
                return self.bn(self.conv(x)) * self.scale
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.stem = nn.Conv2d(3, 4, 3)
                self.blocks = nn.ModuleList([Block(4) for _ in range(3)])
                self.heads = nn.ModuleDict({"a": nn.Linear(4, 2), "b": nn.Linear(4, 3)})
            def forward(self, x):
                x = self.stem(x)
                for block in self.blocks:
                    x = block(x)
                x = x.mean((2, 3))
                return self.heads["a"](x), self.heads["b"](x)
        net = Net().eval()
        state = net.state_dict()
        def expect(name, state):
            st.save_file({k: v.detach().clone().contiguous() for k, v in state.items()}, folder + name + ".safetensors")
        def save(name, value, state=state, **options):
            torch.save(value, folder + name + ".pth", **options)
            expect(name, state)
        old = dict(_use_new_zipfile_serialization=False)
        save("state", state)
        save("nocrc", state)
        torch.serialization.set_crc32_options(False); torch.save(state, folder + "nocrc.pth")
        torch.serialization.set_crc32_options(True)
        save("legacy", state, **old)
        for protocol in (3, 4, 5):
            save(f"protocol{protocol}", state, pickle_protocol=protocol)
            save(f"protocol{protocol}-legacy", state, pickle_protocol=protocol, **old)
            save(f"module-protocol{protocol}", net, pickle_protocol=protocol)
        save("module", net)
        save("module-legacy", net, **old)
        save("parallel", nn.DataParallel(net))
        save("parallel-state", nn.DataParallel(net).state_dict())
        save("compiled", torch.compile(net).state_dict())
        averaged = torch.optim.swa_utils.AveragedModel(net)
        averaged.update_parameters(net)
        save("averaged", averaged.state_dict())
        save("half", {k: v.half() for k, v in state.items()}, {k: v.half() for k, v in state.items()})
        save("channels-last", Net().to(memory_format=torch.channels_last).state_dict(), {})
        last = {k: (v.contiguous(memory_format=torch.channels_last) if v.ndim == 4 else v) for k, v in state.items()}
        save("channels-last", last)
        optimizer = torch.optim.Adam(net.parameters())
        sum(x.sum() for x in net(torch.ones(1, 3, 8, 8))).backward(); optimizer.step()
        state = net.state_dict()
        lightning = {"epoch": 1, "global_step": 10, "pytorch-lightning_version": "2.0", "state_dict":
                     {"model." + k: v for k, v in state.items()}, "loops": {"fit": {"x": torch.ones(2)}},
                     "callbacks": {"best": {"score": torch.tensor(1.0)}}, "optimizer_states": [optimizer.state_dict()],
                     "lr_schedulers": [], "hparams_name": "kwargs", "hyper_parameters": {"lr": 0.1, "w": torch.ones(2)}}
        save("lightning", lightning, state)
        save("wrapped-module", {"net": net, "optimizer": optimizer.state_dict(), "epoch": 2}, state)
        save("optimizer-object", {"model": state, "optimizer": optimizer}, state)
        big = torch.arange(100000.0)
        views = {"a": big[10:20], "b": big[15:25].flip(0).clone(), "c": big.view(100, 1000)[3:5, ::7], "d": big[:0]}
        save("views", views, views)
        buffer = io.BytesIO(); torch.save(state, buffer)
        with zipfile.ZipFile(folder + "hub.pth", "w", zipfile.ZIP_DEFLATED) as z: z.writestr("net.pth", buffer.getvalue())
        expect("hub", state)
        save("tensor-subclass", {"a": nn.Parameter(torch.ones(2)), "b": nn.UninitializedBuffer() if False else torch.ones(1)},
             {"a": torch.ones(2), "b": torch.ones(1)})
        tagged = nn.Parameter(torch.ones(2)); tagged.note = "hi"
        plain = torch.ones(3); plain.note = "ho"
        save("attributes", {"a": tagged, "b": plain}, {"a": torch.ones(2), "b": torch.ones(3)})
        torch.jit.script(net).save(folder + "scripted.pth"); 
        full = dict(state)
        for i in range(3): full[f"blocks.{i}.scratch"] = torch.ones(3)
        expect("scripted", full)
        torch.export.save(torch.export.export(net, (torch.ones(1, 3, 8, 8),)), folder + "exported.pt2")
        import os; os.rename(folder + "exported.pt2", folder + "exported.pth")
        expect("exported", state)
        everything = {str(t)[6:]: torch.arange(64, dtype=torch.uint8).view(t) for t in
                      [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16,
                       torch.int8, torch.uint64, torch.uint32, torch.uint16, torch.uint8, torch.complex64,
                       torch.float8_e4m3fn, torch.float8_e5m2, torch.float8_e4m3fnuz, torch.float8_e5m2fnuz,
                       torch.float8_e8m0fnu]}
        everything["bool"] = torch.tensor([True, False])
        save("dtypes", everything, everything)
        torch.save(everything, folder + "dtypes-legacy.pth", _use_new_zipfile_serialization=False)
        expect("dtypes-legacy", everything)
        every = torch.arange(256).to(torch.uint8)
        widened = {t: every.view(getattr(torch, "float8_" + t)) for t in ["e4m3fn", "e5m2", "e4m3fnuz", "e5m2fnuz", "e8m0fnu"]}
        torch.save(widened, folder + "widened.pth")
        expect("widened", {name: value.float() for name, value in widened.items()})
        torch.manual_seed(1)
        values = torch.randn(4, 3, 2)
        quantized = {"a": torch.quantize_per_tensor(values, 0.0371, -3, torch.qint8),
                     "b": torch.quantize_per_tensor(values, 0.0113, 130, torch.quint8),
                     "c": torch.quantize_per_tensor(values, 1e-6, 0, torch.qint32),
                     "d": torch.quantize_per_channel(values, torch.tensor([0.1, 0.03, 0.017]), torch.tensor([0, 5, -7]), 1, torch.qint8),
                     "e": torch.quantize_per_channel(values, torch.tensor([0.1, 0.2]), torch.tensor([1, 2]), 2, torch.quint8)}
        torch.save(quantized, folder + "quantized-tensors.pth")
        expect("quantized-tensors", {name: value.dequantize() for name, value in quantized.items()})
        torch.save({"q": torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8),
                    "w": torch.ones(2)}, folder + "unsupported.pth")
        torch.save({"s": torch.ones(2, 2).to_sparse(), "w": torch.ones(2)}, folder + "sparse.pth")
        torch.save({"n": torch.ones(2, dtype=torch.complex64).conj().imag, "w": torch.ones(2)}, folder + "negated.pth")
        quantized = torch.ao.quantization.quantize_dynamic(nn.Sequential(nn.Linear(4, 2)), {nn.Linear}, dtype=torch.qint8)
        torch.save(quantized.state_dict(), folder + "quantized.pth")
        frozen = torch.jit.freeze(torch.jit.script(nn.Sequential(nn.Conv2d(1, 2, 3)).eval())); frozen.save(folder + "frozen.pth")
        """

    @Test func everyWayToSave() throws {
        let folder = try TemporaryFolder()
        let (output, status) = try Python.run(Self.script, [folder.path])
        try #require(status == 0, "\(output)")
        let names = [
            "state", "nocrc", "legacy", "protocol3", "protocol4", "protocol5", "protocol3-legacy",
            "protocol4-legacy",
            "protocol5-legacy", "module-protocol3", "module-protocol4", "module-protocol5", "module",
            "module-legacy",
            "parallel", "parallel-state", "compiled", "averaged", "half", "channels-last", "lightning",
            "wrapped-module", "optimizer-object", "views", "hub", "tensor-subclass", "attributes", "scripted",
            "exported", "dtypes", "dtypes-legacy",
        ]
        for name in names {
            do {
                let checkpoint = try CheckpointReader.read(path: folder.file("\(name).pth"))
                let expected = try SafetensorsReader.read(
                    try ByteSource(path: folder.file("\(name).safetensors")))
                #expect(Set(checkpoint.tensors.map(\.name)) == Set(expected.tensors.map(\.name)), "\(name)")
                for tensor in checkpoint.tensors {
                    let loaded = try tensor.load()
                    let wanted = try #require(expected[tensor.name], "\(name): \(tensor.name)").load()
                    #expect(loaded.shape == wanted.shape && loaded.elementType == wanted.elementType)
                    #expect(try loaded.bytes() == wanted.bytes(), "\(name): \(tensor.name)")
                }
            } catch {
                Issue.record("\(name): \(error)")
            }
        }
        try checkRefusals(folder)
        let options = CheckpointReadOptions(dequantizes: true)
        let real = try CheckpointReader.read(path: folder.file("quantized-tensors.pth"), options: options)
        let wanted = try SafetensorsReader.read(
            ByteSource(path: folder.file("quantized-tensors.safetensors")))
        #expect(real.tensors.count == 5)
        for tensor in real.tensors {
            #expect(try tensor.load().bytes() == wanted[tensor.name]?.load().bytes(), "\(tensor.name)")
        }
        // All 256 numbers of each 8-bit format, to the bit but for the payload of NaN.
        let small = try CheckpointReader.read(path: folder.file("widened.pth"))
        let wide = try SafetensorsReader.read(ByteSource(path: folder.file("widened.safetensors")))
        #expect(small.tensors.count == 5)
        for tensor in small.tensors {
            let pairs = zip(try tensor.load().floats(), try #require(wide[tensor.name]).load().floats())
            for (index, (ours, theirs)) in pairs.enumerated() {
                #expect(
                    ours.bitPattern == theirs.bitPattern || (ours.isNaN && theirs.isNaN),
                    "\(tensor.name) \(index): \(ours) for \(theirs)")
            }
        }
    }

    private func checkRefusals(_ folder: TemporaryFolder) throws {
        let odd = try CheckpointReader.read(path: folder.file("unsupported.pth"))
        #expect(odd.tensors.map { $0.typeName ?? "-" } == ["qint8", "-"])
        #expect(try odd["w"]?.load().floats() == [1, 1])
        #expect(throws: ZooError.self) { try odd["q"]?.load() }
        let listed = try CheckpointReader.read(path: folder.file("sparse.pth"))
        #expect(listed["s"]?.typeName == "sparse" && listed["s"]?.shape == [2, 2])
        #expect(try listed["w"]?.load().floats() == [1, 1])
        let sparse = #expect(throws: ZooError.self) { try listed["s"]?.load() }
        #expect(sparse?.problem.contains("_rebuild_sparse_tensor") == true && sparse?.tensor == "s")
        let negated = try CheckpointReader.read(path: folder.file("negated.pth"))
        let error = #expect(throws: ZooError.self) { try negated["n"]?.load() }
        #expect(error?.problem.contains("negation") == true)
        let quantized = #expect(throws: ZooError.self) {
            try CheckpointReader.read(path: folder.file("quantized.pth"))
        }
        #expect(quantized?.tensor?.contains("_packed_params") == true, "\(String(describing: quantized))")
        let frozen = #expect(throws: ZooError.self) {
            try CheckpointReader.read(path: folder.file("frozen.pth"))
        }
        #expect(frozen?.code == .missingTensor, "\(String(describing: frozen))")
        #expect(frozen?.remedy?.contains("TorchScript") == true)
    }
}
