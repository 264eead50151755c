internal import ZooContainers
internal import ZooTensors

/// Single NumPy numbers in a pickle: `numpy.core.multiarray.scalar(dtype('f8'), bytes)`. Training scripts leave
/// them behind when they store an accuracy that NumPy computed.
enum NumPyScalar {
    /// The number, or `nil` when this isn't one.
    static func json(_ document: PickleDocument, _ object: PickleObject) -> JSONValue? {
        guard let function = document.global(object.callable), function.name == "scalar",
            function.module.hasPrefix("numpy"), let arguments = document.elements(object.arguments),
            arguments.count == 2, let type = typeCode(document, arguments[0]),
            let bytes = bytes(document, arguments[1]), bytes.count == type.dropFirst().first?.wholeNumberValue
        else { return nil }
        let bits = bytes.reversed().reduce(UInt64.zero) { $0 << 8 | UInt64($1) }
        switch type {
        case "f8": return .finite(Double(bitPattern: bits))
        case "f4": return .finite(Double(Float(bitPattern: UInt32(truncatingIfNeeded: bits))))
        case "i8": return .integer(Int(truncatingIfNeeded: bits))
        case "i4": return .integer(Int(Int32(truncatingIfNeeded: bits)))
        case "b1": return .bool(bits != 0)
        default: return nil
        }
    }

    /// `f8` of `numpy.dtype('f8', False, True)`, whose state must not say that it is big-endian.
    private static func typeCode(_ document: PickleDocument, _ reference: PickleReference) -> String? {
        guard let object = document.object(reference),
            document.global(object.callable) == PickleGlobal(module: "numpy", name: "dtype"),
            let code = document.elements(object.arguments)?.first
        else { return nil }
        if let state = object.state, let order = document.elements(state)?.dropFirst().first,
            document.text(order) == ">"
        {
            return nil
        }
        return document.text(code)
    }

    /// Bytes, which protocol 2 spells `_codecs.encode(text, 'latin1')`.
    private static func bytes(_ document: PickleDocument, _ reference: PickleReference) -> [UInt8]? {
        switch document.value(reference) {
        case .bytes(let source) where source.count <= 8: return try? source.allBytes()
        case .object(let object):
            guard document.global(object.callable) == PickleGlobal(module: "_codecs", name: "encode"),
                let first = document.elements(object.arguments)?.first, let text = document.text(first)
            else { return nil }
            let scalars = text.unicodeScalars.prefix(9)
            guard scalars.allSatisfy({ $0.value < 256 }) else { return nil }
            return scalars.map { UInt8(truncatingIfNeeded: $0.value) }
        default: return nil
        }
    }
}
