import Foundation
package import ZooTensors

/// Where the tests find things.
package enum TestFiles {
    /// The repository's root folder, with a slash at its end.
    package static let root = String(#filePath.dropLast("Tests/Support/TestFiles.swift".count))

    /// Whether something is at a path.
    package static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

    /// A path below the repository's root.
    package static func path(_ relative: String) -> String { root + relative }

    /// Writes a file as it is.
    package static func write(_ bytes: [UInt8], to path: String) throws(ZooError) {
        let file = try AtomicFile(path: path)
        try file.write(bytes)
        try file.commit()
    }

    /// Writes a file over what is there, without waiting until it is on the disk as Foundation does.
    package static func overwrite(_ path: String, with bytes: [UInt8]) throws(ZooError) {
        do {
            let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
            let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
            try file.write(contentsOf: Data(bytes))
        } catch {
            throw ZooError(.systemFailure, "cannot write: \(error)", file: path)
        }
    }

    /// Makes a folder, or takes everything out of it.
    package static func emptyFolder(_ path: String) throws(ZooError) {
        do {
            if exists(path) { try FileManager.default.removeItem(atPath: path) }
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw ZooError(.systemFailure, "cannot make a folder: \(error)", file: path)
        }
    }

    /// Names of what is in a folder below the repository's root.
    package static func names(in folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: path(folder))
    }

    /// All bytes of a file.
    package static func read(_ path: String) throws(ZooError) -> [UInt8] {
        try ByteSource(path: path).allBytes()
    }
}

/// A folder of a test's own, removed with everything in it when the test lets go of it.
package final class TemporaryFolder: Sendable {
    /// The folder, without a slash at its end.
    package let path: String

    package init() throws {
        let name = "menagerie-test-\(UUID().uuidString)"
        path = FileManager.default.temporaryDirectory.appendingPathComponent(name).path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    /// A path inside the folder.
    package func file(_ name: String) -> String { "\(path)/\(name)" }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// The command under test, which also indexes HDF5 files in a process of its own.
package enum Zoo {
    /// Where it lies: where ZOO_EXECUTABLE says, or beside the tests.
    package static let executable: String = {
        if let given = ProcessInfo.processInfo.environment["ZOO_EXECUTABLE"] { return given }
        return URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
            .appendingPathComponent("zoo").path
    }()

    /// A folder of this process.
    package static let scratch = TemporaryFolder.makeOrDie()
}

extension TemporaryFolder {
    fileprivate static func makeOrDie() -> TemporaryFolder {
        do {
            return try TemporaryFolder()
        } catch {
            fatalError("there is no place for temporary files: \(error)")
        }
    }
}
