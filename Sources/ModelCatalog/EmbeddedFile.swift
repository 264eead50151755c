import CZooData

/// A file of the catalogue that is part of the binary.
struct EmbeddedFile {
    /// Path below the repository's `zoo` folder.
    let name: String
    let bytes: [UInt8]

    /// All of them.
    static func all() -> [EmbeddedFile] {
        (0..<zoo_embedded_file_count()).map { index in
            let file = unsafe zoo_embedded_file_at(index)
            return unsafe EmbeddedFile(
                name: String(cString: file.name),
                bytes: Array(UnsafeBufferPointer(start: file.bytes, count: file.count)))
        }
    }
}
