internal import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The files that this process is writing under temporary names. They are kept in a list, so that a program which
/// has to end at once can remove them first.
package enum TemporaryFiles {
    /// Temporary paths, and what each is to become.
    private static let unfinished = Mutex<[String: String]>([:])

    /// Makes an empty file beside the one that it is to become, with the permissions of any other new file.
    /// - Returns: its path, and a descriptor to write with.
    /// - Throws: ``ZooError`` when the folder is missing or can't be written to.
    package static func make(beside path: String) throws(ZooError) -> (path: String, descriptor: Int32) {
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "./"
        let name = path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
        guard !name.isEmpty else {
            throw ZooError(
                .invalidArgument, "the output has no file name", file: path,
                remedy: "Name a file inside the folder.")
        }
        var template = Array("\(folder)\(prefix(of: name))\(suffix)".utf8CString)
        let made = try unfinished.withLock {
            (unfinished) throws(ZooError) -> (path: String, descriptor: Int32) in
            let descriptor = unsafe template.withUnsafeMutableBufferPointer { buffer in
                unsafe buffer.baseAddress.map { unsafe mkstemp($0) } ?? -1
            }
            guard descriptor >= 0 else { throw UnfinishedFile.failure(path: path) }
            let temporary = String(
                decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
            unfinished[temporary] = path
            return (temporary, descriptor)
        }
        _ = fcntl(made.descriptor, F_SETFD, FD_CLOEXEC)
        // mkstemp makes files for their owner alone.
        let mask = umask(0)
        umask(mask)
        fchmod(made.descriptor, 0o666 & ~mask)
        return made
    }

    /// Gives a temporary file the name that it was made for.
    package static func rename(_ temporary: String, to path: String) throws(ZooError) {
        try unfinished.withLock { (unfinished) throws(ZooError) in
            guard systemRename(temporary, path) == 0 else {
                throw UnfinishedFile.failure(path: path)
            }
            unfinished[temporary] = nil
        }
    }

    /// Removes a temporary file.
    package static func remove(_ temporary: String) {
        unfinished.withLock { unfinished in
            unsafe unlink(temporary)
            unfinished[temporary] = nil
        }
    }

    /// Removes all of them and ends the process. While `end` runs, no other thread can make a temporary file or
    /// give one its name.
    /// - Parameter end: takes the paths that now won't be written.
    package static func removeAll(end: ([String]) -> Never) -> Never {
        unfinished.withLock { unfinished in
            for temporary in unfinished.keys { unsafe unlink(temporary) }
            end(unfinished.values.sorted())
        }
    }

    /// Whether `name` is what a process that was killed left of writing a file called `target`.
    package static func isLeftover(_ name: String, of target: String) -> Bool {
        let start = prefix(of: target)
        return name.hasPrefix(start) && name.utf8.count == start.utf8.count + suffix.utf8.count
    }

    /// A long name is cut, since file systems take 255 bytes.
    private static func prefix(of name: String) -> String {
        var start = Substring(name)
        while start.utf8.count > 200 { start.removeLast() }
        return ".\(start)."
    }

    /// What `mkstemp` replaces.
    private static let suffix = "XXXXXX"
}

/// `rename(2)`, under a name that the method doesn't hide.
private func systemRename(_ from: String, _ to: String) -> Int32 { unsafe rename(from, to) }
