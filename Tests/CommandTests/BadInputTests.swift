import Foundation
import Testing

/// One clear line, exit code 1 (64 for usage), nothing left behind.
@Suite struct BadInputTests {
    private let zoo: ZooCommand
    private let scratch: Scratch
    private let pth = Repository.path("zoo/weights/lenet-mnist.pth")

    init() throws {
        zoo = try ZooCommand()
        scratch = try Scratch()
    }

    /// A path where nothing is, a folder, an empty file, a device, and a path below a file.
    private func wrongPaths() throws -> [String] {
        let empty = scratch.path("empty")
        try Data().write(to: URL(filePath: empty))
        return [scratch.path("missing"), scratch.url.path, empty, "/dev/null", "\(empty)/below"]
    }

    @Test func wrongPathsOfModels() throws {
        try zoo.expectOneClearLine(
            wrongPaths().flatMap { FailingCall.ofEveryCommand(model: $0, naming: $0) })
    }

    @Test func wrongPathsOfEverythingElse() throws {
        let surgery = ["surgery", "lenet-mnist", "-o", "OUTPUTS/s.zoo.safetensors"]
        let convert = ["convert", pth, "-o", "OUTPUTS/c.h5"]
        try zoo.expectOneClearLine(
            wrongPaths().flatMap { path in
                [
                    ["forward", "lenet-mnist", "--input", path, "-o", "OUTPUTS/f.npy"],
                    surgery + ["--labels", path], convert + ["--labels", path],
                    ["predict", "lenet-mnist", path],
                    ["predict", "lenet-mnist", Commands.picture, path],
                    ["evaluate", "lenet-mnist", "--data", path],
                    ["train", "lenet-mnist", "--data", path, "-o", "OUTPUTS/run"],
                    ["train", "--resume", path, "--data", Commands.data],
                ].map { FailingCall($0, naming: path) }
            })
    }

    @Test func filesThatAreSomethingElse() throws {
        let strangers: [(String, String)] = [
            ("page.pth", "<!DOCTYPE html><html><body>404</body></html>"),
            ("pointer.pth", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"),
            ("text.pth", "hello"), ("numbers.h5", String(repeating: "0123456789", count: 500)),
        ]
        var calls: [FailingCall] = []
        for (name, text) in strangers {
            let path = scratch.path(name)
            try text.write(toFile: path, atomically: true, encoding: .utf8)
            calls += FailingCall.ofEveryCommand(model: path, naming: path)
            calls.append(
                FailingCall(["forward", pth, "--input", path, "-o", "OUTPUTS/y.npy"], naming: path))
            calls.append(FailingCall(["predict", pth, path], naming: path))
        }
        try zoo.expectOneClearLine(calls)
    }

    /// Every command that reads a model says which call the pickle asks for, and none makes it.
    @Test func picklesThatCallSystemRunNothing() throws {
        let marker = "/tmp/menagerie-should-not-exist"
        let place = "Tests/CommandTests/Fixtures"
        let hook = Repository.path("\(place)/lenet-calls-system.pth")
        let outputs = try Scratch()
        for arguments in Commands.all(model: hook) {
            let outcome = try zoo.run(
                arguments.map { $0.replacingOccurrences(of: "OUTPUTS", with: outputs.url.path) })
            #expect(outcome.code == 0, "\(outcome.errors)")
            let said = arguments[0] == "inspect" ? outcome.output : outcome.errors
            #expect(said.contains("the file calls posix.system at byte "), "\(arguments)")
            #expect(said.contains("nothing was run"), "\(arguments)")
        }
        let calls = ["only-calls-system.pth", "only-calls-system.pkl"].flatMap { name in
            FailingCall.ofEveryCommand(
                model: Repository.path("\(place)/\(name)"), naming: name,
                "the file calls posix.system at byte ",
                "nothing was run")
        }
        try zoo.expectOneClearLine(calls)
        // Of a network that isn't known, only inspect can tell anything.
        let other = FailingCall.ofEveryCommand(
            model: Repository.path("tools/goldens/formats/calls-system.pth"), naming: "calls-system.pth",
            "posix.system")
        try zoo.expectOneClearLine(Array(other.dropFirst()))
        #expect(!FileManager.default.fileExists(atPath: marker))
    }

    @Test func theWrongArchitecture() throws {
        let other = Repository.path("tools/goldens/formats/state-dict.pth")
        var calls: [FailingCall] = []
        for (options, words) in [
            (["--architecture", "lenet-classic"], "lenet-classic"), (["--architecture", "resnet"], "resnet"),
            (["--input-size", "64"], "64×64"),
        ] {
            for model in [pth, Repository.path("zoo/weights/lenet-mnist.h5")] {
                // What a Keras file's own configuration says is reported in words of its own.
                let naming = model == pth ? words : "error"
                calls += Commands.all(model: model).map {
                    FailingCall($0 + options, naming: model, naming)
                }
            }
        }
        // Inspect shows what it doesn't know.
        calls += FailingCall.ofEveryCommand(model: other, naming: other, "architecture").dropFirst()
        try zoo.expectOneClearLine(calls)
        #expect(try zoo.run("inspect", other).code == 0)
    }

    @Test func theWrongNumberOfClasses() throws {
        var calls: [FailingCall] = []
        for count in ["3", "12"] {
            let model = scratch.path("\(count).zoo.safetensors")
            #expect(try zoo.run("surgery", "lenet-mnist", "--classes", count, "-o", model).code == 0)
            let naming = ["expected \(count)", "found 10", "zoo surgery"]
            for arguments in [
                ["evaluate", model, "--data", Commands.data],
                ["train", model, "--data", Commands.data, "-o", "OUTPUTS/run"],
            ] {
                var call = FailingCall(arguments)
                call.naming = naming + ["fashion-mnist"]
                calls.append(call)
            }
            let labels = Repository.path("zoo/data/fashion-mnist/labels.txt")
            calls.append(
                FailingCall(
                    ["convert", model, "--labels", labels, "-o", "OUTPUTS/c.zoo.safetensors"],
                    naming: labels, "expected \(count)", "found 10"))
        }
        try zoo.expectOneClearLine(calls)
    }

    /// Training pictures and pictures to check on must mean the same by a label.
    @Test func classesThatDifferBetweenTheParts() throws {
        let folder = scratch.path("pictures")
        for place in ["train/bag", "train/boot", "test/bag", "test/dress"] {
            let path = "\(folder)/\(place)"
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            try FileManager.default.copyItem(atPath: Commands.picture, toPath: "\(path)/a.png")
        }
        let two = scratch.path("two.zoo.safetensors")
        #expect(try zoo.run("surgery", "lenet-mnist", "--classes", "2", "-o", two).code == 0)
        try zoo.expectOneClearLine([
            FailingCall(
                ["train", two, "--data", folder, "-o", "OUTPUTS/run"], naming: "\(folder)/test", "bag, boot",
                "bag, dress")
        ])
    }

    @Test func wrongNamesOfClasses() throws {
        let lists: [(name: String, bytes: [UInt8], words: String)] = [
            ("twice", Array("a\nb\na\n".utf8), "twice"), ("empty", [], "empty"),
            ("blank", Array("\n \n\t\n".utf8), "empty"), ("hole", Array("a\n\nb\n".utf8), "line 2"),
            ("latin1", [0x4B, 0xE4, 0x73, 0x65, 0x0A], "UTF-8"),
            ("long", [UInt8](repeating: 0x61, count: 17 << 20), "too long"),
        ]
        var calls: [FailingCall] = []
        for (name, bytes, words) in lists {
            let path = scratch.path(name)
            try Data(bytes).write(to: URL(filePath: path))
            calls.append(
                FailingCall(
                    ["surgery", pth, "--labels", path, "-o", "OUTPUTS/s.zoo.safetensors"], naming: path, words
                ))
            calls.append(
                FailingCall(["convert", pth, "--labels", path, "-o", "OUTPUTS/c.h5"], naming: path, words))
        }
        let two = scratch.path("two")
        try "a\nb\n".write(toFile: two, atomically: true, encoding: .utf8)
        calls.append(
            FailingCall(
                ["convert", pth, "--labels", two, "-o", "OUTPUTS/c.h5"], naming: two, "expected 10", "found 2"
            ))
        try zoo.expectOneClearLine(calls)
    }

    @Test func theInputIsNeverTheOutput() throws {
        let copy = scratch.path("copy.pth")
        try FileManager.default.copyItem(atPath: pth, toPath: copy)
        let before = try Data(contentsOf: URL(filePath: copy))
        try zoo.expectOneClearLine([FailingCall(["convert", copy, "-o", copy], naming: copy)])
        #expect(try Data(contentsOf: URL(filePath: copy)) == before)
    }

    @Test func layersThatAreNotThere() throws {
        try zoo.expectOneClearLine([
            FailingCall(
                ["forward", pth, "--input", Commands.input, "-o", "OUTPUTS/y.npz", "--layer", "conv9"],
                naming: "conv9")
        ])
    }

    @Test func runsThatCannotGoOn() throws {
        let run = scratch.path("run")
        try FileManager.default.createDirectory(atPath: run, withIntermediateDirectories: false)
        let resume = ["train", "--resume", run, "--data", Commands.data]
        try zoo.expectOneClearLine([
            FailingCall(resume, naming: run, "no epoch was completed", "Begin it again", untouched: run)
        ])
        // A model, but no run's.
        #expect(
            try zoo.run("convert", pth, "-o", "\(run)/last.zoo.safetensors").code == 0)
        try zoo.expectOneClearLine([
            FailingCall(resume, naming: "last.zoo.safetensors", "checkpoint", untouched: run)
        ])
    }

    /// Headers that announce far more than their files hold are refused before memory is asked for: each call has
    /// half a gibibyte of addresses, most of which the program itself and its libraries take.
    @Test func headersThatAnnounceTooMuch() throws {
        func write(_ name: String, _ bytes: [UInt8]) throws -> String {
            let path = scratch.path(name)
            try Data(bytes).write(to: URL(filePath: path))
            return path
        }
        let many: [UInt8] = [0x7F, 0xFF, 0xFF, 0xFF]
        let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 13]
        let header = Array("IHDR".utf8) + many + many + [8, 2, 0, 0, 0, 0x9B, 0xAB, 0x9C, 0x31]
        // An empty chunk of pixels, with its checksum.
        let png = try write(
            "huge.png", signature + header + [0, 0, 0, 0] + Array("IDAT".utf8) + [0x35, 0xAF, 0x06, 0x1E])
        var picture = try [UInt8](
            Data(
                contentsOf: URL(filePath: Repository.path("Tests/ImagesTests/Fixtures/jpeg-progressive.jpg")))
        )
        let frame = try #require(picture.indices.first { picture[$0...].starts(with: [0xFF, 0xC2]) })
        picture.replaceSubrange((frame + 5)..<(frame + 9), with: [0xFF, 0xDC, 0xFF, 0xDC])
        let jpeg = try write("huge.jpg", picture)
        let text = "{'descr': '<f4', 'fortran_order': False, 'shape': (1152921504606846976, 1, 32, 32), }"
        let length = UInt8(text.utf8.count)
        let array = try write(
            "huge.npy", [0x93] + Array("NUMPY".utf8) + [1, 0, length, 0] + Array(text.utf8))
        let tensors =
            "{\"a\":{\"dtype\":\"F32\",\"shape\":[1152921504606846976],"
            + "\"data_offsets\":[0,4611686018427387904]}}"
        let model = try write(
            "huge.safetensors",
            [UInt8(tensors.utf8.count)] + [UInt8](repeating: 0, count: 7) + Array(tensors.utf8))
        let folder = scratch.path("data")
        try FileManager.default.copyItem(atPath: Commands.data, toPath: folder)
        try FileManager.default.removeItem(atPath: "\(folder)/t10k-images-idx3-ubyte.gz")
        _ = try write(
            "data/t10k-images-idx3-ubyte",
            [0, 0, 8, 3] + [0, 0x10, 0, 0] + [0, 0x10, 0, 0] + [0, 0x10, 0, 0])
        let shell = try ZooCommand(executable: URL(filePath: "/bin/bash"))
        try shell.expectOneClearLine(
            [
                FailingCall(["predict", "lenet-mnist", png], naming: png, "limits"),
                FailingCall(["predict", "lenet-mnist", jpeg], naming: jpeg, "limits"),
                FailingCall(
                    ["forward", "lenet-mnist", "--input", array, "-o", "OUTPUTS/y.npy"], naming: array),
                FailingCall(["inspect", model], naming: model),
                FailingCall(["summary", model], naming: model),
                FailingCall(["evaluate", "lenet-mnist", "--data", folder], naming: "t10k-images"),
            ].map { call in
                var limited = call
                limited.arguments =
                    ["-c", "ulimit -v 524288 && exec \"$0\" \"$@\"", zoo.executable.path] + call.arguments
                return limited
            })
    }
}
