import Foundation
import Testing

/// What goes into `zoo forward`, what comes out, and how two such outputs are compared.
@Suite struct ForwardTests {
    private let zoo: ZooCommand
    private let scratch: Scratch
    private let model = "lenet-mnist"

    init() throws {
        zoo = try ZooCommand()
        scratch = try Scratch()
    }

    /// An .npy file of `f32`.
    private func array(_ name: String, _ shape: [Int]) throws -> String {
        let extents = shape.map(String.init).joined(separator: ", ")
        var header = "{'descr': '<f4', 'fortran_order': False, 'shape': (\(extents),), }"
        header += String(repeating: " ", count: 117 - header.count) + "\n"
        var bytes = Data([0x93]) + Data("NUMPY".utf8) + Data([1, 0, 118, 0]) + Data(header.utf8)
        for index in 0..<shape.reduce(1, *) {
            let value = Float((index * 7_919) % 1_000) / 500 - 1
            for shift in [0, 8, 16, 24] { bytes.append(UInt8(truncatingIfNeeded: value.bitPattern >> shift)) }
        }
        let path = scratch.path(name)
        try bytes.write(to: URL(filePath: path))
        return path
    }

    private func forward(_ input: String, _ output: String, _ options: String...) throws -> [String: Any] {
        let call = ["forward", model, "--input", input, "-o", scratch.path(output), "--json"]
        let outcome = try zoo.run(call + options)
        #expect(outcome.code == 0, "\(outcome.errors)")
        return try #require(JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
    }

    private func names(_ document: [String: Any]) -> [String] {
        (document["arrays"] as? [[String: Any]] ?? []).compactMap { $0["name"] as? String }
    }

    @Test func layersAreKeptByPattern() throws {
        let input = try array("x.npy", [3, 1, 32, 32])
        let some = try forward(input, "some.npz", "--keep", "conv*", "--keep", "fc1")
        #expect(names(some) == ["logits", "conv1", "conv2", "fc1"])
        // A part stands for what comes out of it.
        let part = try forward(input, "part.npz", "--keep", "stage1", "--keep", "body", "--keep", "stage1")
        #expect(names(part) == ["logits", "stage1", "body"])
        #expect(
            (part["arrays"] as? [[String: Any]])?.compactMap { $0["node"] as? String } == [
                "fc3", "pool2", "flatten",
            ])
        let all = try forward(input, "all.safetensors", "--all")
        #expect(names(all).count == 13 && names(all).contains("flatten"))
        // The formats hold the same numbers.
        let same = try zoo.run(
            "diff", scratch.path("some.npz"), scratch.path("all.safetensors"), "--include", "conv*",
            "--include",
            "logits")
        #expect(same.code == 0, "\(same.output)")
        let arrays = try #require(all["arrays"] as? [[String: Any]])
        #expect(arrays[0]["shape"] as? [Int] == [3, 10] && arrays[0]["node"] as? String == "fc3")
        let relu = try #require(
            arrays.first { $0["name"] as? String == "relu1" }?["statistics"] as? [String: Any])
        #expect(
            relu["minimum"] as? Double == 0 && (relu["zeros"] as? Int ?? 0) > 0 && relu["nan"] as? Int == 0)
        // A result can be fed again.
        #expect(
            try zoo.run(
                "forward", model, "--input", scratch.path("all.safetensors"), "--array", "logits",
                "-o", scratch.path("no.npy")
            ).errors.contains("[3, 10]"))
    }

    /// A module's path stands for what the module gives.
    @Test func modulesAreKept() throws {
        let input = try array("x.npy", [2, 1, 32, 32])
        let classic = scratch.path("classic.zoo.safetensors")
        let weights = Repository.path("tools/goldens/lenet/lenet-variants.safetensors")
        let taken = try zoo.run(
            "convert", weights, "--include", "classic/parameters/*", "--rename", try rules(), "-o",
            scratch.path("classic.pth"))
        #expect(taken.code == 0, "\(taken.errors)")
        #expect(try zoo.run("convert", scratch.path("classic.pth"), "-o", classic).code == 0)
        let outcome = try zoo.run(
            "forward", classic, "--input", input, "-o", scratch.path("y.npz"), "--keep", "feature_extractor",
            "--keep",
            "feature_extractor.7", "--json")
        #expect(outcome.code == 0, "\(outcome.errors)")
        let document = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any]
        let arrays = try #require(document?["arrays"] as? [[String: Any]])
        #expect(
            arrays.map { $0["name"] as? String } == ["logits", "feature_extractor.7", "feature_extractor"])
        #expect(arrays[2]["node"] as? String == "feature_extractor.7")
        #expect(arrays[2]["shape"] as? [Int] == [2, 120, 1, 1])
    }

    private func rules() throws -> String {
        let path = scratch.path("rules.json")
        try
            #"{"schema": "menagerie/rename/1", "rules": [{"pattern": "^classic/parameters/", "replacement": ""}]}"#
            .write(toFile: path, atomically: true, encoding: .utf8)
        return path
    }

    /// Many pictures are computed a few at a time; the executors agree, and so does a batch of another size.
    @Test func executorsAgreeAboutManyPictures() throws {
        let input = try array("x.npy", [70, 1, 32, 32])
        _ = try forward(input, "native.npz", "--keep", "conv2")
        let document = try forward(input, "reference.npz", "--keep", "conv2", "--executor", "reference")
        #expect(document["executor"] as? String == "reference" && document["mode"] as? String == "inference")
        let equal = try zoo.run(
            "diff", scratch.path("native.npz"), scratch.path("reference.npz"), "--rtol", "1e-4", "--atol",
            "1e-4")
        #expect(equal.code == 0, "\(equal.output)")
        #expect(equal.output.contains("Equal: all 2 tensors"))
    }

    @Test func arraysWithoutNamesAreCompared() throws {
        let input = try array("x.npy", [2, 1, 32, 32])
        for output in ["a.npy", "b.npy", "c.npz"] { _ = try forward(input, output) }
        _ = try forward(try array("z.npy", [2, 1, 32, 32]), "d.npz", "--keep", "conv1")
        let paths = ["a.npy", "b.npy", "c.npz", "d.npz"].map(scratch.path)
        for other in paths[1...2] {
            let outcome = try zoo.run("diff", paths[0], other)
            #expect(outcome.code == 0 && outcome.output.contains("Equal: one tensor."), "\(outcome.output)")
        }
        #expect(try zoo.run("diff", paths[2], paths[0]).code == 0)
        let several = try zoo.run("diff", paths[0], paths[3])
        #expect(several.code == 2 && several.output.contains("--include"))
        let picked = try zoo.run("diff", paths[3], paths[2], "--include", "logits")
        #expect(picked.code == 0, "\(picked.output)")
        let different = try zoo.run("diff", paths[0], input)
        #expect(different.code == 2 && different.output.contains("shape"), "\(different.output)")
    }

    /// In training mode dropout and batch statistics count; LeNet has neither, so nothing changes.
    @Test func trainingModeIsOnePass() throws {
        let input = try array("x.npy", [2, 1, 32, 32])
        _ = try forward(input, "a.npy")
        let document = try forward(input, "b.npy", "--mode", "training", "--seed", "5")
        #expect(document["mode"] as? String == "training")
        #expect(try zoo.run("diff", scratch.path("a.npy"), scratch.path("b.npy")).code == 0)
        #expect(
            try zoo.run("forward", model, "--input", input, "-o", scratch.path("c.npy"), "--seed", "1").code
                == 64)
    }

    @Test func whatDoesNotFitIsExplained() throws {
        let good = try array("x.npy", [2, 1, 32, 32])
        func call(_ input: String, _ options: String...) -> [String] {
            ["forward", model, "--input", input, "-o", "OUTPUTS/y.npz"] + options
        }
        _ = try forward(good, "two.npz", "--keep", "conv1")
        let two = scratch.path("two.npz")
        try zoo.expectOneClearLine([
            FailingCall(
                call(try array("last.npy", [2, 32, 32, 1])), naming: "last.npy", "[N, 1, H, W]",
                "transpose(0, 3, 1, 2)"),
            FailingCall(
                call(try array("rgb.npy", [2, 3, 32, 32])), naming: "rgb.npy", "channels", "[2, 3, 32, 32]"),
            FailingCall(call(try array("one.npy", [1, 32, 32])), naming: "one.npy", "x[None]"),
            FailingCall(call(try array("flat.npy", [2, 1_024])), naming: "flat.npy", "dimensions"),
            FailingCall(call(try array("big.npy", [1, 1, 40, 40])), naming: "big.npy", "fc1", "[N, 400]"),
            FailingCall(call(good, "--keep", "conv9"), naming: "conv9", "conv1"),
            FailingCall(call(two), naming: two, "conv1", "--array"),
            FailingCall(call(two, "--array", "logit"), naming: two, "logits"),
            FailingCall(call(Repository.path("zoo/weights/lenet-mnist.pth")), naming: "NPY"),
            FailingCall(call(Commands.picture), naming: "picture"),
        ])
        for wrong in [["--keep", "conv1"], ["--all"]] {
            let outcome = try zoo.run(
                ["forward", model, "--input", good, "-o", scratch.path("y.npy")] + wrong)
            #expect(outcome.code == 64 && outcome.errors.contains(".npz"), "\(wrong)")
        }
    }
}
