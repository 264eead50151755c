import Foundation
import Testing

/// One clear line, exit code 1 (64 for usage), nothing left behind.
@Suite struct BadInputTests {
    private let zoo: ZooCommand
    private let scratch: Scratch
    private let outputs: Scratch

    init() throws {
        zoo = try ZooCommand()
        scratch = try Scratch()
        outputs = try Scratch()
    }

    /// Every command that reads a model, with the model's place marked.
    private func commands(_ model: String) -> [[String]] {
        let input = Repository.path("Tests/CommandTests/Fixtures/zeros-and-ones.npy")
        return [
            ["inspect", model], ["convert", model, "-o", outputs.path("c.zoo.safetensors")],
            ["summary", model],
            ["forward", model, "--input", input, "--output", outputs.path("f.npy")],
            ["surgery", model, "--classes", "3", "-o", outputs.path("s.zoo.safetensors")],
            ["evaluate", model, "--data", Repository.path("zoo/data/fashion-mnist")],
            [
                "train", model, "--data", Repository.path("zoo/data/fashion-mnist"), "--epochs", "1", "-o",
                outputs.path("run"),
            ],
            ["predict", model, Repository.path("zoo/data/pictures/bag-9249.png")],
        ]
    }

    private func expectOneClearLine(_ arguments: [String], naming file: String, code: Int32 = 1) throws {
        let outcome = try zoo.run(arguments)
        let call = arguments.joined(separator: " ")
        #expect(!outcome.crashed, "\(call) crashed")
        #expect(outcome.code == code, "\(call) ended with \(outcome.code)")
        let lines = outcome.errors.split(separator: "\n")
        #expect(lines.count == 1, "\(call): \(outcome.errors)")
        #expect(outcome.errors.hasPrefix("error: "))
        #expect(outcome.errors.contains(file), "\(call): \(outcome.errors)")
        let left = try outputs.contents
        #expect(left.isEmpty, "\(call) left \(left)")
    }

    @Test func missingFilesFoldersAndEmptyFiles() throws {
        try Data().write(to: URL(filePath: scratch.path("empty.pth")))
        for path in [scratch.path("missing.pth"), scratch.url.path, scratch.path("empty.pth"), "/dev/null"] {
            for command in commands(path) { try expectOneClearLine(command, naming: path) }
        }
    }

    @Test(arguments: ["zoo/weights/lenet-mnist.pth", "zoo/weights/lenet-mnist.h5"])
    func truncatedFiles(file: String) throws {
        let whole = try Data(contentsOf: URL(filePath: Repository.path(file)))
        for sixteenth in 0..<16 {
            let path = scratch.path("cut-\(sixteenth)-\(URL(filePath: file).lastPathComponent)")
            try whole.prefix(whole.count * sixteenth / 16).write(to: URL(filePath: path))
            try expectOneClearLine(
                ["convert", path, "-o", outputs.path("c.zoo.safetensors")], naming: path)
        }
    }

    @Test func truncatedNativeFiles() throws {
        let native = scratch.path("whole.zoo.safetensors")
        try zoo.run("convert", Repository.path("zoo/weights/lenet-mnist.pth"), "-o", native)
        let whole = try Data(contentsOf: URL(filePath: native))
        for sixteenth in 0..<16 {
            let path = scratch.path("cut-\(sixteenth).zoo.safetensors")
            try whole.prefix(whole.count * sixteenth / 16).write(to: URL(filePath: path))
            try expectOneClearLine(["summary", path], naming: path)
        }
    }

    @Test func filesThatAreSomethingElse() throws {
        let strangers: [(String, String)] = [
            ("page.pth", "<!DOCTYPE html><html><body>404</body></html>"),
            ("pointer.pth", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"),
            ("text.pth", "hello"), ("numbers.h5", String(repeating: "0123456789", count: 500)),
        ]
        for (name, text) in strangers {
            try text.write(toFile: scratch.path(name), atomically: true, encoding: .utf8)
            for command in commands(scratch.path(name)) {
                try expectOneClearLine(command, naming: scratch.path(name))
            }
        }
    }

    @Test func aPickleThatCallsSystemRunsNothing() throws {
        let file = Repository.path("tools/goldens/formats/calls-system.pth")
        let outcome = try zoo.run("inspect", file)
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(outcome.output.contains("system"))
        #expect(outcome.output.contains("nothing was run"))
    }

    @Test func unwritableOutputs() throws {
        let pth = Repository.path("zoo/weights/lenet-mnist.pth")
        for target in ["no/such/folder/m.zoo.safetensors", "no/such/folder/m.h5", "no/such/folder/m.pth"] {
            try expectOneClearLine(["convert", pth, "-o", outputs.path(target)], naming: target)
        }
        let folder = scratch.path("folder.pth")
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        try expectOneClearLine(["convert", pth, "-o", folder], naming: folder)
        try FileManager.default.createDirectory(
            atPath: scratch.path("folder.h5"), withIntermediateDirectories: false)
        try expectOneClearLine(["convert", pth, "-o", scratch.path("folder.h5")], naming: "folder.h5")
    }

    @Test func theInputIsNeverTheOutput() throws {
        let copy = scratch.path("copy.pth")
        try FileManager.default.copyItem(atPath: Repository.path("zoo/weights/lenet-mnist.pth"), toPath: copy)
        let before = try Data(contentsOf: URL(filePath: copy))
        try expectOneClearLine(["convert", copy, "-o", copy], naming: copy)
        #expect(try Data(contentsOf: URL(filePath: copy)) == before)
    }

    @Test func theWrongArchitecture() throws {
        let pth = Repository.path("zoo/weights/lenet-mnist.pth")
        let target = outputs.path("m.zoo.safetensors")
        try expectOneClearLine(
            ["convert", pth, "-o", target, "--architecture", "lenet-classic"], naming: "lenet-classic")
        try expectOneClearLine(["convert", pth, "-o", target, "--architecture", "resnet"], naming: "resnet")
        try expectOneClearLine(["convert", pth, "-o", target, "--input-size", "64"], naming: "64")
        let other = Repository.path("tools/goldens/formats/state-dict.pth")
        try expectOneClearLine(["convert", other, "-o", target], naming: "state-dict.pth")
    }

    @Test func wrongNumbersForForward() throws {
        let pth = Repository.path("zoo/weights/lenet-mnist.pth")
        let text = scratch.path("x.npy")
        try "no array".write(toFile: text, atomically: true, encoding: .utf8)
        try expectOneClearLine(
            ["forward", pth, "--input", text, "--output", outputs.path("y.npy")], naming: text)
        let input = Repository.path("Tests/CommandTests/Fixtures/zeros-and-ones.npy")
        try expectOneClearLine(
            ["forward", pth, "--input", input, "--output", outputs.path("y.npz"), "--layer", "conv9"],
            naming: "conv9")
    }

    @Test func wrongPictures() throws {
        let picture = try Data(contentsOf: URL(filePath: Repository.path("zoo/data/pictures/bag-9249.png")))
        for sixteenth in 0..<16 {
            let path = scratch.path("cut-\(sixteenth).png")
            try picture.prefix(picture.count * sixteenth / 16).write(to: URL(filePath: path))
            try expectOneClearLine(["predict", "lenet-mnist", path], naming: path)
        }
        try "a letter".write(toFile: scratch.path("letter.png"), atomically: true, encoding: .utf8)
        for path in [scratch.path("letter.png"), scratch.path("missing.png"), scratch.url.path] {
            try expectOneClearLine(["predict", "lenet-mnist", path], naming: path)
        }
    }

    @Test func wrongData() throws {
        let empty = scratch.path("empty")
        try FileManager.default.createDirectory(atPath: empty, withIntermediateDirectories: false)
        for path in [empty, scratch.path("missing"), Repository.path("README.md")] {
            try expectOneClearLine(["evaluate", "lenet-mnist", "--data", path], naming: path)
        }
        let cut = scratch.path("idx")
        try FileManager.default.copyItem(atPath: Repository.path("zoo/data/fashion-mnist"), toPath: cut)
        let pictures = URL(filePath: cut).appending(path: "t10k-images-idx3-ubyte.gz")
        let whole = try Data(contentsOf: pictures)
        for sixteenth in 0..<16 {
            try whole.prefix(whole.count * sixteenth / 16).write(to: pictures)
            try expectOneClearLine(["evaluate", "lenet-mnist", "--data", cut], naming: "t10k-images")
        }
    }

    @Test func wrongTraining() throws {
        let data = Repository.path("zoo/data/fashion-mnist")
        let three = scratch.path("three.zoo.safetensors")
        try zoo.run("surgery", "lenet-mnist", "--classes", "3", "-o", three)
        try expectOneClearLine(
            ["train", three, "--data", data, "-o", outputs.path("run")], naming: "zoo surgery")
        try expectOneClearLine(
            ["train", "lenet-mnist", "--data", data, "-o", outputs.path("no/such/run")], naming: "no/such/run"
        )
        try expectOneClearLine(
            ["train", "lenet-mnist", "--data", data, "-o", scratch.url.path], naming: scratch.url.path)
        try expectOneClearLine(["train", "--resume", scratch.path("none"), "--data", data], naming: "none")
        try FileManager.default.createDirectory(
            atPath: scratch.path("run"), withIntermediateDirectories: false)
        try FileManager.default.copyItem(atPath: three, toPath: scratch.path("run/last.zoo.safetensors"))
        try expectOneClearLine(
            ["train", "--resume", scratch.path("run"), "--data", data], naming: "last.zoo")
    }

    @Test func wrongUsageIs64() throws {
        for arguments in [
            ["convert"], ["convert", "a.pth"], ["nonsense"], ["summary", "lenet", "--batch", "0"],
            ["convert", "a.pth", "-o", "b.unknown"], ["forward", "a", "--input", "b", "--output", "c.txt"],
            ["surgery", "lenet", "-o", "x.zoo.safetensors"], ["predict", "lenet-mnist"],
            ["evaluate", "lenet-mnist"], ["train", "lenet-mnist", "--data", "x"],
            ["train", "--data", "x", "-o", "y"],
            ["train", "lenet-mnist", "--data", "x", "-o", "y", "--optimizer", "magic"],
            ["predict", "lenet-mnist", "a.png", "--top", "0"],
        ] {
            let outcome = try zoo.run(arguments)
            #expect(outcome.code == 64, "\(arguments) ended with \(outcome.code)")
            #expect(outcome.errors.contains("Usage") || outcome.errors.contains("help"))
        }
    }
}
