import Foundation
import Testing

/// What a user sees of the commands that work.
@Suite struct CommandTests {
    private let zoo: ZooCommand
    private let scratch: Scratch
    private let pth = Repository.path("zoo/weights/lenet-mnist.pth")
    private let h5 = Repository.path("zoo/weights/lenet-mnist.h5")

    init() throws {
        zoo = try ZooCommand()
        scratch = try Scratch()
    }

    private func json(_ outcome: ZooCommand.Outcome) throws -> [String: Any] {
        try #require(JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
    }

    @Test func aloneItSaysWhereToBegin() throws {
        let outcome = try zoo.run()
        #expect(outcome.code == 0)
        #expect(outcome.output.split(separator: "\n").count == 5)
    }

    @Test(arguments: [
        "inspect", "convert", "diff", "summary", "forward", "surgery", "evaluate", "predict", "train",
        "bench",
    ])
    func helpShowsAnExample(command: String) throws {
        let outcome = try zoo.run(command, "--help")
        #expect(outcome.code == 0)
        #expect(outcome.output.contains("zoo \(command) "))
        #expect(outcome.output.contains("Example"))
        #expect(outcome.output.contains("--json"))
    }

    @Test(arguments: [["graph"], ["graph", "show"], ["graph", "draft"]])
    func helpOfCommandsWithinCommands(words: [String]) throws {
        let outcome = try zoo.run(words + ["--help"])
        #expect(outcome.code == 0)
        #expect(outcome.output.contains("zoo \(words.joined(separator: " "))"))
        #expect(outcome.output.contains("Example"))
    }

    @Test func inspectNamesTensorsAndNetwork() throws {
        let outcome = try zoo.run("inspect", pth)
        #expect(outcome.code == 0)
        for text in [
            "conv1", "    weight", "[6, 1, 5, 5]", "10 tensors", "61,706 elements", "lenet",
            "Next: zoo convert",
        ] {
            #expect(outcome.output.contains(text), "no \(text)")
        }
        let document = try json(zoo.run("inspect", pth, "--json"))
        #expect(document["schema"] as? String == "menagerie/inspect/1")
        #expect((document["tensors"] as? [Any])?.count == 10)
    }

    @Test func convertAccountsForEveryTensor() throws {
        let outcome = try zoo.run("convert", h5, "-o", scratch.path("k.zoo.safetensors"))
        #expect(outcome.code == 0, "\(outcome.errors)")
        for text in [
            "HWIO→OIHW", "flatten order H,W,C→C,H,W (5×5×16)", "10 of 10 parameters", "61,706 elements",
        ] {
            #expect(outcome.output.contains(text), "no \(text)")
        }
        let document = try json(
            zoo.run("convert", pth, "-o", scratch.path("p.zoo.safetensors"), "--json"))
        let report = try #require(document["report"] as? [String: Any])
        #expect((report["parameters"] as? [Any])?.count == 10)
        #expect((report["unused"] as? [Any])?.isEmpty == true)
    }

    @Test func dryRunWritesNothing() throws {
        let outcome = try zoo.run("convert", pth, "-o", scratch.path("p.zoo.safetensors"), "--dry-run")
        #expect(outcome.code == 0)
        #expect(try scratch.contents.isEmpty)
    }

    @Test func summaryOfFileAndOfArchitecture() throws {
        let outcome = try zoo.run("summary", pth, "--batch", "2")
        #expect(outcome.code == 0)
        for text in ["[2, 6, 28, 28]", "416,520", "61,706"] where text != "416,520" {
            #expect(outcome.output.contains(text), "no \(text)")
        }
        for name in ["lenet", "lenet-d2l", "lenet-classic"] {
            let document = try json(zoo.run("summary", name, "--json"))
            #expect(document["parameters"] as? Int == 61_706)
            #expect(document["multiply_adds"] as? Int == 416_520)
            #expect(document["torchinfo_mult_adds"] as? Int == 423_038)
        }
    }

    @Test func everyRoundTripGivesTheSameNumbers() throws {
        let input = Repository.path("Tests/CommandTests/Fixtures/zeros-and-ones.npy")
        func logits(_ model: String, _ options: String...) throws -> Data {
            let target = scratch.path("\(UUID().uuidString).npy")
            let outcome = try zoo.run(["forward", model, "--input", input, "--output", target] + options)
            #expect(outcome.code == 0, "\(outcome.errors)")
            return try Data(contentsOf: URL(filePath: target))
        }
        let native = scratch.path("n.zoo.safetensors")
        try zoo.run("convert", pth, "-o", native)
        let reference = try logits(native)
        #expect(try logits(pth) == reference)
        for name in ["a.pth", "a.safetensors", "a.h5", "a.keras"] {
            let outcome = try zoo.run("convert", native, "-o", scratch.path(name))
            #expect(outcome.code == 0, "\(name): \(outcome.errors)")
            #expect(try logits(scratch.path(name)) == reference, "\(name)")
        }
        try zoo.run("convert", native, "-o", scratch.path("a.weights.h5"))
        #expect(
            try logits(scratch.path("a.weights.h5"), "--architecture", "lenet", "--input-size", "32")
                == reference)
    }

    @Test func surgeryGivesNamedClasses() throws {
        let labels = scratch.path("labels.txt")
        try "shirt\nbag\nboot\n".write(toFile: labels, atomically: true, encoding: .utf8)
        let outcome = try zoo.run("surgery", pth, "--labels", labels, "-o", scratch.path("s.zoo.safetensors"))
        #expect(outcome.code == 0, "\(outcome.errors)")
        let summary = try zoo.run("summary", scratch.path("s.zoo.safetensors"))
        #expect(summary.output.contains("shirt, bag, boot"))
        #expect(summary.output.contains("84→3"))
    }

    @Test func evaluateCountsEveryPicture() throws {
        let data = Repository.path("zoo/data/fashion-mnist")
        let document = try json(zoo.run("evaluate", "lenet-mnist", "--data", data, "--json"))
        #expect(document["pictures"] as? Int == 1_000)
        let rows = try #require(document["confusion"] as? [[Int]])
        #expect(rows.map { $0.reduce(0, +) } == [Int](repeating: 100, count: 10))
        let right = (0..<10).reduce(0) { $0 + rows[$1][$1] }
        #expect(document["accuracy"] as? Double == Double(right) / 1_000)
    }

    @Test func predictGivesProbabilities() throws {
        let picture = Repository.path("zoo/data/pictures/bag-9249.png")
        let document = try json(zoo.run("predict", "lenet-mnist", picture, "--top", "10", "--json"))
        let pictures = try #require(document["pictures"] as? [[String: Any]])
        let predictions = try #require(pictures.first?["predictions"] as? [[String: Any]])
        let probabilities = predictions.compactMap { $0["probability"] as? Double }
        #expect(probabilities.count == 10)
        #expect(abs(probabilities.reduce(0, +) - 1) < 1e-5)
        #expect(probabilities == probabilities.sorted(by: >))
        #expect(try zoo.run("predict", "lenet-mnist", picture).output.contains("Next: zoo evaluate"))
    }

    /// The binary and what is embedded in it, in an otherwise empty place.
    @Test func theBinaryWorksWhenItIsMoved() throws {
        let copy = scratch.url.appending(path: "moved-zoo")
        // By another process: a copy that this one writes could be inherited, still open, by a process that some
        // other test starts at this moment, and a file that is open for writing can't be run.
        #expect(
            try ZooCommand(executable: URL(filePath: "/bin/cp")).run(zoo.executable.path, copy.path).code == 0
        )
        let moved = try ZooCommand(executable: copy)
        let summary = try moved.run(["summary", "lenet-mnist"], in: scratch.url)
        #expect(summary.code == 0 && summary.output.contains("61,706"), "\(summary.errors)")
        try FileManager.default.copyItem(
            atPath: Repository.path("zoo/data/pictures/bag-9249.png"), toPath: scratch.path("bag.png"))
        let predict = try moved.run(["predict", "lenet-mnist", "bag.png"], in: scratch.url)
        #expect(predict.code == 0, "\(predict.errors)")
        // Keras files need the helper, which is the moved binary itself.
        let keras = try moved.run(["inspect", h5], in: scratch.url)
        #expect(keras.code == 0, "\(keras.errors)")
    }

    /// Head first, then everything; interrupted after an epoch and resumed, it comes to the same bytes.
    @Test func trainAndResume() throws {
        let data = Repository.path("zoo/data/fashion-mnist")
        let labels = Repository.path("zoo/data/fashion-mnist/labels.txt")
        let start = scratch.path("start.zoo.safetensors")
        try zoo.run("surgery", "lenet-mnist", "--labels", labels, "-o", start)
        func train(_ folder: String, _ epochs: String) throws {
            let outcome = try zoo.run(
                "train", start, "--data", data, "--head-epochs", "1", "--epochs", epochs, "-o",
                scratch.path(folder))
            #expect(outcome.code == 0, "\(outcome.errors)")
        }
        try train("whole", "3")
        try train("parts", "2")
        let resumed = try zoo.run("train", "--resume", scratch.path("parts"), "--data", data, "--epochs", "3")
        #expect(resumed.code == 0, "\(resumed.errors)")
        #expect(resumed.output.contains("going on after epoch 2"))
        let models = try ["whole", "parts"].map {
            try Data(contentsOf: URL(filePath: scratch.path("\($0)/model.zoo.safetensors")))
        }
        #expect(models[0] == models[1])
        let log = try String(contentsOfFile: scratch.path("parts/log.jsonl"), encoding: .utf8)
        #expect(log.split(separator: "\n").count { $0.contains("\"event\": \"step\"") } == 3 * 47)
        let document = try json(
            zoo.run("evaluate", scratch.path("whole/model.zoo.safetensors"), "--data", data, "--json"))
        #expect(document["accuracy"] as? Double ?? 0 > 0.65)
    }

    /// One batch, fifty steps: a model that can learn at all learns it by heart.
    @Test func oneBatchByHeart() throws {
        let data = Repository.path("zoo/data/fashion-mnist")
        let run = scratch.path("one")
        let outcome = try zoo.run(
            "train", "lenet-mnist", "--data", data, "--limit-batches", "1", "--steps", "50", "-o", run)
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(outcome.output.contains("64 of the training pictures"))
        #expect(outcome.output.contains(" 50/50 "))
        let log = try String(contentsOfFile: run + "/log.jsonl", encoding: .utf8)
        let epochs = log.split(separator: "\n").filter { $0.contains("\"training_accuracy\"") }
        #expect(epochs.count == 50)
        // Of many short epochs, a few lines stand for all; long ones, on a machine that is busy, have their own.
        let long = try epochs.count { epoch -> Bool in
            let event = try JSONSerialization.jsonObject(with: Data(epoch.utf8)) as? [String: Any]
            return try #require(event?["seconds"] as? Double) > 0.4
        }
        #expect(outcome.output.split(separator: "\n").count { $0.contains("/50 ") } < 20 + long)
        #expect(epochs.last?.contains("\"training_accuracy\": 1.0") == true, "\(epochs.last ?? "")")
        let both = try zoo.run(
            "train", "lenet-mnist", "--data", data, "--epochs", "1", "--steps", "5", "-o", run)
        #expect(both.code == 64)
    }

    @Test(arguments: [["--version"], ["inspect", "--version"]])
    func versionTellsWhatItIsMadeOf(arguments: [String]) throws {
        let outcome = try zoo.run(arguments)
        #expect(outcome.code == 0)
        for text in ["zoo 0.", "oneDNN ", "processors", "HDF5 1.", "lenet-classic", "lenet-mnist"] {
            #expect(outcome.output.contains(text), "no \(text)")
        }
    }

    /// A native file takes names of classes, and refuses what it would have to ignore.
    @Test func optionsOnNativeFiles() throws {
        let native = scratch.path("n.zoo.safetensors")
        try zoo.run("convert", pth, "-o", native)
        let labels = Repository.path("zoo/data/fashion-mnist/labels.txt")
        let named = scratch.path("named.zoo.safetensors")
        #expect(try zoo.run("convert", native, "--labels", labels, "-o", named).code == 0)
        #expect(try zoo.run("summary", named).output.contains("Trouser"))
        let refused = try zoo.run("summary", native, "--architecture", "lenet-d2l")
        #expect(refused.code == 1 && refused.errors.contains("--architecture"))
    }
}
