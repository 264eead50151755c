import Foundation
import Testing

@Suite struct DiffTests {
    private let zoo: ZooCommand
    private let scratch: Scratch
    private let pth = Repository.path("zoo/weights/lenet-mnist.pth")
    private let h5 = Repository.path("zoo/weights/lenet-mnist.h5")

    init() throws {
        zoo = try ZooCommand()
        scratch = try Scratch()
    }

    @Test func equalFilesOfDifferentFormats() throws {
        let keras = scratch.path("k.h5")
        #expect(try zoo.run("convert", pth, "-o", keras).code == 0)
        let outcome = try zoo.run("diff", pth, keras, "--converted")
        #expect(outcome.code == 0 && outcome.output.contains("Equal: all 10 tensors."), "\(outcome.output)")
        let unlike = try zoo.run("diff", pth, keras)
        #expect(unlike.code == 2 && unlike.output.contains("--converted"))
        #expect(unlike.output.contains("only in \(keras)") && unlike.output.contains("conv1/kernel"))
        // A built-in model, a native file and a folder are sides, too.
        #expect(try zoo.run("diff", "lenet-mnist", pth).code == 0)
    }

    @Test func differentFiles() throws {
        let outcome = try zoo.run("diff", pth, h5, "--converted")
        #expect(outcome.code == 2)
        for text in ["fc1.weight", "48,000 of 48,000", "cosine", "furthest apart: ", "Different: 0 of 10"] {
            #expect(outcome.output.contains(text), "no \(text) in \(outcome.output)")
        }
        let document = try #require(
            try JSONSerialization.jsonObject(
                with: Data(zoo.run("diff", pth, h5, "--converted", "--json").output.utf8))
                as? [String: Any])
        #expect(document["schema"] as? String == "menagerie/diff/1" && document["equal"] as? Bool == false)
        let differences = try #require(document["differences"] as? [[String: Any]])
        let distances = differences.compactMap { ($0["values"] as? [String: Any])?["max_abs"] as? Double }
        #expect(distances.count == 10 && distances == distances.sorted(by: >))
    }

    @Test func selectionAndRenaming() throws {
        let rules = scratch.path("r.json")
        try #"{"schema": "menagerie/rename/1", "rules": [{"pattern": "^", "replacement": "model."}]}"#.write(
            toFile: rules, atomically: true, encoding: .utf8)
        let prefixed = scratch.path("p.pth")
        #expect(try zoo.run("convert", pth, "--rename", rules, "-o", prefixed).code == 0)
        #expect(try zoo.run("diff", pth, prefixed).code == 2)
        let renamed = try zoo.run("diff", pth, prefixed, "--rename", rules)
        #expect(renamed.code == 0, "\(renamed.output)")
        let without = scratch.path("w.pth")
        #expect(try zoo.run("convert", pth, "--exclude", "fc3.*", "-o", without).code == 0)
        #expect(try zoo.run("diff", pth, without).code == 2)
        #expect(try zoo.run("diff", pth, without, "--include", "fc1.*", "--include", "conv*").code == 0)
    }

    @Test func whatCantBeReadIsAnError() throws {
        let cut = scratch.path("cut.pth")
        try Data(contentsOf: URL(filePath: pth)).prefix(100_000).write(to: URL(filePath: cut))
        try zoo.expectOneClearLine(
            [
                (["diff", pth, cut], cut), (["diff", cut, pth], cut),
                (["diff", pth, scratch.path("missing")], "missing"),
                (["diff", scratch.url.path, pth], scratch.url.path),
                (["diff", pth, h5, "--key-a", "x"], "x"),
                (["diff", pth, pth, "--exclude", "*"], pth),
            ].map { FailingCall($0.0, naming: $0.1) })
        for options in [
            ["--atol", "-1"], ["--rtol", "nan"], ["--architecture", "lenet"], ["--atol", "x"],
        ] {
            #expect(try zoo.run(["diff", pth, h5] + options).code == 64, "\(options)")
        }
    }

    @Test func labelsComeAlong() throws {
        let folder = scratch.path("hf")
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        #expect(try zoo.run("convert", pth, "--raw", "-o", "\(folder)/model.safetensors").code == 0)
        let names = (0..<10).map { "\"\($0)\": \"class \($0)\"" }.joined(separator: ", ")
        try "{\"id2label\": {\(names)}}".write(
            toFile: "\(folder)/config.json", atomically: true, encoding: .utf8)
        let native = scratch.path("n.zoo.safetensors")
        let outcome = try zoo.run("convert", folder, "-o", native)
        #expect(
            outcome.output.contains("took the names of the 10 classes from config.json's id2label"),
            "\(outcome.errors)")
        #expect(try zoo.run("summary", native).output.contains("class 7"))
        // The user's own names go before, and a wrong number is left out with a word.
        let labels = Repository.path("zoo/data/fashion-mnist/labels.txt")
        #expect(try zoo.run("convert", folder, "--labels", labels, "-o", native).code == 0)
        #expect(try zoo.run("summary", native).output.contains("Trouser"))
        try "{\"label_names\": [\"a\", \"b\"]}".write(
            toFile: "\(folder)/config.json", atomically: true, encoding: .utf8)
        let short = try zoo.run("convert", folder, "-o", native)
        #expect(short.code == 0 && short.output.contains("left out the 2 names in config.json's label_names"))
    }
}
