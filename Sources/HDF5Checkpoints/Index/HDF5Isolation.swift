internal import CZooHDF5Shim
package import ZooTensors

/// Where libhdf5 runs when it looks at a file.
///
/// libhdf5 isn't safe with files from strangers: random changes to a file's structure crash it or send it round
/// for ever. Menagerie lets it only list what a file holds; the data itself is read without it.
public enum HDF5Isolation: Sendable, Hashable {
    /// In a process of its own, with bounds on memory and time, which answers with a table. `executable` is a
    /// program that calls ``HDF5IndexerProcess/main(_:)`` when its first argument is
    /// ``HDF5IndexerProcess/command``; `zoo` is one.
    case helper(executable: String)
    /// In the caller's process. A damaged or malicious file can then crash the caller, make it hang, or possibly
    /// make it run foreign code: use this only for files that you wrote yourself.
    case inProcess
}

extension HDF5Index {
    /// Lists what a file holds.
    /// - Throws: ``ZooError`` when the file is missing, no HDF5 file, damaged, beyond the limits, or refused because
    ///   it links elsewhere.
    package static func read(
        path: String, isolation: HDF5Isolation, limits: ReadLimits = ReadLimits()
    ) throws(ZooError) -> HDF5Index {
        let source = try ByteSource(path: path)
        do {
            try checkSignature(source)
            let table: [UInt8]
            switch isolation {
            case .helper(let executable):
                table = try HDF5Helper.table(executable: executable, path: path, limits: limits)
            case .inProcess: table = try HDF5Indexer.table(path: path, limits: HDF5Indexer.Limits(limits))
            }
            return try HDF5Index(table: table, source: source, limits: limits)
        } catch {
            throw error.adding(file: path, byteOffset: error.code == .truncated ? source.count : nil)
        }
    }

    /// Lists what a part of a file holds that is an HDF5 file itself, without copying it. What lies in memory is
    /// put into a file without a name first, and read from there.
    /// - Throws: ``ZooError`` as for a whole file, with places counted from the start of the whole.
    package static func read(
        part: ByteSource, isolation: HDF5Isolation, limits: ReadLimits = ReadLimits()
    ) throws(ZooError) -> HDF5Index {
        let source = try part.withDescriptor { (file) throws(ZooError) in
            file == nil ? try HDF5NamelessFile.source(of: part) : part
        }
        do {
            try checkSignature(source)
            let table = try source.withDescriptor { (file) throws(ZooError) -> [UInt8] in
                guard let file else { throw ZooError(.systemFailure, "cannot hand over a file in memory") }
                let place = HDF5FilePart(descriptor: file, offset: source.start, byteCount: source.count)
                switch isolation {
                case .helper(let executable):
                    return try HDF5Helper.table(
                        executable: executable, path: source.path ?? "", part: place, limits: limits)
                case .inProcess:
                    return try HDF5Indexer.table(part: place, limits: HDF5Indexer.Limits(limits))
                }
            }
            return try HDF5Index(table: table, source: source, limits: limits)
        } catch {
            let end = source.start.addingReportingOverflow(source.count).partialValue
            throw error.adding(file: source.path, byteOffset: error.code == .truncated ? end : nil)
        }
    }

    /// Reads and checks a table, which nobody has to be able to trust.
    package init(table: [UInt8], source: ByteSource, limits: ReadLimits) throws(ZooError) {
        let objects = try HDF5TableReader.objects(in: table, limits: limits)
        try HDF5TableCheck.check(objects, fileBytes: source.count, limits: limits)
        try self.init(source: source, objects: objects)
    }

    /// The signature stands at the start or, behind a user block, at 512 bytes or a power of two times that.
    private static func checkSignature(_ source: ByteSource) throws(ZooError) {
        let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]
        var offset = 0
        while source.count >= 8, offset <= source.count - 8, offset <= 1 << 30 {
            if try source.bytes(at: offset, count: 8) == signature { return }
            offset = offset == 0 ? 512 : offset * 2
        }
        throw ZooError(.unknownFormat, "this is no HDF5 file")
    }
}

/// Bytes of an open file that are an HDF5 file.
struct HDF5FilePart: Sendable {
    /// The open file.
    let descriptor: Int32
    /// The first byte.
    let offset: Int
    /// How many there are.
    let byteCount: Int
}

/// Calls libhdf5 to index a file, in whatever process this is.
package enum HDF5Indexer {
    /// The bounds that the C side keeps.
    package struct Limits: Sendable {
        /// Links, attributes and chunks.
        var entries: Int
        /// Bytes of the table.
        var tableBytes: Int
        /// Groups within groups.
        var depth: Int

        init(entries: Int, tableBytes: Int, depth: Int) {
            self.entries = entries
            self.tableBytes = tableBytes
            self.depth = depth
        }

        fileprivate var bounds: zoo_hdf5_limits {
            zoo_hdf5_limits(
                entries: UInt64(clamping: entries), table_bytes: UInt64(clamping: tableBytes),
                depth: UInt32(clamping: depth))
        }

        package init(_ limits: ReadLimits) {
            self.init(
                entries: max(limits.entryCount, 0), tableBytes: max(limits.headerBytes, 0),
                depth: min(max(limits.nestingDepth, 1), 512))
        }
    }

    /// libhdf5's version, as "1.10.8".
    package static var libraryVersion: String {
        var text = [CChar](repeating: 0, count: 32)
        unsafe zoo_hdf5_version(&text, text.count)
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// The table of a file.
    package static func table(path: String, limits: Limits) throws(ZooError) -> [UInt8] {
        var table = unsafe zoo_hdf5_table()
        unsafe zoo_hdf5_index(path, limits.bounds, &table)
        return try unsafe bytes(of: &table)
    }

    /// The table of a part of an open file.
    static func table(part: HDF5FilePart, limits: Limits) throws(ZooError) -> [UInt8] {
        var table = unsafe zoo_hdf5_table()
        unsafe zoo_hdf5_index_part(
            part.descriptor, UInt64(clamping: part.offset), UInt64(clamping: part.byteCount), limits.bounds,
            &table)
        return try unsafe bytes(of: &table)
    }

    private static func bytes(of table: inout zoo_hdf5_table) throws(ZooError) -> [UInt8] {
        defer { unsafe zoo_hdf5_table_free(&table) }
        guard let bytes = unsafe table.bytes else {
            throw ZooError(.limitExceeded, "there is no memory for the file's structure")
        }
        return unsafe Array(UnsafeBufferPointer(start: bytes, count: table.count))
    }
}
