import Testing
import ZooCheckpoints
import ZooTensors
import ZooTestSupport

/// PyTorch 1.13, both ways: we read what it writes, it reads what we write.
@Suite(.enabled(if: !Python.oldPath.isEmpty)) struct OldPyTorchTests {
    private static let script = """
        import sys, numpy as np, torch
        from torch import nn
        folder = sys.argv[1]
        assert torch.__version__.startswith("1.13"), torch.__version__
        torch.manual_seed(3)
        net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(16, 3)).eval()
        state = net.state_dict()
        np.savez(f"{folder}/state.npz", **{k: v.numpy() for k, v in state.items()})
        torch.save(state, f"{folder}/zip.pth")
        torch.save(state, f"{folder}/legacy.pth", _use_new_zipfile_serialization=False)
        torch.save({"state_dict": {"module." + k: v for k, v in state.items()}, "epoch": 1}, f"{folder}/wrapped.pth")
        torch.save(net, f"{folder}/module.pth")
        torch.save(net, f"{folder}/module-legacy.pth", _use_new_zipfile_serialization=False)
        torch.jit.script(net).save(f"{folder}/scripted.pth")
        """

    private static let loading = """
        import sys, numpy as np, torch
        folder = sys.argv[1]
        wanted = np.load(f"{folder}/state.npz")
        for options in ({"weights_only": True}, {}):
            state = torch.load(f"{folder}/ours.pth", **options)
            assert list(state) == list(wanted), list(state)
            for name in wanted:
                assert state[name].numpy().tobytes() == wanted[name].tobytes(), name
        print("loaded")
        """

    @Test func oldPyTorchBothWays() throws {
        let folder = try TemporaryFolder()
        let (output, status) = try Python.run(Self.script, [folder.path], with: Python.oldPath)
        try #require(status == 0, "\(output)")
        let wanted = try CheckpointReader.read(path: folder.file("state.npz"))
        for name in ["zip", "legacy", "wrapped", "module", "module-legacy", "scripted"] {
            let checkpoint = try CheckpointReader.read(path: folder.file("\(name).pth"))
            #expect(Set(checkpoint.tensors.map(\.name)) == Set(wanted.tensors.map(\.name)), "\(name)")
            for tensor in checkpoint.tensors {
                let expected = try #require(wanted[tensor.name]).load()
                let read = try tensor.load()
                #expect(read.shape == expected.shape && read.elementType == expected.elementType)
                #expect(try read.bytes() == expected.bytes(), "\(name): \(tensor.name)")
            }
        }
        let tensors = try wanted.tensors.map { NamedTensor($0.name, try $0.load()) }
        try PyTorchWriter.write(tensors, to: folder.file("ours.pth"))
        let (answer, ended) = try Python.run(Self.loading, [folder.path], with: Python.oldPath)
        #expect(ended == 0 && answer.contains("loaded"), "\(answer)")
    }
}
