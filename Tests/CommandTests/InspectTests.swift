import Foundation
import Testing

@Suite struct InspectTests {
    private let zoo: ZooCommand
    private let scratch: Scratch

    init() throws {
        zoo = try ZooCommand()
        scratch = try Scratch()
    }

    private func document(_ outcome: ZooCommand.Outcome) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
    }

    @Test func namesAsATree() throws {
        let outcome = try zoo.run("inspect", Repository.path("zoo/weights/lenet-mnist.pth"))
        let lines = outcome.output.split(separator: "\n").map(String.init)
        #expect(lines.contains { $0.hasPrefix("  conv1 ") && $0.hasSuffix("624") })
        #expect(lines.contains { $0.hasPrefix("    weight  f32   [6, 1, 5, 5]") && $0.hasSuffix("600") })
    }

    @Test func statisticsOnRequest() throws {
        let outcome = try zoo.run(
            "inspect", Repository.path("tools/goldens/formats/dtypes.pth"), "--stats", "--json")
        #expect(outcome.code == 0, "\(outcome.errors)")
        let tensors = try #require(try document(outcome)["tensors"] as? [[String: Any]])
        let wide = try #require(tensors.first { $0["key"] as? String == "i64" })
        let statistics = try #require(wide["statistics"] as? [String: Any])
        #expect(statistics["minimum"] as? Double == -0x1p62 && statistics["maximum"] as? Double == 0x1p40 + 1)
        #expect(statistics["zeros"] as? Int == 1 && statistics["nan"] as? Int == 0)
        let table = try zoo.run("inspect", Repository.path("zoo/weights/lenet-mnist.h5"), "--stats")
        #expect(table.output.contains("mean") && table.output.contains("std"))
    }

    /// Clean files exit with 0, files with findings with 2, and what can't be read with 1.
    @Test func scanning() throws {
        for name in [
            "zoo/weights/lenet-mnist.pth", "zoo/weights/lenet-mnist.h5", "tools/goldens/formats/module.pth",
            "tools/goldens/formats/oldest-tar.pth", "tools/goldens/formats/state-dict-legacy.pth",
            "tools/goldens/formats/model.keras", "tools/goldens/formats/scalars-and-namespace.pth",
        ] {
            let outcome = try zoo.run("inspect", "--scan", Repository.path(name))
            #expect(outcome.code == 0 && outcome.output.contains("Clean"), "\(name): \(outcome.output)")
        }
        let marker = "/tmp/menagerie-was-run"
        for name in [
            "tools/goldens/formats/calls-system.pth", "Tests/CommandTests/Fixtures/lenet-calls-system.pth",
            "Tests/CommandTests/Fixtures/only-calls-system.pkl",
        ] {
            let outcome = try zoo.run("inspect", "--scan", Repository.path(name), "--json")
            #expect(outcome.code == 2, "\(name): \(outcome.output)")
            let document = try document(outcome)
            #expect(document["clean"] as? Bool == false)
            let imports = try #require(document["imports"] as? [[String: Any]])
            #expect(imports[0]["judgement"] as? String == "dangerous")
            #expect((imports[0]["name"] as? String)?.hasSuffix(".system") == true)
            #expect(!FileManager.default.fileExists(atPath: marker))
        }
        let unknown = try zoo.run(
            "inspect", "--scan", Repository.path("tools/goldens/formats/unknown-function.pth"))
        #expect(unknown.code == 2 && unknown.output.contains("vendor_codec.decode"))
        for path in [Repository.path("README.md"), scratch.path("missing.pth"), scratch.url.path] {
            let outcome = try zoo.run("inspect", "--scan", path)
            #expect(outcome.code == 1 && outcome.errors.contains(path), "\(outcome.errors)")
        }
        #expect(try zoo.run("inspect", "--scan", "a.pth", "--stats").code == 64)
    }

    /// What no loader looks at is found: in front of an archive, behind it, and an archive behind something else.
    @Test func hiddenBytesAreFound() throws {
        let pth = try Data(contentsOf: URL(filePath: Repository.path("zoo/weights/lenet-mnist.pth")))
        let behind = scratch.path("behind.pth")
        try (pth + Data("#!/bin/sh\n".utf8)).write(to: URL(filePath: behind))
        let outcome = try zoo.run("inspect", "--scan", behind)
        #expect(outcome.code == 2 && outcome.output.contains("10 bytes belong to no member"), "\(outcome)")

        let native = scratch.path("n.safetensors")
        #expect(
            try zoo.run("convert", Repository.path("zoo/weights/lenet-mnist.pth"), "-o", native).code == 0)
        #expect(try zoo.run("inspect", "--scan", native).code == 0)
    }
}
