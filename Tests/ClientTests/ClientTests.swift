import Foundation
import Testing
import ZooTestSupport

/// Another package depends on a tagged clone of this one, as an app would. SwiftPM builds it without anything that
/// it only grants to root packages, such as unsafe flags.
@Suite struct ClientTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// The client has targets of its own called `Models`, `Training` and `Images`.
    @Test func aClientBuildsAndRuns() throws {
        try tagClone()
        try writeClient()
        try run("swift", swift("build"))
        let products = try run("swift", swift("build", "--show-bin-path")).trimmingCharacters(in: .newlines)

        // One of its programs trains a model, the other takes it.
        let model = folder.file("fashion.zoo.safetensors")
        try run("\(products)/everything", [TestFiles.path("zoo/data/fashion-mnist"), model])
        for (picture, name) in [
            ("ankle-boot-9178", "Ankle boot"), ("dress-7273", "Dress"), ("sandal-729", "Sandal"),
        ] {
            let file = TestFiles.path("zoo/data/pictures/\(picture).png")
            #expect(try run("\(products)/classify", [model, file]) == "the picture shows \(name)\n")
        }

        #if os(Linux)
            try expectSmall("\(products)/classify", unlike: "\(products)/everything")
        #endif
    }

    /// What only predicts links neither HDF5 nor training; that the looking works is shown on what trains.
    private func expectSmall(_ inference: String, unlike whole: String) throws {
        #expect(try run("ldd", [whole]).contains("libhdf5"))
        #expect(try !run("ldd", [inference]).contains("libhdf5"))
        for module in ["11ZooTraining", "18ZooHDF5Checkpoints", "11ZooDatasets"] {
            #expect(try run("nm", [whole]).contains(module))
            #expect(try !run("nm", [inference]).contains(module), "\(module) is linked")
        }
    }

    /// A clone of the repository with a tag on the working tree as it is, changes and new files included. Git writes
    /// only into the clone.
    private func tagClone() throws {
        let clone = folder.file("menagerie.git")
        let root = String(TestFiles.root.dropLast())
        try run("git", ["clone", "--quiet", "--bare", "--depth", "1", "--no-tags", "file://\(root)", clone])
        let git = ["--git-dir", clone, "--work-tree", root]
        try run("git", git + ["read-tree", "HEAD"])
        try run("git", git + ["add", "--all"])
        try run(
            "git",
            git + [
                "-c", "user.name=Client Test", "-c", "user.email=test@localhost", "-c",
                "commit.gpgSign=false", "commit", "--quiet", "--allow-empty", "--no-verify", "--message",
                "The working tree",
            ])
        try run("git", git + ["tag", "--no-sign", "0.1.0"])
    }

    private func writeClient() throws {
        let client = folder.file("client")
        try FileManager.default.copyItem(
            atPath: TestFiles.path("Tests/ClientTests/Client"), toPath: client)
        let manifest = try String(contentsOfFile: "\(client)/Package.swift", encoding: .utf8)
            .replacingOccurrences(of: "MENAGERIE", with: "file://\(folder.file("menagerie.git"))")
        try manifest.write(toFile: "\(client)/Package.swift", atomically: true, encoding: .utf8)
    }

    /// Arguments for SwiftPM: everything of this test stays in its folder, and nothing for debuggers is made.
    private func swift(_ command: String, _ options: String...) -> [String] {
        [
            command, "--package-path", folder.file("client"), "--cache-path", folder.file("cache"),
            "--security-path", folder.file("security"), "--disable-index-store", "-debug-info-format", "none",
        ] + options
    }

    /// Runs a program to its end, without what SwiftPM and git tell the programs that they start.
    /// - Returns: its standard output.
    @discardableResult
    private func run(_ program: String, _ arguments: [String]) throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [program] + arguments
        process.environment = ProcessInfo.processInfo.environment.filter { name, _ in
            !["SWIFT", "XCTest", "XCODE", "LLVM_", "GIT_"].contains { name.hasPrefix($0) }
                || ["GIT_SSL", "GIT_CONFIG"].contains { name.hasPrefix($0) }
        }
        let log = folder.file("log-\(UUID().uuidString)")
        for name in ["\(log).out", "\(log).err"] {
            #expect(FileManager.default.createFile(atPath: name, contents: nil))
        }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try FileHandle(forWritingTo: URL(filePath: "\(log).out"))
        process.standardError = try FileHandle(forWritingTo: URL(filePath: "\(log).err"))
        try process.run()
        process.waitUntilExit()
        let output = try String(contentsOfFile: "\(log).out", encoding: .utf8)
        let errors = try String(contentsOfFile: "\(log).err", encoding: .utf8)
        try #require(
            process.terminationReason == .exit && process.terminationStatus == 0,
            "\(program) \(arguments.joined(separator: " "))\n\(output.suffix(4_000))\n\(errors.suffix(4_000))"
        )
        return output
    }
}
