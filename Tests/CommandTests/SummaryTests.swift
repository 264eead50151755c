import Foundation
import Testing

/// What `zoo summary` says, and that its numbers are torchinfo's.
@Suite struct SummaryTests {
    private let zoo: ZooCommand
    private let scratch: Scratch
    private let pth = Repository.path("zoo/weights/lenet-mnist.pth")

    init() throws {
        zoo = try ZooCommand()
        scratch = try Scratch()
    }

    private func summary(_ arguments: String...) throws -> [String: Any] {
        let outcome = try zoo.run(["summary"] + arguments + ["--json"])
        #expect(outcome.code == 0, "\(outcome.errors)")
        return try #require(JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
    }

    /// torchinfo's own numbers, which tools/goldens/summary/make_summaries.py wrote.
    private func golden() throws -> [String: [String: Any]] {
        let data = try Data(
            contentsOf: URL(filePath: Repository.path("tools/goldens/summary/torchinfo.json")))
        let document = try JSONSerialization.jsonObject(with: data) as? [String: Any]
        return try #require(document?["networks"] as? [String: [String: Any]])
    }

    /// Every architecture that torchinfo was asked about: totals, every layer with parameters, every module.
    @Test func everyNumberIsTorchinfos() throws {
        let version = try zoo.run("--version").output
        let line = try #require(version.split(separator: "\n").first { $0.hasPrefix("networks") })
        let names = line.dropFirst("networks".count).split { ", ".contains($0) }.map(String.init)
        let golden = try golden()
        var compared = 0
        for name in names {
            guard let network = golden[name] ?? golden[name.replacing("-", with: "_")] else { continue }
            let input = try #require(network["input"] as? [Int])
            try compare(
                summary(
                    name, "--batch", "\(input[0])", "--input-size",
                    input.dropFirst().map(String.init).joined(separator: "x")),
                with: network, name: name)
            compared += 1
        }
        #expect(compared >= 3)
    }

    private func compare(_ ours: [String: Any], with golden: [String: Any], name: String) throws {
        let bytes = try #require(ours["torchinfo_bytes"] as? [String: Int])
        for (mine, theirs) in [
            (ours["parameters"] as? Int, "parameters"), (ours["torchinfo_mult_adds"] as? Int, "mult_adds"),
            (bytes["forward_backward"], "forward_backward_bytes"), (bytes["parameters"], "parameter_bytes"),
        ] {
            #expect(mine == golden[theirs] as? Int, "\(name): \(theirs)")
        }
        var layers: [String: [String: Any]] = [:]
        for row in try #require(ours["layers"] as? [[String: Any]]) {
            layers[row["path"] as? String ?? ""] = row
        }
        var modules: [String: [String: Any]] = [:]
        for row in try #require(ours["modules"] as? [[String: Any]]) {
            modules[row["path"] as? String ?? ""] = row
        }
        for row in try #require(golden["layers"] as? [[Any]]) {
            let (path, output, parameters) = (row[0] as? String ?? "", row[2] as? [Int], row[3] as? Int ?? 0)
            if let multAdds = row[4] as? Int {
                // Layers without parameters have no fixed names: PyTorch's modules may be used twice.
                guard parameters > 0 else { continue }
                let layer = try #require(layers[path], "\(name) has no \(path)")
                #expect(layer["output"] as? [Int] == output, "\(name): \(path)")
                #expect(layer["parameters"] as? Int == parameters, "\(name): \(path)")
                #expect(layer["torchinfo_mult_adds"] as? Int == multAdds, "\(name): \(path)")
            } else if parameters > 0 {
                let module = try #require(modules[path], "\(name) has no module \(path)")
                #expect(module["output"] as? [Int] == output, "\(name): \(path)")
                #expect(module["parameters"] as? Int == parameters, "\(name): \(path)")
            }
        }
    }

    @Test func theTreeShowsModulesWithTheirTotals() throws {
        let outcome = try zoo.run("summary", "lenet-classic")
        for line in [
            "├─ feature_extractor",
            "│  ├─ 0               Conv2d     1→6, 5×5       [1, 6, 28, 28]          156    122,304",
            "[1, 120, 1, 1]       50,692    412,024", "└─ classifier", "     └─ 2 ",
            "parameters            61,706", "423,038 (0.42 M; all layers, torchinfo's rule)",
            "416,520 (0.42 M; convolutions and linear layers alone)", "estimated total size  0.30 MB",
        ] {
            #expect(outcome.output.contains(line), "no \(line) in\n\(outcome.output)")
        }
        let folded = try zoo.run("summary", "lenet-classic", "--depth", "1")
        #expect(folded.output.contains("├─ feature_extractor") && !folded.output.contains("Conv2d"))
        #expect(folded.output.contains("50,692    412,024"))
    }

    @Test func columnsAreThoseAskedFor() throws {
        let h5 = Repository.path("zoo/weights/lenet-mnist.h5")
        let outcome = try zoo.run(
            "summary", h5, "--columns", "input, kernel,share,multiply-adds,variables,trainable", "--freeze",
            "conv*")
        #expect(outcome.code == 0, "\(outcome.errors)")
        let lines = outcome.output.split(separator: "\n").map(String.init)
        let heading = try #require(lines.first { $0.contains("layer") })
        #expect(
            heading.split(separator: " ") == [
                "layer", "input", "kernel", "share", "multiply-adds", "variables", "trainable",
            ])
        let first = try #require(lines.firstIndex { $0.contains("├─ conv1") })
        #expect(lines[first].contains("[5, 5]") && lines[first].contains("0.25 %"))
        #expect(lines[first].contains("weight ← conv1/kernel") && lines[first].hasSuffix("frozen"))
        #expect(lines[first + 1].hasPrefix("  │ ") && lines[first + 1].contains("bias ← conv1/bias"))
        #expect(lines[first - 1].hasSuffix("partly"))
        #expect(outcome.output.contains("non-trainable       2,572"))
        let wrong = try zoo.run("summary", h5, "--columns", "input,magic")
        #expect(wrong.code == 64 && wrong.errors.contains("\"magic\"") && wrong.errors.contains("mult-adds"))
        try zoo.expectOneClearLine([
            FailingCall(["summary", h5, "--freeze", "cov1"], naming: "cov1", "conv1")
        ])
    }

    /// The checkpoint of a run knows what the run froze.
    @Test func aRunsCheckpointSaysWhatItFroze() throws {
        let data = Repository.path("zoo/data/fashion-mnist")
        let trained = try zoo.run(
            "train", "lenet-mnist", "--data", data, "--limit-batches", "1", "--steps", "1", "--freeze",
            "conv*",
            "-o", scratch.path("run"))
        #expect(trained.code == 0, "\(trained.errors)")
        let document = try summary(scratch.path("run/last.zoo.safetensors"))
        #expect(document["parameters"] as? Int == 61_706)
        #expect(document["trainable_parameters"] as? Int == 61_706 - 156 - 2_416)
        #expect(try zoo.run("summary", scratch.path("run/last.zoo.safetensors")).output.contains("frozen"))
        let stem = try zoo.run(
            "train", "lenet-mnist", "--data", data, "--limit-batches", "1", "--steps", "1", "--freeze",
            "stem", "-o", scratch.path("stem"))
        #expect(stem.code == 0, "\(stem.errors)")
        let named = try summary(scratch.path("stem/last.zoo.safetensors"))
        #expect(named["trainable_parameters"] as? Int == 61_706 - 156)
    }

    /// Names of groups of layers stand below the tree, each with what it comes to.
    @Test func partsAreListed() throws {
        let outcome = try zoo.run("summary", "tinyvgg", "--freeze", "stage1")
        for line in [
            [
                "stem", "conv_block_1.0", "…", "conv_block_1.1", "[1,", "10,", "64,", "64]", "280",
                "1,146,880",
            ],
            ["stage1", "conv_block_1.2", "…", "conv_block_1.4", "[1,", "10,", "32,", "32]", "910"],
            ["body", "conv_block_1.0", "…", "classifier.0", "[1,", "2560]", "3,010"],
            ["head", "classifier.1", "[1,", "3]", "7,683", "7,683", "yes"],
        ] {
            let found = outcome.output.split(separator: "\n").contains {
                $0.split(separator: " ").map(String.init).starts(with: line)
            }
            #expect(found, "no \(line) in\n\(outcome.output)")
        }
        let document = try summary("autoencoder", "--freeze", "stem")
        let parts = try #require(document["parts"] as? [[String: Any]])
        #expect(parts.map { $0["name"] as? String } == ["stem", "stage1", "stage2", "body", "decoder"])
        #expect(parts[0]["trainable_parameters"] as? Int == 0 && parts[0]["parameters"] as? Int == 160)
        #expect(parts[4]["layers"] as? [String] == (0..<6).map { "decoder.\($0)" })
        #expect(parts[4]["output"] as? [Int] == [1, 1, 28, 28])
        // Graphs that name no parts have two all the same.
        let custom = try summary(Repository.path("tools/goldens/keras/eleven.keras"))
        #expect((custom["parts"] as? [[String: Any]])?.isEmpty == false)
    }

    @Test func sizesOfPicturesAreTried() throws {
        let native = scratch.path("n.zoo.safetensors")
        #expect(try zoo.run("convert", pth, "-o", native).code == 0)
        for file in [native, pth] {
            #expect(try summary(file, "--input-size", "1x32x32")["input"] as? [Int] == [1, 1, 32, 32])
        }
        let any = Repository.path("tools/goldens/keras/eleven.keras")
        let document = try summary(any, "--input-size", "24x10", "--batch", "3")
        #expect(document["input"] as? [Int] == [3, 2, 24, 10])
        #expect((document["layers"] as? [[String: Any]])?.first?["output"] as? [Int] == [3, 2, 24, 10])
        try zoo.expectOneClearLine([
            FailingCall(
                ["summary", native, "--input-size", "3x32x32"], naming: native, "conv1", "[1, 3, 32, 32]"),
            FailingCall(["summary", native, "--input-size", "40"], naming: native, "fc1", "[N, 400]"),
        ])
        for size in ["0", "32x", "1x2x3x4", "5000", "axb", ""] {
            #expect(try zoo.run("summary", native, "--input-size", size).code == 64, "\(size)")
        }
        #expect(try zoo.run("inspect", pth, "--input-size", "32x30").code == 64)
    }

    @Test func architecturesTakeClasses() throws {
        let document = try summary("lenet-classic", "--classes", "26", "--input-size", "1x32x32")
        #expect(document["output"] as? [Int] == [1, 26])
        #expect(document["parameters"] as? Int == 61_706 + 16 * 85)
        #expect(try zoo.run("summary", pth, "--classes", "26").code == 64)
    }

    @Test func drawingsAreWritten() throws {
        let file = scratch.path("net.svg")
        let outcome = try zoo.run("summary", "lenet-classic", "--svg", file)
        #expect(outcome.code == 0 && outcome.output.contains("Wrote \(file)"))
        let svg = try String(contentsOfFile: file, encoding: .utf8)
        #expect(svg.hasPrefix("<svg ") && svg.contains(">feature_extractor.6<") && svg.contains("48,120"))
        let dot = try zoo.run("summary", "lenet-classic", "--dot", "--depth", "1")
        #expect(dot.output.hasPrefix("digraph \"lenet-classic\" {") && dot.output.contains("8 layers"))
        #expect(try zoo.run("summary", "lenet", "--dot", "--json").code == 64)
        #expect(try zoo.run("summary", pth, "--svg", pth).code == 1)
    }
}
