internal import ZooContainers
internal import ZooTensors

/// Objects of Python's own library and of NumPy that training scripts store beside weights, turned into plain
/// values without running anything: numbers, dates, paths, deques.
enum KnownObjects {
    /// Whether objects of this class, or made by this function, are known; they are never a tensor.
    static func isKnown(_ name: PickleGlobal) -> Bool {
        classes.contains(name.description) || NumPyObjects.isKnown(name)
            || PyTorchType(dtype: name) != nil
    }

    private static let classes: Set<String> = [
        "argparse.Namespace", "types.SimpleNamespace", "collections.OrderedDict", "collections.defaultdict",
        "collections.Counter", "collections.deque", "datetime.date", "datetime.datetime", "datetime.time",
        "datetime.timedelta", "datetime.timezone", "decimal.Decimal", "fractions.Fraction",
        "pathlib.Path", "pathlib.PosixPath", "pathlib.PurePosixPath", "pathlib.WindowsPath",
        "pathlib.PureWindowsPath", "pathlib._local.PosixPath", "pathlib._local.PurePosixPath",
        "pathlib._local.WindowsPath", "pathlib._local.PureWindowsPath", "torch.Size", "torch.device",
        "torch.serialization._get_layout", "builtins.complex", "__builtin__.complex",
    ]

    /// The plain value; `nil` when the object isn't one of these or isn't in the form that Python writes.
    static func json(_ document: PickleDocument, _ object: PickleObject) -> JSONValue? {
        guard let name = document.className(of: object) else { return nil }
        let arguments = document.elements(object.arguments) ?? []
        let first = arguments.first
        switch (name.module, name.name) {
        case ("pathlib", _), ("pathlib._local", _):
            let parts = arguments.compactMap { document.text($0) }
            guard parts.count == arguments.count else { return nil }
            return .string(path(parts, separator: name.name.contains("Windows") ? "\\" : "/"))
        case ("datetime", let kind): return time(document, kind, arguments).map { .string($0) }
        case ("decimal", "Decimal"), ("fractions", "Fraction"), ("torch.serialization", "_get_layout"),
            ("torch", "device"):
            let texts = arguments.compactMap { document.text($0) ?? document.integer($0).map(String.init) }
            guard texts.count == arguments.count, let text = texts.first else { return nil }
            switch name.name {
            case "device": return .string(texts.joined(separator: ":"))
            case "Fraction": return .string(texts.joined(separator: "/"))
            default: return .string(text)
            }
        case ("builtins", "complex"), ("__builtin__", "complex"):
            guard arguments.count == 2, case .real(let real) = document.value(arguments[0]),
                case .real(let imaginary) = document.value(arguments[1])
            else { return nil }
            return ["real": .finite(real), "imaginary": .finite(imaginary)]
        default:
            guard let function = document.global(object.callable) else { return nil }
            return first == nil ? nil : NumPyObjects.json(document, object, function)
        }
    }

    /// `PosixPath('/', 'data', 'x')` joins its parts.
    private static func path(_ parts: [String], separator: String) -> String {
        parts.reduce("") { $0.isEmpty || $0.hasSuffix(separator) ? $0 + $1 : $0 + separator + $1 }
    }

    /// ISO 8601, out of the bytes that Python's `datetime` keeps.
    private static func time(
        _ document: PickleDocument, _ kind: String, _ arguments: [PickleReference]
    ) -> String? {
        if kind == "timedelta" {
            let numbers = arguments.compactMap { document.integer($0) }
            guard numbers.count == 3 else { return nil }
            return "\(numbers[0]) days, \(numbers[1]).\(padded(numbers[2], 6)) seconds"
        }
        guard let first = arguments.first, let bytes = NumPyObjects.bytes(document, first, most: 10) else {
            return nil
        }
        func date(_ bytes: [UInt8]) -> String {
            "\(padded(Int(bytes[0]) << 8 | Int(bytes[1]), 4))-\(padded(Int(bytes[2]), 2))-\(padded(Int(bytes[3]), 2))"
        }
        func clock(_ bytes: ArraySlice<UInt8>) -> String {
            let values = Array(bytes).map(Int.init)
            let micro = values[3] << 16 | values[4] << 8 | values[5]
            let whole = values[..<3].map { padded($0, 2) }.joined(separator: ":")
            return micro == 0 ? whole : "\(whole).\(padded(micro, 6))"
        }
        switch (kind, bytes.count) {
        case ("date", 4): return date(bytes)
        case ("datetime", 10): return date(bytes) + "T" + clock(bytes[4...])
        case ("time", 6): return clock(bytes[...])
        default: return nil
        }
    }

    private static func padded(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
