#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A new folder whose files appear all at once: until ``commit()`` they lie beside it under temporary names, and there is
/// no folder.
package final class UnfinishedFolder {
    private let path: String
    private var files: [AtomicFile] = []

    /// - Throws: ``ZooError`` when something is at the path that isn't an empty folder.
    package init(path: String) throws(ZooError) {
        var trimmed = path
        while trimmed.count > 1, trimmed.hasSuffix("/") { trimmed.removeLast() }
        self.path = trimmed
        var information = stat()
        guard unsafe stat(trimmed, &information) == 0 else { return }
        guard information.st_mode & S_IFMT == S_IFDIR else {
            throw ZooError(
                .notAFile, "the output is to be a folder, and something else is there", file: path,
                remedy: "Name a new folder.")
        }
        let listing = try FolderListing(path: trimmed)
        guard listing.files.isEmpty, listing.folders.isEmpty else {
            throw ZooError(
                .invalidArgument, "the folder is not empty", file: path, remedy: "Name a new folder.")
        }
    }

    /// Where a file of the folder will be.
    package func path(of name: String) -> String { "\(path)/\(name)" }

    /// Begins a file of the folder.
    package func file(_ name: String) throws(ZooError) -> AtomicFile {
        let file = try AtomicFile(path: path(of: name), beside: path)
        files.append(file)
        return file
    }

    /// Makes all files durable, then the folder, and gives them their names in it.
    package func commit() throws(ZooError) {
        for file in files { try file.finish() }
        let isNew = unsafe mkdir(path, 0o777) == 0
        guard isNew || errno == EEXIST else { throw UnfinishedFile.failure(path: path) }
        do throws(ZooError) {
            for file in files { try file.commit() }
        } catch {
            if isNew { removeAll() }
            throw error
        }
    }

    private func removeAll() {
        for file in files { TemporaryFiles.remove(file.path) }
        unsafe rmdir(path)
    }
}
