internal import ZooContainers
internal import ZooTensors

/// NumPy's numbers and arrays in a pickle: `numpy.core.multiarray.scalar(dtype('f8'), bytes)` and
/// `numpy.core.multiarray._reconstruct(…)` with its state, or since protocol 5 `_frombuffer(…)`. Training scripts leave them behind when they store an
/// accuracy or a list that NumPy computed.
enum NumPyObjects {
    /// Whether a function or class is one of those that NumPy's pickles name; NumPy 2 moved them to `numpy._core`.
    static func isKnown(_ name: PickleGlobal) -> Bool {
        switch (name.module, name.name) {
        case ("numpy", "dtype"), ("numpy", "ndarray"), ("numpy.core.multiarray", "scalar"),
            ("numpy.core.multiarray", "_reconstruct"), ("numpy._core.multiarray", "scalar"),
            ("numpy._core.multiarray", "_reconstruct"), ("numpy.core.numeric", "_frombuffer"),
            ("numpy._core.numeric", "_frombuffer"), ("_codecs", "encode"):
            true
        default: false
        }
    }

    /// The plain value; `nil` when this isn't one of NumPy's.
    static func json(
        _ document: PickleDocument, _ object: PickleObject, _ function: PickleGlobal
    ) -> JSONValue? {
        guard isKnown(function) else { return nil }
        switch function.name {
        case "scalar": return scalar(document, object)
        case "_reconstruct":
            // (version, shape, dtype, is column-major, bytes)
            guard let state = object.state.flatMap({ document.elements($0) }), state.count == 5 else {
                return nil
            }
            return array(
                document, shape: state[1], type: state[2], bytes: state[4],
                isRowMajor: { if case .boolean(false) = document.value(state[3]) { true } else { false } }())
        case "_frombuffer":
            // (bytes, dtype, shape, order)
            guard let fields = document.elements(object.arguments), fields.count == 4 else { return nil }
            return array(
                document, shape: fields[2], type: fields[1], bytes: fields[0],
                isRowMajor: document.text(fields[3]) == "C")
        case "dtype": return type(document, object).map { .string($0.code) }
        default: return nil
        }
    }

    private static func scalar(_ document: PickleDocument, _ object: PickleObject) -> JSONValue? {
        guard let arguments = document.elements(object.arguments), arguments.count == 2,
            let described = document.object(arguments[0]), let type = type(document, described),
            let bytes = bytes(document, arguments[1], most: 8), bytes.count == type.byteCount
        else { return nil }
        return number(bytes, type)
    }

    /// An array: type and shape; a small one also with its numbers.
    private static func array(
        _ document: PickleDocument, shape: PickleReference, type: PickleReference, bytes: PickleReference,
        isRowMajor: Bool
    ) -> JSONValue? {
        guard let shape = document.elements(shape)?.map({ document.integer($0) ?? -1 }),
            let described = document.object(type), let type = self.type(document, described)
        else { return nil }
        var record: JSONObject = [
            "class": "numpy.ndarray", "dtype": .string(type.code),
            "shape": .array(shape.map { .integer($0) }),
        ]
        let most = 64
        if isRowMajor, let bytes = self.bytes(document, bytes, most: most * type.byteCount),
            shape.reduce(1, { $0 &* $1 }) &* type.byteCount == bytes.count
        {
            let places = stride(from: 0, to: bytes.count, by: type.byteCount)
            let values = places.map { number(Array(bytes[$0..<($0 + type.byteCount)]), type) ?? .null }
            record["values"] = .array(values)
        }
        return .object(record)
    }

    private struct NumberType {
        /// NumPy's code without byte order: `f8`.
        let code: String
        let byteCount: Int
        let isBigEndian: Bool
    }

    /// `numpy.dtype('f8', False, True)`, whose state tells the byte order.
    private static func type(_ document: PickleDocument, _ object: PickleObject) -> NumberType? {
        guard document.global(object.callable) == PickleGlobal(module: "numpy", name: "dtype"),
            let code = document.elements(object.arguments)?.first.flatMap({ document.text($0) }),
            let byteCount = code.dropFirst().first?.wholeNumberValue, code.utf8.count == 2, byteCount > 0
        else { return nil }
        let order = object.state.flatMap { document.elements($0) }?.dropFirst().first
        return NumberType(
            code: code, byteCount: byteCount,
            isBigEndian: order.flatMap { document.text($0) } == ">")
    }

    private static func number(_ bytes: [UInt8], _ type: NumberType) -> JSONValue? {
        let ordered = type.isBigEndian ? bytes : bytes.reversed()
        let bits = ordered.reduce(UInt64.zero) { $0 << 8 | UInt64($1) }
        switch type.code {
        case "f8": return .finite(Double(bitPattern: bits))
        case "f4": return .finite(Double(Float(bitPattern: UInt32(truncatingIfNeeded: bits))))
        case "f2": return .finite(Double(HalfPrecision.float(fromHalf: UInt16(truncatingIfNeeded: bits))))
        case "i8": return .integer(Int(truncatingIfNeeded: bits))
        case "i4": return .integer(Int(Int32(truncatingIfNeeded: bits)))
        case "i2": return .integer(Int(Int16(truncatingIfNeeded: bits)))
        case "i1": return .integer(Int(Int8(truncatingIfNeeded: bits)))
        case "u8": return Int(exactly: bits).map { .integer($0) }
        case "u4", "u2", "u1": return .integer(Int(truncatingIfNeeded: bits))
        case "b1": return .bool(bits != 0)
        default: return nil
        }
    }

    /// Bytes, which protocol 2 spells `_codecs.encode(text, 'latin1')`.
    static func bytes(_ document: PickleDocument, _ reference: PickleReference, most: Int) -> [UInt8]? {
        switch document.value(reference) {
        case .bytes(let source) where source.count <= most: return try? source.allBytes()
        case .text(let text):
            // Python 2's strings are bytes.
            return latin1(text, most: most)
        case .object(let object):
            guard document.global(object.callable) == PickleGlobal(module: "_codecs", name: "encode"),
                let first = document.elements(object.arguments)?.first, let text = document.text(first)
            else { return nil }
            return latin1(text, most: most)
        default: return nil
        }
    }

    private static func latin1(_ text: String, most: Int) -> [UInt8]? {
        let scalars = text.unicodeScalars.prefix(most + 1)
        guard scalars.count <= most, scalars.allSatisfy({ $0.value < 256 }) else { return nil }
        return scalars.map { UInt8(truncatingIfNeeded: $0.value) }
    }
}
