#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A file that is being written under a temporary name, in the folder of the one that it will be: `fsync` and a
/// rename make it that. Whatever goes wrong before ``commit()``, the old file stays and nothing new is left behind.
package final class UnfinishedFile {
    /// Open for writing.
    package let descriptor: Int32
    /// Where the bytes are until ``commit()``.
    package let temporaryPath: String
    private let path: String
    private var isOpen = true
    private var hasName = false

    /// Makes an empty file beside `path`, with the permissions of any other new file.
    /// - Throws: ``ZooError`` when the folder is missing or can't be written to, or when something else than a
    ///   regular file is at the path: a folder, a pipe or a device is never replaced.
    package convenience init(path: String) throws(ZooError) { try self.init(path: path, beside: path) }

    /// Makes an empty file beside another place, on the same file system as the one that it will have.
    package init(path: String, beside place: String) throws(ZooError) {
        try UnfinishedFile.refuseSpecialFile(path)
        (temporaryPath, descriptor) = try TemporaryFiles.make(beside: place)
        self.path = path
    }

    deinit {
        if isOpen { close(descriptor) }
        if !hasName { TemporaryFiles.remove(temporaryPath) }
    }

    /// Makes what was written durable and closes the file.
    package func finish() throws(ZooError) {
        guard isOpen else { return }
        guard fsync(descriptor) == 0 else { throw UnfinishedFile.failure(path: path) }
        isOpen = false
        close(descriptor)
    }

    /// Makes what was written durable and gives it its name.
    package func commit() throws(ZooError) {
        try finish()
        // A rename would put the file in the place of whatever came there since.
        try UnfinishedFile.refuseSpecialFile(path)
        try TemporaryFiles.rename(temporaryPath, to: path)
        hasName = true
    }

    /// Refuses a path at which something else than a regular file is.
    package static func refuseSpecialFile(_ path: String) throws(ZooError) {
        var information = stat()
        guard unsafe stat(path, &information) == 0 else { return }
        switch information.st_mode & S_IFMT {
        case S_IFREG: return
        case S_IFDIR:
            throw ZooError(
                .notAFile, "the output is a folder", file: path, remedy: "Name a file inside the folder.")
        default:
            throw ZooError(
                .notAFile, "the output is a pipe, a device or another special file, which isn't replaced",
                file: path, remedy: "Name a regular file.")
        }
    }

    /// What the operating system said about the last failed call on an output.
    package static func failure(path: String) -> ZooError {
        let code = errno
        let isFull = code == ENOSPC || code == EFBIG || code == EDQUOT
        return ZooError(
            .systemFailure, "cannot write the output: \(systemFailureReason())", file: path,
            remedy: isFull
                ? "Make room there, or write to another place."
                : "Check that the folder exists and that you may write to it.")
    }
}
