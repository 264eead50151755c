internal import ZooContainers
public import ZooTensors

/// A number of bytes as people give it: `5GB`, `200 MB`, `1.5GiB`, `4096`.
public enum ByteCountText {
    private static let units: [(name: String, bytes: Double)] = [
        ("KIB", 1_024), ("MIB", 1_048_576), ("GIB", 1_073_741_824), ("TIB", 1_099_511_627_776), ("KB", 1e3),
        ("MB", 1e6),
        ("GB", 1e9), ("TB", 1e12), ("B", 1),
    ]

    /// The number; KB, MB, GB and TB are powers of ten, KiB, MiB, GiB and TiB powers of two.
    /// - Throws: ``ZooError`` for a text that is none, and for less than one byte.
    public static func parse(_ text: String) throws(ZooError) -> Int {
        let upper = text.uppercased().filter { $0 != " " }
        let unit = units.first { upper.hasSuffix($0.name) }
        let digits = upper.dropLast(unit?.name.count ?? 0)
        let isPlain = !digits.isEmpty && digits.utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == 0x2E }
        guard isPlain, let value = Double(digits), value * (unit?.bytes ?? 1) >= 1,
            let count = Int(exactly: (value * (unit?.bytes ?? 1)).rounded(.down))
        else {
            throw ZooError(
                .invalidArgument, "\(quoted(text)) is no size",
                expected: "a number of bytes such as 5GB or 200MB")
        }
        return count
    }
}
