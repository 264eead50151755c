import Foundation
import Testing

/// `zoo convert` of tables of tensors as they are, and the options that go with it.
@Suite struct RawCopyTests {
    private let zoo: ZooCommand
    private let scratch: Scratch
    private let pth = Repository.path("zoo/weights/lenet-mnist.pth")
    private let other = Repository.path("tools/goldens/formats/state-dict.pth")

    init() throws {
        zoo = try ZooCommand()
        scratch = try Scratch()
    }

    private func json(_ outcome: ZooCommand.Outcome) throws -> [String: Any] {
        try #require(JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
    }

    private func rules(_ rules: [(String, String)]) throws -> String {
        let list = rules.map { ["pattern": $0.0, "replacement": $0.1] }
        let path = scratch.path("rules-\(UUID().uuidString).json")
        let document: [String: Any] = ["schema": "menagerie/rename/1", "rules": list]
        try JSONSerialization.data(withJSONObject: document).write(to: URL(filePath: path))
        return path
    }

    private func names(_ path: String) throws -> [String] {
        let tensors = try json(zoo.run("inspect", path, "--json"))["tensors"] as? [[String: Any]]
        return try #require(tensors).compactMap { $0["key"] as? String }
    }

    /// From format to format and back, every tensor is the same.
    @Test func tablesGoRound() throws {
        var last = pth
        for name in ["a.safetensors", "b.npz", "c.pth", "d.safetensors"] {
            let outcome = try zoo.run("convert", last, "--raw", "-o", scratch.path(name))
            #expect(outcome.code == 0, "\(outcome.errors)")
            #expect(outcome.output.contains("10 of 10 tensors, 61,706 elements, 241.0 KiB"))
            last = scratch.path(name)
            let equal = try zoo.run("diff", pth, last)
            #expect(equal.code == 0 && equal.output.contains("Equal: all 10 tensors"), "\(equal.output)")
        }
        #expect(
            try Data(contentsOf: URL(filePath: scratch.path("a.safetensors")))
                != Data(contentsOf: URL(filePath: scratch.path("b.npz"))))
    }

    /// A network that isn't known is copied between table formats, and refused elsewhere.
    @Test func unknownNetworksAreCopied() throws {
        let outcome = try zoo.run("convert", other, "-o", scratch.path("o.safetensors"))
        #expect(outcome.code == 0 && outcome.output.contains("(--raw)"), "\(outcome.errors)")
        #expect(try zoo.run("diff", other, scratch.path("o.safetensors")).code == 0)
        try zoo.expectOneClearLine(
            [
                ["-o", "OUTPUTS/o.h5"], ["-o", "OUTPUTS/o.zoo.safetensors"],
                ["--to", "timm", "-o", "OUTPUTS/o"],
                ["-o", "OUTPUTS/o.pth", "--architecture", "lenet"],
                ["-o", "OUTPUTS/o.pth", "--to", "torchvision"],
                ["-o", "OUTPUTS/o.pth", "--allow-partial"],
            ].map { FailingCall(["convert", other] + $0, naming: other) })
    }

    @Test func selectionRenamingAndTypes() throws {
        let rename = try rules([("^conv(\\d)", "features.$1"), ("^fc", "classifier.")])
        let target = scratch.path("r.safetensors")
        let options = ["--rename", rename, "--include", "*.weight", "--exclude", "fc3.*", "--dtype", "bf16"]
        let dry = try zoo.run(["convert", pth, "-o", target, "--dry-run"] + options)
        #expect(dry.code == 0, "\(dry.errors)")
        for text in [
            "conv1.weight", "features.1.weight", "[6, 1, 5, 5]", "300", "renamed, f32→bf16",
            "4 of 10 tensors", "4 renamed",
            "left out: conv1.bias", "Nothing was written",
        ] {
            #expect(dry.output.contains(text), "no \(text) in \(dry.output)")
        }
        #expect(!FileManager.default.fileExists(atPath: target))
        let document = try json(zoo.run(["convert", pth, "-o", target, "--json"] + options))
        let copy = try #require(document["copy"] as? [String: Any])
        #expect(
            (copy["tensors"] as? [[String: Any]])?.map { $0["type"] as? String } == [
                "bf16", "bf16", "bf16", "bf16",
            ])
        #expect((copy["left_out"] as? [String])?.count == 6)
        #expect(document["files"] as? [String] == [target])
        #expect(
            try names(target).sorted() == [
                "classifier.1.weight", "classifier.2.weight", "features.1.weight", "features.2.weight",
            ])
    }

    @Test func rulesThatDontWork() throws {
        let calls = [
            (try rules([("\\d", "")]), "the same name"), (try rules([("^.*$", "")]), "leave nothing"),
            (try rules([("(", "")]), "rule 1"), (pth, "JSON"), (scratch.path("missing.json"), "missing.json"),
        ]
        try zoo.expectOneClearLine(
            calls.map {
                FailingCall(["convert", pth, "--rename", $0.0, "-o", "OUTPUTS/x.pth"], naming: $0.1)
            } + [
                FailingCall(
                    ["convert", pth, "--raw", "--exclude", "*", "-o", "OUTPUTS/x.pth"], naming: pth,
                    "none of the 10"),
                FailingCall(
                    ["convert", pth, "--raw", "--dtype", "bf16", "-o", "OUTPUTS/x.npz"],
                    naming: "conv1.weight", "NumPy"),
                FailingCall(["convert", pth, "--raw", "-o", pth], naming: "the input itself"),
                FailingCall(
                    ["convert", pth, "--to", "timm-tf", "-o", "OUTPUTS/x.pth"], naming: pth, "EfficientNets"),
                FailingCall(
                    ["convert", pth, "--to", "efficientnet-pytorch", "-o", "OUTPUTS/x.pth"], naming: "lenet",
                    "--to torchvision"),
            ])
        let outcome = try zoo.run(
            "convert", pth, "-o", scratch.path("n.pth"), "--rename", try rules([("nothing", "x")]),
            "--exclude", "no.*")
        #expect(outcome.code == 0)
        #expect(outcome.output.contains(#"rename rule 1, "nothing", matches no name"#))
        #expect(outcome.output.contains("--exclude no.* matches no name"))
    }

    @Test func optionsThatDontGoTogether() throws {
        for (options, word) in [
            (["--raw", "-o", "x.h5"], "--raw"), (["--raw", "-o", "x.zoo.safetensors"], "network"),
            (["--include", "*", "--to", "timm", "-o", "x"], "--include"),
            (["--raw", "--labels", "l", "-o", "x.pth"], "--labels"),
            (["--raw", "--mean", "0.5", "-o", "x.pth"], "--mean"),
            (["--raw", "--input-size", "32", "-o", "x.pth"], "--input-size"),
            (["--dtype", "f8", "-o", "x.pth"], "f16, bf16, f32"),
            (["--dtype-all", "-o", "x.pth"], "--dtype"),
            (["--dtype", "f16", "-o", "x.h5"], "Keras"),
            (["--max-shard-size", "1GB", "-o", "x.pth"], "--max-shard-size"),
            (["--max-shard-size", "much", "-o", "x.safetensors"], "200MB"),
            (["--to", "nonsense", "-o", "x.pth"], "torchvision"),
            (["--to", "torchvision", "-o", "x.h5"], "torchvision"),
            (["--to", "timm-tf", "-o", "x.h5"], "timm-tf"),
            (["--raw", "--to", "efficientnet-pytorch", "-o", "x.pth"], "network"),
            (["--raw", "--max-shard-size", "1GB", "-o", "x.npz"], "safetensors"),
        ] {
            let outcome = try zoo.run(["convert", pth] + options)
            #expect(outcome.code == 64, "\(options) ended with \(outcome.code): \(outcome.errors)")
            #expect(outcome.errors.contains(word), "\(options): \(outcome.errors)")
        }
    }

    @Test func partsAreReadAgainAsOne() throws {
        for options in [["--raw"], []] {
            let folder = scratch.path("parts\(options.count)")
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
            let outcome = try zoo.run(
                ["convert", pth, "-o", "\(folder)/model.safetensors", "--max-shard-size", "50KB"] + options)
            #expect(
                outcome.code == 0 && outcome.output.contains("model.safetensors.index.json"),
                "\(outcome.errors)")
            let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
            #expect(names.count == 4 && names[0] == "model-00001-of-00003.safetensors", "\(names)")
            for path in [folder, "\(folder)/model.safetensors.index.json"] {
                #expect(try zoo.run("diff", pth, path).code == 0)
                #expect(try zoo.run("summary", path).output.contains("61,706"))
                let native = try zoo.run("convert", path, "-o", scratch.path("n.zoo.safetensors"))
                #expect(native.code == 0 && native.output.contains("read 3 files as one checkpoint"))
            }
            try FileManager.default.removeItem(atPath: "\(folder)/\(names[1])")
            try zoo.expectOneClearLine(FailingCall.ofEveryCommand(model: folder, naming: names[1], "3 files"))
        }
    }

    @Test func aFolderForTimm() throws {
        let folder = scratch.path("timm")
        let outcome = try zoo.run("convert", "lenet-mnist", "--to", "timm", "-o", folder)
        #expect(outcome.code == 0 && outcome.output.contains("local-dir:"), "\(outcome.errors)")
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == [
                "config.json", "model.safetensors",
            ])
        let text = try Data(contentsOf: URL(filePath: "\(folder)/config.json"))
        let config = try #require(try JSONSerialization.jsonObject(with: text) as? [String: Any])
        #expect(config["architecture"] as? String == "lenet" && config["num_classes"] as? Int == 10)
        #expect((config["label_names"] as? [String])?.first == "0")
        // Read back, it is the same network with the same names of classes.
        let back = try zoo.run("convert", folder, "-o", scratch.path("b.zoo.safetensors"))
        #expect(
            back.code == 0
                && back.output.contains("took the names of the 10 classes from config.json's label_names"))
        #expect(try zoo.run("diff", pth, folder).code == 0)
        // Whatever is there stays.
        try zoo.expectOneClearLine([
            FailingCall(
                ["convert", "lenet-mnist", "--to", "hf", "-o", folder], naming: folder, "not empty",
                untouched: folder),
            FailingCall(["convert", "lenet-mnist", "--to", "hf", "-o", pth], naming: pth, "folder"),
            FailingCall(
                ["convert", "lenet-mnist", "--to", "hf", "-o", "OUTPUTS/no/such"], naming: "no/such"),
        ])
    }

    @Test func namesOfTorchvision() throws {
        let source = scratch.path("odd.pth")
        let rename = try rules([
            ("^conv1", "c1"), ("^conv2", "c3"), ("^fc1", "c5"), ("^fc2", "f6"), ("^fc3", "f7"),
        ])
        #expect(try zoo.run("convert", pth, "--rename", rename, "-o", source).code == 0)
        let plain = try zoo.run("convert", source, "--architecture", "lenet", "-o", scratch.path("same.pth"))
        #expect(plain.code == 0, "\(plain.errors)")
        #expect(try names(scratch.path("same.pth")).first == "c1.weight")
        let outcome = try zoo.run(
            "convert", source, "--architecture", "lenet", "--to", "torchvision", "-o", scratch.path("tv"))
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(try zoo.run("diff", pth, scratch.path("tv")).code == 0)
    }

    @Test func typesOfModels() throws {
        let native = scratch.path("h.zoo.safetensors")
        for (name, size) in [
            ("h.zoo.safetensors", 126_000), ("h.pth", 126_000), ("h.safetensors", 126_000),
            ("h.npz", 126_000),
        ] {
            let outcome = try zoo.run("convert", pth, "--dtype", "f16", "-o", scratch.path(name))
            #expect(outcome.code == 0, "\(outcome.errors)")
            let attributes = try FileManager.default.attributesOfItem(atPath: scratch.path(name))
            #expect((attributes[.size] as? Int ?? 0) < size + 8_000)
            #expect(try zoo.run("diff", native, scratch.path(name)).code == 0, "\(name)")
        }
        #expect(try zoo.run("summary", native).code == 0)
        #expect(try zoo.run("diff", native, pth, "--ignore-dtype").code == 2)
        #expect(
            try zoo.run("diff", native, pth, "--ignore-dtype", "--rtol", "1e-3", "--atol", "1e-6").code == 0)
    }

    /// A pickle's calls are warned of here, too, and not made.
    @Test func whatAPickleAsksForIsSaid() throws {
        let hook = Repository.path("Tests/CommandTests/Fixtures/lenet-calls-system.pth")
        for arguments in [
            ["convert", hook, "--raw", "-o", scratch.path("x.safetensors")], ["diff", hook, hook],
        ] {
            let outcome = try zoo.run(arguments)
            #expect(outcome.code == 0 && outcome.errors.contains("the file calls posix.system at byte "))
        }
    }

    /// Memory is bounded by the largest tensor, not by the file.
    @Test func copyingTakesLittleMemory() throws {
        // A sparse file: 96 MiB of numbers in three tensors.
        let count = 8 << 20
        var header = (0..<3).map {
            "\"t\($0)\":{\"dtype\":\"F32\",\"shape\":[\(count)],\"data_offsets\":[\($0 * 4 * count),\(($0 + 1) * 4 * count)]}"
        }.joined(separator: ",")
        header = "{" + header + "}"
        header += String(repeating: " ", count: (8 - header.utf8.count % 8) % 8)
        let source = scratch.path("large.safetensors")
        var start = Data((0..<8).map { UInt8(truncatingIfNeeded: header.utf8.count >> (8 * $0)) })
        start += Data(header.utf8)
        try start.write(to: URL(filePath: source))
        let handle = try FileHandle(forWritingTo: URL(filePath: source))
        try handle.truncate(atOffset: UInt64(start.count + 12 * count))
        try handle.close()
        let shell = try ZooCommand(executable: URL(filePath: "/bin/bash"))
        // 64 MiB of address space beyond what the program itself takes would not hold the file.
        for name in ["l.pth", "l.npz", "l.safetensors"] {
            let outcome = try shell.run(
                "-c",
                "\"$0\" convert \"$1\" --raw -o \"$2\" >/dev/null & child=$!; "
                    + "while kill -0 $child 2>/dev/null; do grep -h VmHWM /proc/$child/status 2>/dev/null; done | sort -n -k2 | tail -1; wait $child",
                zoo.executable.path, source, scratch.path(name))
            #expect(outcome.code == 0, "\(outcome.errors)")
            let peak = outcome.output.split(separator: " ").compactMap { Int($0) }.max()
            if let peak { #expect(peak < 64 << 10, "\(name): \(peak) KiB") }
        }
    }
}
