internal import ZooTensors

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Where the tests find things.
package enum TestFiles {
    /// The repository's root folder, with a slash at its end.
    package static let root = String(#filePath.dropLast("Tests/Support/TestFiles.swift".count))

    /// Whether something is at a path.
    package static func exists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }

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
package final class TemporaryFolder {
    /// The folder, without a slash at its end.
    package let path: String

    package init() throws(ZooError) {
        let base = unsafe getenv("TMPDIR").map { unsafe String(cString: $0) } ?? "/tmp"
        var template = Array("\(base)/menagerie-test.XXXXXX".utf8CString)
        let isMade = unsafe template.withUnsafeMutableBufferPointer { buffer in
            unsafe buffer.baseAddress.map { unsafe mkdtemp($0) != nil } ?? false
        }
        guard isMade else { throw systemError("cannot make a folder", path: base) }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// A path inside the folder.
    package func file(_ name: String) -> String { "\(path)/\(name)" }

    deinit {
        let folder = path
        _ = unsafe nftw(
            folder, { entry, _, _, _ in unsafe entry.map { unsafe remove($0) } ?? 0 }, 16,
            FTW_DEPTH | FTW_PHYS)
    }
}
