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
