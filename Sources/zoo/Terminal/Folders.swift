import Menagerie

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Folders that commands read and make.
enum Folders {
    /// Names of what a folder holds, sorted.
    static func names(in path: String) throws(ZooError) -> [String] {
        guard let stream = unsafe opendir(path) else {
            let code = errno
            let reason = unsafe strerror(code).map { unsafe String(cString: $0) } ?? "error \(code)"
            throw ZooError(
                code == ENOENT ? .fileNotFound : code == ENOTDIR ? .notAFile : .systemFailure,
                code == ENOTDIR
                    ? "this is a file, where a folder is needed" : "cannot open the folder: \(reason)",
                file: path)
        }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// Makes a folder unless it is there.
    /// - Returns: whether it was made now.
    static func make(_ path: String) throws(ZooError) -> Bool {
        if unsafe mkdir(path, 0o755) == 0 { return true }
        let code = errno
        if code == EEXIST { return false }
        let reason = unsafe strerror(code).map { unsafe String(cString: $0) } ?? "error \(code)"
        throw ZooError(
            .systemFailure, "cannot make the folder: \(reason)", file: path,
            remedy: "Check that the folder that it is to be in exists, and that you may write to it.")
    }

    /// Removes a file.
    static func removeFile(_ path: String) { unsafe unlink(path) }

    /// Removes a folder if nothing is in it.
    static func removeEmpty(_ path: String) { unsafe rmdir(path) }
}
