#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// What lies directly in a folder, sorted by the bytes of the names (the order of Python's `sorted`). Links
/// count as what they point to; names that begin with a dot, and what is neither file nor folder, are left
/// out.
package struct FolderListing {
    /// Names of the regular files.
    package private(set) var files: [String] = []
    /// Names of the folders.
    package private(set) var folders: [String] = []

    /// - Throws: ``ZooError`` when the path isn't a folder, can't be read, or holds more than ten million
    ///   entries.
    package init(path: String) throws(ZooError) {
        guard let folder = unsafe opendir(path) else {
            throw systemError("cannot open the folder", path: path)
        }
        defer { unsafe closedir(folder) }
        while true {
            errno = 0
            guard let entry = unsafe readdir(folder) else {
                if errno != 0 { throw systemError("cannot read the folder", path: path) }
                break
            }
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { place in
                unsafe String(cString: UnsafeRawPointer(place).assumingMemoryBound(to: CChar.self))
            }
            if name.hasPrefix(".") { continue }
            guard files.count + folders.count < 10_000_000 else {
                throw ZooError(.limitExceeded, "the folder holds too many files", file: path)
            }
            var information = stat()
            guard unsafe stat("\(path)/\(name)", &information) == 0 else { continue }
            switch information.st_mode & S_IFMT {
            case S_IFREG: files.append(name)
            case S_IFDIR: folders.append(name)
            default: continue
            }
        }
        files.sort(by: FolderListing.precedes)
        folders.sort(by: FolderListing.precedes)
    }

    /// Order by bytes, which for UTF-8 is the order of code points.
    package static func precedes(_ left: String, _ right: String) -> Bool {
        left.utf8.lexicographicallyPrecedes(right.utf8)
    }

    /// Whether a folder is at the path.
    package static func isFolder(_ path: String) -> Bool {
        var information = stat()
        return unsafe stat(path, &information) == 0 && information.st_mode & S_IFMT == S_IFDIR
    }
}
