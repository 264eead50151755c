/// A Python value for hand-made pickles, written with protocol 2.
package indirect enum PythonValue {
    case none
    case bool(Bool)
    case int(Int)
    case float(Double)
    case text(String)
    case tuple([PythonValue])
    case list([PythonValue])
    case dict([(PythonValue, PythonValue)])
    case global(String, String)
    /// `callable(*arguments)`, through REDUCE.
    case call(PythonValue, [PythonValue])
    /// An instance made by NEWOBJ, with the state that BUILD sets.
    case instance(PythonValue, state: PythonValue)
    /// Items set on something (SETITEMS).
    case items(PythonValue, [(PythonValue, PythonValue)])
    /// State set on something (BUILD).
    case state(PythonValue, PythonValue)
    case persistent(PythonValue)

    /// A dictionary with text keys.
    package static func dict(_ items: [(String, PythonValue)]) -> PythonValue {
        .dict(items.map { (PythonValue.text($0.0), $0.1) })
    }

    /// A `collections.OrderedDict` with text keys.
    package static func ordered(_ items: [(String, PythonValue)]) -> PythonValue {
        .items(.call(.global("collections", "OrderedDict"), []), items.map { (PythonValue.text($0.0), $0.1) })
    }

    /// `_rebuild_tensor_v2` over a storage; shape and strides in elements.
    package static func tensor(
        _ key: String, shape: [Int], strides: [Int]? = nil, offset: Int = 0, count: Int? = nil,
        storageClass: String = "FloatStorage"
    ) -> PythonValue {
        var contiguous = [Int](repeating: 1, count: shape.count)
        for axis in shape.indices.dropLast().reversed() {
            contiguous[axis] = contiguous[axis + 1] &* shape[axis + 1]
        }
        let total = shape.reduce(1, &*)
        let storage = PythonValue.persistent(
            .tuple([
                .text("storage"), .global("torch", storageClass), .text(key), .text("cpu"),
                .int(count ?? total),
            ]))
        return .call(
            .global("torch._utils", "_rebuild_tensor_v2"),
            [
                storage, .int(offset), .tuple(shape.map { .int($0) }),
                .tuple((strides ?? contiguous).map { .int($0) }),
                .bool(false), .ordered([]),
            ])
    }

    /// The pickle.
    package func pickled() -> [UInt8] { [0x80, 2] + body() + Array(".".utf8) }

    private func body() -> [UInt8] {
        switch self {
        case .none: Array("N".utf8)
        case .bool(let value): [value ? 0x88 : 0x89]
        case .int(let value): [0x8A, 8] + PythonValue.littleEndian(UInt64(bitPattern: Int64(value)))
        case .float(let value): Array("G".utf8) + PythonValue.littleEndian(value.bitPattern).reversed()
        case .text(let value):
            Array("X".utf8) + PythonValue.littleEndian(UInt32(value.utf8.count)) + Array(value.utf8)
        case .tuple(let values): values.isEmpty ? Array(")".utf8) : PythonValue.marked(values, end: "t")
        case .list(let values): Array("]".utf8) + PythonValue.marked(values, end: "e")
        case .dict(let entries):
            Array("}".utf8) + PythonValue.marked(entries.flatMap { [$0.0, $0.1] }, end: "u")
        case .global(let module, let name): Array("c\(module)\n\(name)\n".utf8)
        case .call(let callable, let arguments):
            callable.body() + PythonValue.tuple(arguments).body() + Array("R".utf8)
        case .instance(let name, let state):
            name.body() + Array(")".utf8) + [0x81] + state.body() + Array("b".utf8)
        case .items(let target, let entries):
            target.body() + PythonValue.marked(entries.flatMap { [$0.0, $0.1] }, end: "u")
        case .state(let target, let state): target.body() + state.body() + Array("b".utf8)
        case .persistent(let id): id.body() + Array("Q".utf8)
        }
    }

    private static func marked(_ values: [PythonValue], end: Character) -> [UInt8] {
        Array("(".utf8) + values.flatMap { $0.body() } + Array(String(end).utf8)
    }

    private static func littleEndian<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
        (0..<(T.bitWidth / 8)).map { UInt8(truncatingIfNeeded: value >> T($0 * 8)) }
    }
}
