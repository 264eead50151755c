internal import CZooHDF5Shim
internal import ZooTensors

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Bytes that another process shall read as a file, in a file that has no name: nothing is left behind, however this
/// process ends.
enum HDF5NamelessFile {
    /// Writes a source's bytes into such a file.
    /// - Throws: ``ZooError`` when there is no room for it.
    static func source(of bytes: ByteSource) throws(ZooError) -> ByteSource {
        let path = bytes.path ?? ""
        let folder = unsafe getenv("TMPDIR").map { unsafe String(cString: $0) } ?? "/tmp"
        let descriptor = unsafe zoo_nameless_file(folder)
        guard descriptor >= 0 else { throw failure(path) }
        var position = 0
        do throws(ZooError) {
            while position < bytes.count {
                let run = try bytes.bytes(at: position, count: min(bytes.count - position, 1 << 24))
                try write(run, to: descriptor, path: path)
                position += run.count
            }
        } catch {
            close(descriptor)
            throw error
        }
        return try ByteSource(descriptor: descriptor, path: path)
    }

    private static func write(_ run: [UInt8], to descriptor: Int32, path: String) throws(ZooError) {
        var done = 0
        while done < run.count {
            let count = unsafe run.withUnsafeBytes { buffer in
                unsafe systemWrite(descriptor, buffer.baseAddress?.advanced(by: done), buffer.count - done)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw failure(path) }
            done += count
        }
    }

    private static func failure(_ path: String) -> ZooError {
        ZooError(
            .systemFailure, "cannot unpack the compressed weights: \(systemFailureReason())", file: path,
            remedy: "Make room in the folder for temporary files, or name another in TMPDIR.")
    }
}

/// `write(2)`, under a name that the method doesn't hide.
private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    unsafe write(descriptor, bytes, count)
}
