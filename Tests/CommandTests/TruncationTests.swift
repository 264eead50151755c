import Foundation
import Testing

/// Every file that a command reads, cut at every sixteenth of its length.
@Suite struct TruncationTests {
    private let zoo: ZooCommand
    private let scratch: Scratch

    init() throws {
        zoo = try ZooCommand()
        scratch = try Scratch()
    }

    /// A model in each format, and files of formats that `zoo` doesn't write, whose networks it doesn't know: cut
    /// short they must not come that far.
    private static let models = [
        "m.pth", "m.safetensors", "m.zoo.safetensors", "m.keras", "m.h5", "m.weights.h5", "m.npz",
        "tools/goldens/formats/state-dict-legacy.pth", "tools/goldens/formats/module-legacy.pth",
    ]

    private func whole(_ name: String) throws -> String {
        if name.hasPrefix("tools") { return Repository.path(name) }
        let path = scratch.path(name)
        let arguments =
            name == "m.npz"
            ? ["forward", "lenet-mnist", "--input", Commands.input, "--layer", "conv1", "-o", path]
            : ["convert", Repository.path("zoo/weights/lenet-mnist.pth"), "-o", path]
        let outcome = try zoo.run(arguments)
        try #require(outcome.code == 0, "\(outcome.errors)")
        return path
    }

    @Test(arguments: models) func modelsInEveryCommand(name: String) throws {
        let file = try whole(name)
        #expect(try zoo.run("inspect", file).code == 0)
        try zoo.expectOneClearLine(
            try Cuts(of: file, in: scratch).paths.enumerated().flatMap { index, cut in
                // Of an empty file there is nothing to say but that.
                FailingCall.ofEveryCommand(model: cut, naming: cut, index == 0 ? "empty" : "at byte ")
            })
    }

    @Test func numbersForForward() throws {
        let cuts = try Cuts(of: Commands.input, in: scratch).paths
        try zoo.expectOneClearLine(
            cuts.flatMap { cut in
                ["y.npy", "y.npz"].map { output in
                    FailingCall(
                        ["forward", "lenet-mnist", "--input", cut, "-o", "OUTPUTS/\(output)"], naming: cut,
                        "at byte ")
                }
            })
    }

    @Test(arguments: [
        "zoo/data/pictures/bag-9249.png", "Tests/ImagesTests/Fixtures/png-rgb-8-adam7.png",
        "Tests/ImagesTests/Fixtures/png-palette-4.png", "Tests/ImagesTests/Fixtures/png-grey-16.png",
        "Tests/ImagesTests/Fixtures/jpeg-420.jpg", "Tests/ImagesTests/Fixtures/jpeg-grey.jpg",
        "Tests/ImagesTests/Fixtures/jpeg-progressive.jpg", "Tests/ImagesTests/Fixtures/jpeg-cmyk.jpg",
    ])
    func pictures(name: String) throws {
        let file = Repository.path(name)
        #expect(try zoo.run("predict", "lenet-mnist", file).code == 0)
        let cuts = try Cuts(of: file, in: scratch).paths
        try zoo.expectOneClearLine(
            cuts.map { FailingCall(["predict", "lenet-mnist", $0], naming: $0) }
                // Also behind a whole picture: what was printed of that is no error.
                + cuts.map { FailingCall(["predict", "lenet-mnist", Commands.picture, $0], naming: $0) })
    }

    /// A folder of IDX files, compressed or not.
    private func data(compressed: Bool) throws -> String {
        let folder = scratch.path(compressed ? "compressed" : "plain")
        try FileManager.default.copyItem(atPath: Commands.data, toPath: folder)
        if !compressed {
            let gzip = try ZooCommand(executable: URL(filePath: "/bin/gzip"))
            let files = try FileManager.default.contentsOfDirectory(atPath: folder)
                .filter { $0.hasSuffix(".gz") }
            #expect(files.count == 4)
            #expect(try gzip.run(["-d"] + files.map { "\(folder)/\($0)" }).code == 0)
        }
        return folder
    }

    @Test(arguments: [true, false]) func dataSets(compressed: Bool) throws {
        let folder = try data(compressed: compressed)
        #expect(try zoo.run("evaluate", "lenet-mnist", "--data", folder).code == 0)
        let ending = compressed ? ".gz" : ""
        var calls: [FailingCall] = []
        for name in ["train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"] {
            for (sixteenths, cut) in try Cuts(of: "\(folder)/\(name)-ubyte\(ending)", in: scratch).paths
                .enumerated()
            {
                // The folder with this one file cut short; the others are links.
                let damaged = scratch.path("\(name)-\(sixteenths)")
                try FileManager.default.createDirectory(
                    atPath: damaged, withIntermediateDirectories: false)
                for other in try FileManager.default.contentsOfDirectory(atPath: folder) {
                    let target = other.hasPrefix(name) ? cut : "\(folder)/\(other)"
                    try FileManager.default.createSymbolicLink(
                        atPath: "\(damaged)/\(other)", withDestinationPath: target)
                }
                calls.append(
                    FailingCall(
                        ["train", "lenet-mnist", "--data", damaged, "-o", "OUTPUTS/run"], naming: name))
                if name.hasPrefix("t10k") {
                    calls.append(FailingCall(["evaluate", "lenet-mnist", "--data", damaged], naming: name))
                }
            }
        }
        try zoo.expectOneClearLine(calls)
    }

    /// A list of names that is cut short is a list of fewer names, which nothing in it contradicts; what has as
    /// many classes as before does. Only a cut within a character, or one that leaves nothing, is damage.
    @Test func namesOfClasses() throws {
        let names = ["Käse", "Größe", "日本語", "plain", "Ærø", "Łódź"]
        let file = scratch.path("labels.txt")
        try names.joined(separator: "\n").write(toFile: file, atomically: true, encoding: .utf8)
        let sixNamed = scratch.path("six.zoo.safetensors")
        #expect(try zoo.run("surgery", "lenet-mnist", "--labels", file, "-o", sixNamed).code == 0)
        var damaged = 0
        for cut in try Cuts(of: file, in: scratch).paths {
            let bytes = try Data(contentsOf: URL(filePath: cut))
            // Six names are six only after the last line's beginning.
            let lines = String(data: bytes, encoding: .utf8)?.split(separator: "\n").count ?? 0
            let convert = ["convert", sixNamed, "--labels", cut, "-o", "OUTPUTS/c.zoo.safetensors"]
            if lines == 0 {
                damaged += 1
                try zoo.expectOneClearLine([
                    FailingCall(
                        ["surgery", "lenet-mnist", "--labels", cut, "-o", "OUTPUTS/s.zoo.safetensors"],
                        naming: cut),
                    FailingCall(convert, naming: cut),
                ])
                continue
            }
            let target = scratch.path("s-\(bytes.count).zoo.safetensors")
            #expect(try zoo.run("surgery", "lenet-mnist", "--labels", cut, "-o", target).code == 0)
            #expect(try zoo.run("summary", target).output.contains("84→\(lines)"))
            if lines < 6 {
                try zoo.expectOneClearLine([FailingCall(convert, naming: cut, "expected 6", "found \(lines)")]
                )
            }
        }
        #expect(damaged > 1)
    }

    /// The names beside a data set: fewer than labels occur.
    @Test func namesBesideData() throws {
        let folder = try data(compressed: true)
        let names = try Data(contentsOf: URL(filePath: "\(folder)/labels.txt"))
        var readable = 0
        var calls: [FailingCall] = []
        for sixteenths in 0..<16 {
            let cut = names.prefix(names.count * sixteenths / 16)
            let copy = scratch.path("names-\(sixteenths)")
            try FileManager.default.copyItem(atPath: folder, toPath: copy)
            try cut.write(to: URL(filePath: "\(copy)/labels.txt"))
            if String(decoding: cut, as: UTF8.self).split(separator: "\n").count == 10 {
                // The last name alone is shorter than it was.
                readable += 1
                #expect(try zoo.run("evaluate", "lenet-mnist", "--data", copy).code == 0)
            } else {
                calls.append(
                    FailingCall(["evaluate", "lenet-mnist", "--data", copy], naming: copy, "labels.txt"))
                calls.append(
                    FailingCall(
                        ["train", "lenet-mnist", "--data", copy, "-o", "OUTPUTS/run"], naming: copy,
                        "labels.txt"))
            }
        }
        #expect(readable < 3)
        try zoo.expectOneClearLine(calls)
    }

    /// A run that goes on reads its checkpoint and its log; when one is cut short, both stay as they are.
    @Test func runsThatGoOn() throws {
        let run = scratch.path("run")
        let outcome = try zoo.run(
            "train", "lenet-mnist", "--data", Commands.data, "--epochs", "1", "-o", run)
        try #require(outcome.code == 0, "\(outcome.errors)")
        var calls: [FailingCall] = []
        for name in ["last.zoo.safetensors", "log.jsonl"] {
            for (sixteenths, cut) in try Cuts(of: "\(run)/\(name)", in: scratch).paths.enumerated() {
                let copy = scratch.path("run-\(sixteenths)-\(name)")
                try FileManager.default.copyItem(atPath: run, toPath: copy)
                try FileManager.default.removeItem(atPath: "\(copy)/\(name)")
                try FileManager.default.copyItem(atPath: cut, toPath: "\(copy)/\(name)")
                calls.append(
                    FailingCall(
                        ["train", "--resume", copy, "--data", Commands.data, "--epochs", "2"], naming: copy,
                        name, untouched: copy))
            }
        }
        #expect(calls.count == 32)
        try zoo.expectOneClearLine(calls)
    }
}
