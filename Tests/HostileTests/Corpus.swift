import Foundation
import Testing

/// The samples of `Corpus`, each with what has to come of it; `Corpus/make_corpus.py` wrote them.
struct Corpus: Decodable {
    /// What comes of a sample.
    struct Sample: Decodable {
        struct Reading: Decodable {
            /// Types and shapes by name, when it reads.
            let tensors: [String: String]?
            /// A part of the warning.
            let warns: String?
            /// The error's code and a part of its message, when it doesn't.
            let error: String?
            let says: String?
            /// Whether it is only the numbers that can't be read.
            let lists: Bool?

            /// Whether it may read, and may not.
            var isOpen: Bool { tensors == nil && error == nil }
        }

        struct Scanning: Decodable {
            /// 0 clean, 2 findings, 1 unreadable.
            let exit: Int32
            /// Each stands in a finding.
            let finds: [String]
        }

        let what: String
        let read: Reading
        let scan: Scanning
        /// The loader that really makes the call.
        let runs: String?
    }

    /// What the pickles would make, if anybody ran them.
    static let marker = "/tmp/menagerie-hostile-was-run"
    static let root = String(#filePath.dropLast("Tests/HostileTests/Corpus.swift".count))

    /// Names, and paths below the repository's root, of the samples.
    let samples: [String: Sample]

    init() throws {
        let list = URL(filePath: Self.root + "Tests/HostileTests/Corpus/expected.json")
        samples = try JSONDecoder().decode([String: Sample].self, from: Data(contentsOf: list))
    }

    static func path(_ name: String) -> String {
        root + (name.contains("/") ? name : "Tests/HostileTests/Corpus/" + name)
    }

    /// Runs a body for each sample on all processors, and gives what is wrong, by name.
    func complaints(_ body: @Sendable (String, Sample) throws -> [String]) -> [String] {
        let names = samples.keys.sorted()
        let samples = samples
        let all = Said()
        DispatchQueue.concurrentPerform(iterations: names.count) { index in
            let name = names[index]
            guard let sample = samples[name] else { return }
            let said: [String]
            do {
                said = try body(name, sample)
            } catch {
                said = ["\(error)"]
            }
            all.append(said.map { "\(name) (\(sample.what)): \($0)" })
        }
        return all.lines
    }
}

/// The command under bounds: 256 MiB of data and two seconds of processor time, for itself and each process it starts.
struct BoundedCommand {
    struct Outcome {
        let code: Int32
        let output: String
        let errors: String
        let crashed: Bool
    }

    static let executable: String = {
        let beside = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent().appending(
            path: "zoo")
        return ProcessInfo.processInfo.environment["ZOO_EXECUTABLE"] ?? beside.path
    }()

    static func run(_ arguments: [String], in folder: String) throws -> Outcome {
        let process = Process()
        process.executableURL = URL(filePath: "/bin/sh")
        // On Linux the data limit counts all private memory; where it counts none, the time limit is left.
        process.arguments =
            ["-c", "ulimit -d 262144; ulimit -t 2; exec \"$@\"", "sh", executable] + arguments
        let (out, err) = (folder + "/.out", folder + "/.err")
        for file in [out, err] { try Data().write(to: URL(filePath: file)) }
        process.standardOutput = try FileHandle(forWritingTo: URL(filePath: out))
        process.standardError = try FileHandle(forWritingTo: URL(filePath: err))
        process.standardInput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        defer { for file in [out, err] { try? FileManager.default.removeItem(atPath: file) } }
        return Outcome(
            code: process.terminationStatus, output: try String(contentsOfFile: out, encoding: .utf8),
            errors: try String(contentsOfFile: err, encoding: .utf8),
            crashed: process.terminationReason == .uncaughtSignal)
    }
}

/// Lines that several threads collect.
private final class Said: @unchecked Sendable {
    private var collected: [String] = []
    private let lock = NSLock()

    func append(_ lines: [String]) { lock.withLock { collected += lines } }

    var lines: [String] { lock.withLock { collected } }
}
