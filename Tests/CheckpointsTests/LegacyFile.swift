import ZooTestSupport

/// A file in PyTorch's older format, put together by hand.
struct LegacyFile {
    /// The pickle of the object.
    var body: [UInt8]
    /// Storages of 32-bit floats, in file order.
    var storages: [(key: String, values: [Float])]

    static let magic: [UInt8] = [
        0x80, 2, 0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E,
    ]

    func bytes() -> [UInt8] {
        let system = PythonValue.dict([("protocol_version", .int(1001)), ("little_endian", .bool(true))])
        var result = LegacyFile.magic + PythonValue.int(1001).pickled() + system.pickled() + body
        result += PythonValue.list(storages.map { .text($0.key) }).pickled()
        for storage in storages {
            result += (0..<8).map { UInt8(truncatingIfNeeded: storage.values.count >> (8 * $0)) }
            for value in storage.values {
                result += (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) }
            }
        }
        return result
    }

    /// The storage reference of this format, with or without a view.
    static func storage(_ key: String, count: Int, view: PythonValue = .none) -> PythonValue {
        .persistent(
            .tuple([
                .text("storage"), .global("torch", "FloatStorage"), .text(key), .text("cpu"), .int(count),
                view,
            ]))
    }

    /// `_rebuild_tensor` with its four arguments.
    static func tensor(_ storage: PythonValue, shape: [Int], strides: [Int], offset: Int = 0) -> PythonValue {
        .call(
            .global("torch._utils", "_rebuild_tensor"),
            [storage, .int(offset), .tuple(shape.map { .int($0) }), .tuple(strides.map { .int($0) })])
    }
}
