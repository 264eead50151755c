import Foundation
import Testing

/// The folders of `zoo convert --proof`; tools/interop runs what is in them.
@Suite struct ProofTests {
    private let zoo: ZooCommand
    private let scratch: Scratch
    private let pth = Repository.path("zoo/weights/lenet-mnist.pth")
    private let h5 = Repository.path("zoo/weights/lenet-mnist.h5")

    init() throws {
        zoo = try ZooCommand()
        scratch = try Scratch()
    }

    private func prove(_ source: String, _ name: String, _ options: String...) throws -> [String: Any] {
        let folder = scratch.path("proof-\(name)")
        let outcome = try zoo.run(["convert", source, "-o", scratch.path(name), "--proof", folder] + options)
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(outcome.output.contains("Next: python \(folder)/check.py"))
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == [
                "activations.npz", "check.py", "input.npy", "logits.npy", "report.json",
            ])
        let data = try Data(contentsOf: URL(filePath: folder + "/report.json"))
        return try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
    }

    private func layers(_ report: [String: Any], _ member: String) -> [String] {
        (report["layers"] as? [[String: Any]] ?? []).compactMap { $0[member] as? String }
    }

    /// The kit's numbers are those that `zoo forward` gives for its input, from the framework's own file.
    @Test func numbersAreThoseOfTheModel() throws {
        let report = try prove(pth, "a.zoo.safetensors")
        #expect(report["framework"] as? String == "pytorch" && report["tolerance"] as? Double == 1e-5)
        #expect(layers(report, "module") == ["conv1", "conv2", "fc1", "fc2"])
        #expect((report["report"] as? [String: Any])?["schema"] as? String == "menagerie/conversion-report/1")
        let folder = scratch.path("proof-a.zoo.safetensors")
        let forward = try zoo.run(
            "forward", pth, "--input", folder + "/input.npy", "-o", scratch.path("y.npz"), "--keep", "conv*",
            "--keep",
            "fc?")
        #expect(forward.code == 0, "\(forward.errors)")
        let activations = try zoo.run(
            "diff", scratch.path("y.npz"), folder + "/activations.npz", "--exclude", "logits", "--exclude",
            "fc3")
        #expect(
            activations.code == 0 && activations.output.contains("all 4 tensors"), "\(activations.output)")
        let alone = ["forward", pth, "--input", folder + "/input.npy", "-o", scratch.path("y.npy")]
        #expect(try zoo.run(alone).code == 0)
        // A pass that keeps nothing may fuse layers, and round otherwise.
        let logits = try zoo.run(
            "diff", scratch.path("y.npy"), folder + "/logits.npy", "--rtol", "1e-5", "--atol", "1e-5")
        #expect(logits.code == 0, "\(logits.output)")
        // The same seed gives the same kit.
        _ = try prove(pth, "b.zoo.safetensors")
        for file in ["input.npy", "logits.npy", "activations.npz", "check.py", "report.json"] {
            let kits = try ["a", "b"].map {
                try Data(contentsOf: URL(filePath: scratch.path("proof-\($0).zoo.safetensors/\(file)")))
            }
            #expect(kits[0] == kits[1], "\(file)")
        }
    }

    /// Weights are recognised whatever their layout: the prints of a Keras file are those of its PyTorch twin.
    @Test func printsDoNotDependOnTheLayout() throws {
        let keras = try prove(h5, "k.zoo.safetensors")
        #expect(keras["framework"] as? String == "keras" && keras["weights_only"] as? Bool == false)
        let torch = try prove(scratch.path("k.zoo.safetensors"), "k.pth")
        #expect(
            torch["framework"] as? String == "pytorch" && torch["source"] as? String == scratch.path("k.pth"))
        #expect(layers(keras, "weights") == layers(torch, "weights"))
        #expect(Set(layers(keras, "weights")).count == 4)
        let bare = try prove(scratch.path("k.zoo.safetensors"), "k.weights.h5")
        #expect(bare["weights_only"] as? Bool == true)
        let script = try String(contentsOfFile: scratch.path("proof-k.weights.h5/check.py"), encoding: .utf8)
        #expect(script.contains("layers.Dense(120, use_bias=True)") && !script.contains("CHAIN"))
    }

    @Test func whatCannotBeProvenIsRefused() throws {
        let native = scratch.path("n.zoo.safetensors")
        #expect(try zoo.run("convert", pth, "-o", native).code == 0)
        try FileManager.default.createDirectory(
            atPath: scratch.path("full"), withIntermediateDirectories: true)
        try Data([1]).write(to: URL(filePath: scratch.path("full/notes.txt")))
        func call(_ source: String, _ output: String, _ folder: String, _ options: String...) -> [String] {
            ["convert", source, "-o", "OUTPUTS/\(output)", "--proof", folder] + options
        }
        try zoo.expectOneClearLine([
            FailingCall(
                call(pth, "a.zoo.safetensors", scratch.path("full")), naming: scratch.path("full"),
                "not empty"),
            FailingCall(call(pth, "a.zoo.safetensors", pth), naming: pth, "folder"),
            FailingCall(call(native, "b.zoo.safetensors", scratch.path("p")), naming: native, "proof"),
            FailingCall(
                call(native, "b.pth", scratch.path("p"), "--dtype", "f16"), naming: native, "--dtype"),
        ])
        for options in [["--dry-run"], ["--allow-partial"], ["--raw"]] {
            let outcome = try zoo.run(
                ["convert", pth, "-o", scratch.path("x.pth"), "--proof", scratch.path("p")] + options)
            #expect(outcome.code == 64 && outcome.errors.contains("--proof"), "\(options): \(outcome.errors)")
        }
        #expect(try !scratch.contents.contains("p"))
    }
}
