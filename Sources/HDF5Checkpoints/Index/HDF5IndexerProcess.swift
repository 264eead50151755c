internal import CZooHDF5Shim
internal import ZooTensors

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The helper's side of ``HDF5Isolation/helper(executable:)``.
public enum HDF5IndexerProcess {
    /// The first argument that makes a program the helper.
    public static let command = "__index-hdf5"

    /// What the helper's answer begins with, so that another program's output isn't taken for one.
    static let greeting = Array("menagerie-hdf5-table/1\n".utf8)
    /// Processor time that the helper may take, in seconds: a hundred times what a real file takes, and more for
    /// larger files.
    static func processorSeconds(fileBytes: Int) -> Int { min(1 + fileBytes / (8 << 20), 20) }
    /// Memory that the helper may ask for beyond what it has when it starts; real files take a hundredth.
    static func memoryBytes(fileBytes: Int) -> Int { (64 << 20) + 2 * min(fileBytes, 512 << 20) }

    /// Indexes one file and writes the table to standard output. Call it first thing in `main`, before anything
    /// starts a thread, and exit with its result.
    /// - Parameter arguments: what follows ``command``: the file's path, then optionally the most entries, the most
    ///   bytes of the table and the deepest nesting, then optionally the offset and the number of bytes of the part
    ///   of standard input that is to be indexed in the file's place.
    /// - Returns: The exit code: 0, 64 for wrong arguments, 1 when no table could be made or written.
    public static func main(_ arguments: [String]) -> Int32 {
        var limits = HDF5Indexer.Limits(ReadLimits())
        guard let path = arguments.first else { return 64 }
        var part: HDF5FilePart?
        if arguments.count > 1 {
            let numbers = arguments.dropFirst().compactMap { Int($0) }
            guard numbers.count == arguments.count - 1, [3, 5].contains(numbers.count),
                numbers.allSatisfy({ $0 >= 0 })
            else { return 64 }
            limits = HDF5Indexer.Limits(entries: numbers[0], tableBytes: numbers[1], depth: numbers[2])
            if numbers.count == 5 {
                part = HDF5FilePart(descriptor: 0, offset: numbers[3], byteCount: numbers[4])
            }
        }
        let fileBytes = part?.byteCount ?? (try? ByteSource(path: path))?.count ?? 0
        zoo_confine(
            UInt64(memoryBytes(fileBytes: fileBytes)), UInt64(processorSeconds(fileBytes: fileBytes)))
        do {
            let table =
                if let part {
                    try HDF5Indexer.table(part: part, limits: limits)
                } else {
                    try HDF5Indexer.table(path: path, limits: limits)
                }
            return write(greeting) && write(table) ? 0 : 1
        } catch {
            return 1
        }
    }

    private static func write(_ bytes: [UInt8]) -> Bool {
        var done = 0
        while done < bytes.count {
            let written = unsafe bytes.withUnsafeBytes { buffer in
                unsafe systemWriteAll(1, buffer, from: done)
            }
            if written < 0 {
                if errno == EINTR { continue }
                return false
            }
            done += written
        }
        return true
    }
}

/// `write(2)` of the rest of a buffer.
private func systemWriteAll(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer, from start: Int) -> Int {
    unsafe write(descriptor, bytes.baseAddress?.advanced(by: start), bytes.count - start)
}
