internal import ZooTensors

/// Which member names are let through: relative paths that can't leave the archive.
enum ZipName {
    static func validated(_ raw: [UInt8], byteOffset: Int, file: String?) throws(ZooError) -> String {
        // Names that aren't UTF-8 are in some old code page; they are only compared and shown, never opened.
        let name = String(decoding: raw, as: UTF8.self)
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        let isUnsafe =
            name.isEmpty || name.hasPrefix("/") || raw.contains(0) || raw.contains(UInt8(ascii: "\\"))
            || parts.contains("..") || raw.dropFirst().first == UInt8(ascii: ":")
        guard !isUnsafe else {
            throw ZooError(
                .refused, "the zip has a member whose name leads out of it, \(quoted(name))", file: file,
                byteOffset: byteOffset)
        }
        return name
    }
}
