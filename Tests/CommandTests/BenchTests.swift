import Foundation
import Testing

/// `zoo bench`: what it tells, and that what it measured was the real work.
@Suite struct BenchTests {
    private let zoo: ZooCommand
    private let scratch: Scratch
    private let pth = Repository.path("zoo/weights/lenet-mnist.pth")

    init() throws {
        zoo = try ZooCommand()
        scratch = try Scratch()
    }

    private func bench(_ arguments: String...) throws -> [String: Any] {
        let outcome = try zoo.run(["bench"] + arguments + ["--threads", "2", "--json"])
        #expect(outcome.code == 0, "\(outcome.errors)")
        return try #require(JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
    }

    @Test(arguments: ["inference", "train", "frozen"]) func figuresFitEachOther(mode: String) throws {
        let found = try bench(
            "lenet", "--mode", mode, "--batch", "4", "--iterations", "5", "--warmup", "1", "--classes", "3")
        let times = try #require(found["times_ms"] as? [Double])
        let median = try #require(found["median_ms"] as? Double)
        #expect(times.count == 5 && times.sorted()[2] == median && times.min() == found["min_ms"] as? Double)
        let perSecond = try #require(found["images_per_second"] as? Double)
        #expect(abs(perSecond - 4_000 / median) < 1e-6 * perSecond)
        #expect(found["model"] as? String == "lenet" && found["mode"] as? String == mode)
        #expect(found["batch"] as? Int == 4 && found["threads"] as? Int == 2 && found["warmup"] as? Int == 1)
        #expect(try #require(found["peak_memory_bytes"] as? Int) > 1 << 20)
        #expect((found["optimizer"] == nil) == (mode == "inference"))
    }

    /// The same logits as `zoo forward` has for the same pictures.
    @Test func inferenceIsProven() throws {
        let file = scratch.path("v.npz")
        _ = try bench(pth, "--batch", "3", "--iterations", "2", "--verify", file)
        let logits = scratch.path("logits.npz")
        try unzip(file, to: scratch.path("v"))
        // Four batches of three pictures.
        #expect(try header(scratch.path("v/input.npy")).contains("(4, 3, 1, 32, 32)"))
        #expect(try header(scratch.path("v/logits.npy")).contains("(4, 3, 10)"))
        let outcome = try zoo.run("diff", pth, file, "--include", "nothing")
        #expect(outcome.code != 0)
        try reshaped(
            scratch.path("v/input.npy"), "(4, 3, 1, 32, 32)", "(12, 1, 32, 32)", scratch.path("x.npy"))
        try reshaped(scratch.path("v/logits.npy"), "(4, 3, 10)", "(12, 10)", scratch.path("logits.npy"))
        #expect(
            try zoo.run("forward", pth, "--input", scratch.path("x.npy"), "-o", scratch.path("y.npy")).code
                == 0)
        let same = try zoo.run(
            "diff", scratch.path("y.npy"), scratch.path("logits.npy"), "--rtol", "1e-5", "--atol", "1e-5")
        #expect(same.code == 0, "\(same.output)\(same.errors) \(logits)")
    }

    /// Three steps: the parameters before and after, of the body alone those before.
    @Test func trainingIsProven() throws {
        for mode in ["train", "frozen"] {
            let file = scratch.path("\(mode).npz")
            _ = try bench(pth, "--mode", mode, "--batch", "8", "--iterations", "3", "--verify", file)
            let folder = scratch.path(mode)
            try unzip(file, to: folder)
            func bytes(_ name: String) throws -> Data {
                try Data(contentsOf: URL(filePath: "\(folder)/\(name).npy"))
            }
            #expect(try header("\(folder)/losses.npy").contains("(3,)"))
            #expect(try bytes("parameter/fc3.weight") != bytes("after/fc3.weight"))
            #expect(
                try (bytes("parameter/conv1.weight") == bytes("after/conv1.weight")) == (mode == "frozen"))
        }
    }

    @Test func profilesSayWhereTheTimeGoes() throws {
        let trace = scratch.path("t.json")
        let found = try bench(
            "tinyvgg", "--mode", "train", "--batch", "2", "--iterations", "2", "--profile", "--trace", trace)
        let profile = try #require(found["profile"] as? [String: Any])
        let operations = try #require(profile["operations"] as? [[String: Any]])
        let kinds = Set(operations.compactMap { $0["pass"] as? String })
        #expect(kinds.isSuperset(of: ["forward", "backward"]))
        #expect(try #require(profile["peak_flops"] as? Double) > 1e8)
        // The second convolution, forward and its two gradients: 10·10·3·3 multiply-adds at each place.
        let flops = operations.filter { ($0["layers"] as? [String])?.first == "conv_block_1.2" }
            .compactMap { $0["flops"] as? Double }.filter { $0 > 0 }
        #expect(flops == [Double](repeating: 2 * 2 * 64 * 64 * 900, count: 3))
        let document = try #require(
            JSONSerialization.jsonObject(with: Data(contentsOf: URL(filePath: trace))) as? [String: Any])
        let events = try #require(document["traceEvents"] as? [[String: Any]])
        #expect(events.count == operations.filter { $0["pass"] as? String != "repack" }.count)
        #expect(events.allSatisfy { $0["ph"] as? String == "X" && $0["dur"] as? Double != nil })
        let text = try zoo.run(
            "bench", "lenet", "--iterations", "2", "--threads", "1", "--profile", "--trace",
            scratch.path("u.json"))
        for part in [
            "median", "conv1 +1", "Conv2d + ReLU", "peak of this machine", "share of the peak", "Wrote",
        ] {
            #expect(text.output.contains(part), "no \(part)")
        }
    }

    @Test func whatCannotBeMeasured() throws {
        for arguments in [
            ["lenet", "--mode", "fast"], ["lenet", "--batch", "0"], ["lenet", "--learning-rate", "0.1"],
            ["lenet", "--no-dropout"], ["lenet", "--trace", "t.json"], ["lenet", "--verify", "v.npy"],
            ["lenet", "--mode", "train", "--verify", "v.npz", "--iterations", "2"], [pth, "--classes", "3"],
            ["lenet", "--key", "a"],
        ] {
            let outcome = try zoo.run(["bench"] + arguments)
            #expect(outcome.code == 64 && !outcome.errors.isEmpty, "\(arguments)")
        }
        try zoo.expectOneClearLine([
            FailingCall(["bench", "resnet1"], naming: "resnet1"),
            FailingCall(["bench", "autoencoder", "--mode", "train"], naming: "head", "--mode inference"),
            FailingCall(["bench", "autoencoder", "--mode", "frozen"], naming: "head"),
        ])
    }

    // MARK: NumPy's files, as far as is needed here

    private func unzip(_ file: String, to folder: String) throws {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/python3")
        process.arguments = ["-m", "zipfile", "-e", file, folder]
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
    }

    private func header(_ file: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(filePath: file)).prefix(128), as: UTF8.self)
    }

    /// The same array under another shape, whose text is no longer.
    private func reshaped(_ file: String, _ old: String, _ new: String, _ target: String) throws {
        var data = try Data(contentsOf: URL(filePath: file))
        let place = try #require(data.prefix(256).range(of: Data(old.utf8)))
        let fill = String(repeating: " ", count: old.count - new.count)
        data.replaceSubrange(place, with: Data((new + fill).utf8))
        try data.write(to: URL(filePath: target))
    }
}
