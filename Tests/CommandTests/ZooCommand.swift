import Foundation
import Testing

/// Runs the built `zoo` as a user would.
struct ZooCommand {
    struct Outcome {
        let code: Int32
        let output: String
        let errors: String
        /// Whether a signal ended the process.
        let crashed: Bool
    }

    let executable: URL

    /// The given executable; else the one that ZOO_EXECUTABLE names; else the one that was built with the tests.
    init(executable: URL? = nil) throws {
        if let executable {
            self.executable = executable
            return
        }
        let folder = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
        let given = ProcessInfo.processInfo.environment["ZOO_EXECUTABLE"].map { URL(filePath: $0) }
        let candidate = given ?? folder.appending(path: "zoo")
        try #require(
            FileManager.default.isExecutableFile(atPath: candidate.path),
            "no zoo at \(candidate.path)")
        self.executable = candidate
    }

    @discardableResult
    func run(_ arguments: String..., in folder: URL? = nil) throws -> Outcome {
        try run(arguments, in: folder)
    }

    func run(_ arguments: [String], in folder: URL? = nil) throws -> Outcome {
        let process = Process()
        process.executableURL = executable
        process.arguments = arguments
        if let folder { process.currentDirectoryURL = folder }
        // Output goes to files: a full pipe would stop the process while we wait for its end.
        let outputs = FileManager.default.temporaryDirectory.appending(path: "zoo-run-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: outputs, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: outputs) }
        let (out, err) = (outputs.appending(path: "out"), outputs.appending(path: "err"))
        for file in [out, err] { try Data().write(to: file) }
        process.standardOutput = try FileHandle(forWritingTo: out)
        process.standardError = try FileHandle(forWritingTo: err)
        process.standardInput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        return Outcome(
            code: process.terminationStatus, output: try String(contentsOf: out, encoding: .utf8),
            errors: try String(contentsOf: err, encoding: .utf8),
            crashed: process.terminationReason == .uncaughtSignal)
    }
}

/// A folder that is removed when the test is done.
final class Scratch: Sendable {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appending(path: "zoo-test-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    func path(_ name: String) -> String { url.appending(path: name).path }

    var contents: [String] {
        get throws { try FileManager.default.contentsOfDirectory(atPath: url.path).sorted() }
    }
}

/// Files of the repository.
enum Repository {
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    static func path(_ relative: String) -> String { root.appending(path: relative).path }
}
