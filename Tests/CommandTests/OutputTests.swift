import Foundation
import Testing

/// Outputs that can't be written: one clear line, and neither a file of the final name nor a temporary one.
@Suite struct OutputTests {
    private let zoo: ZooCommand
    private let scratch: Scratch

    init() throws {
        zoo = try ZooCommand()
        scratch = try Scratch()
    }

    private static let modelEndings = [
        "pth", "pt", "safetensors", "zoo.safetensors", "npz", "keras", "h5", "hdf5", "weights.h5",
    ]

    /// A call of every command that writes, for each format that it writes.
    private func calls(writing path: (_ ending: String) -> String) throws -> [[String]] {
        let model = Repository.path("zoo/weights/lenet-mnist.pth")
        return OutputTests.modelEndings.map { ["convert", model, "-o", path($0)] }
            + ["pth", "safetensors", "npz"].map { ["convert", model, "--raw", "-o", path("raw.\($0)")] } + [
                ["convert", model, "--max-shard-size", "100KB", "-o", path("parts.safetensors")],
                ["surgery", model, "--classes", "2", "-o", path("zoo.safetensors")],
                ["forward", model, "--input", try pictures(), "-o", path("npy")],
                ["forward", model, "--input", try pictures(), "--layer", "conv1", "-o", path("npz")],
                ["train", model, "--data", Commands.data, "--epochs", "1", "-o", path("run")],
            ]
    }

    /// Sixty-four pictures, whose logits are more than a kibibyte.
    private func pictures() throws -> String {
        let path = scratch.path("x.npy")
        if FileManager.default.fileExists(atPath: path) { return path }
        let text = "{'descr': '|u1', 'fortran_order': False, 'shape': (64, 1, 32, 32), }"
        let header = text + String(repeating: " ", count: 117 - text.utf8.count) + "\n"
        var file = Data([0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(header.utf8.count), 0])
        file += Data(header.utf8) + Data(count: 64 * 1_024)
        try file.write(to: URL(filePath: path))
        return path
    }

    /// Missing folders, and places that nobody can write to, not even root.
    @Test func placesThatCannotBeWritten() throws {
        let file = scratch.path("file")
        try Data([1]).write(to: URL(filePath: file))
        var calls: [FailingCall] = []
        for folder in ["OUTPUTS/no/such/folder", file, "/dev/null", "/proc"] {
            calls += try self.calls { "\(folder)/m.\($0)" }.map { FailingCall($0, naming: "/m.", "exists") }
        }
        try zoo.expectOneClearLine(calls)
    }

    /// What is at the output's place and isn't a regular file stays: a folder, a pipe. (A rename would replace a
    /// pipe, and a device, without a word.)
    @Test func nothingButFilesIsReplaced() throws {
        let places = scratch.path("places")
        try FileManager.default.createDirectory(atPath: places, withIntermediateDirectories: false)
        let makePipe = try ZooCommand(executable: URL(filePath: "/usr/bin/mkfifo"))
        var calls: [FailingCall] = []
        for kind in ["folder", "pipe"] {
            for call in try self.calls(writing: { "\(places)/\(kind).\($0)" }) where call[0] != "train" {
                let path = try #require(call.last)
                if kind == "pipe" {
                    if !FileManager.default.fileExists(atPath: path) {
                        #expect(try makePipe.run(path).code == 0)
                    }
                } else {
                    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
                }
                calls.append(FailingCall(call, naming: path, kind, "Name a"))
            }
        }
        let before = try FileManager.default.contentsOfDirectory(atPath: places).sorted()
        try zoo.expectOneClearLine(calls)
        #expect(try FileManager.default.contentsOfDirectory(atPath: places).sorted() == before)
        for name in before where name.hasPrefix("pipe") {
            let type = try FileManager.default.attributesOfItem(atPath: "\(places)/\(name)")[.type]
            #expect(type as? FileAttributeType != .typeRegular, "\(name) was replaced")
        }
    }

    @Test func runFoldersThatAreInUse() throws {
        let folder = scratch.path("used")
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        try "notes".write(toFile: "\(folder)/notes.txt", atomically: true, encoding: .utf8)
        try zoo.expectOneClearLine([
            FailingCall(
                ["train", "lenet-mnist", "--data", Commands.data, "-o", folder], naming: folder,
                "Name a new folder",
                untouched: folder)
        ])
    }

    /// A disk that is full after so many kibibytes: the shell's limit on the size of files, beyond which writes
    /// fail as they do there.
    private func expectFullDisk(afterKibibytes limit: Int, _ calls: [FailingCall]) throws {
        let shell = try ZooCommand(executable: URL(filePath: "/bin/bash"))
        try shell.expectOneClearLine(
            calls.map { call in
                var limited = call
                limited.arguments =
                    ["-c", "ulimit -f \(limit) && exec \"$0\" \"$@\"", zoo.executable.path] + call.arguments
                return limited
            })
    }

    /// From the first kibibyte on to shortly before the end of the smallest file.
    @Test(arguments: [1, 16, 100, 200, 240]) func fullDisks(limit: Int) throws {
        let calls = try calls { "OUTPUTS/m.\($0)" }
        let writing = calls.filter { call in
            // Logits are a few kibibytes, and the largest part is shorter than the whole.
            !(call.last?.hasSuffix(".npy") == true && limit > 1)
                && !(call.contains("--max-shard-size") && limit > 100)
        }
        #expect(writing.count >= 10)
        try expectFullDisk(
            afterKibibytes: limit,
            writing.map { FailingCall($0, naming: "/m.", "cannot write", "room") })
    }

    /// A run whose disk fills up later keeps what it has, and goes on from there when there is room.
    @Test func runsGoOnAfterAFullDisk() throws {
        let run = scratch.path("run")
        let data = Commands.data
        let first = try zoo.run("train", "lenet-mnist", "--data", data, "--epochs", "1", "-o", run)
        try #require(first.code == 0, "\(first.errors)")
        let kept = try Data(contentsOf: URL(filePath: "\(run)/last.zoo.safetensors"))
        let resume = ["train", "--resume", run, "--data", data, "--epochs", "2"]
        // The log has seven kibibytes, the checkpoint five hundred.
        for (limit, name) in [(8, "log.jsonl"), (400, "last.zoo.safetensors")] {
            try expectFullDisk(
                afterKibibytes: limit, [FailingCall(resume, naming: "\(run)/\(name)", "cannot write", "room")]
            )
            #expect(try Data(contentsOf: URL(filePath: "\(run)/last.zoo.safetensors")) == kept)
            let names = try FileManager.default.contentsOfDirectory(atPath: run).sorted()
            #expect(names == ["last.zoo.safetensors", "log.jsonl", "model.zoo.safetensors"])
        }
        #expect(try zoo.run(resume).code == 0)
        let whole = scratch.path("whole")
        #expect(
            try zoo.run("train", "lenet-mnist", "--data", data, "--epochs", "2", "-o", whole).code == 0)
        let models = try [run, whole].map {
            try Data(contentsOf: URL(filePath: "\($0)/model.zoo.safetensors"))
        }
        #expect(models[0] == models[1])
    }

    /// What a command prints can be lost as well.
    @Test(
        .enabled(if: FileManager.default.fileExists(atPath: "/dev/full")),
        arguments: [
            ["inspect", "MODEL"], ["inspect", "MODEL", "--json"], ["summary", "MODEL"], ["--version"], [],
            ["predict", "MODEL", Commands.picture], ["evaluate", "MODEL", "--data", Commands.data],
        ])
    func lostResults(arguments: [String]) throws {
        let model = Repository.path("zoo/weights/lenet-mnist.pth")
        let shell = try ZooCommand(executable: URL(filePath: "/bin/bash"))
        try shell.expectOneClearLine([
            FailingCall(
                ["-c", "exec \"$0\" \"$@\" > /dev/full", zoo.executable.path]
                    + arguments.map { $0 == "MODEL" ? model : $0 }, naming: "standard output", "room")
        ])
    }
}
