import ZooLayerGraphs
import ZooTensors

/// A layer's configuration, read with errors that name the layer. Names are Keras 3's and 2's first, then Keras 1's;
/// what is left out has Keras' own default.
struct KerasArguments {
    let config: JSONValue
    let path: String
    let className: String

    init(_ layer: KerasDescription.Layer) {
        self.config = layer.config
        self.path = layer.path
        self.className = layer.className
    }

    init(config: JSONValue, path: String, className: String) {
        self.config = config
        self.path = path
        self.className = className
    }

    /// The member under any of its names; `nil` when it is left out or null.
    subscript(names: String...) -> JSONValue? { member(names) }

    private func member(_ names: [String]) -> JSONValue? {
        for name in names {
            if let value = config[name], value != .null { return value }
        }
        return nil
    }

    /// The error for a member that isn't understood, or that asks for something that isn't known.
    func refuse(_ name: String, _ found: JSONValue? = nil) -> ZooError {
        let text = (found ?? config[name])?.text() ?? "nothing"
        return ZooError(
            .unsupported, "this \(className) layer's \(name) isn't read", tensor: path,
            found: String(text.prefix(80)))
    }

    func integer(_ names: String..., default fallback: Int? = nil) throws(ZooError) -> Int {
        guard let value = member(names) else {
            guard let fallback else { throw refuse(names[0]) }
            return fallback
        }
        guard let number = KerasArguments.wholeNumber(value), (0...(1 << 24)).contains(number) else {
            throw refuse(names[0], value)
        }
        return number
    }

    func number(_ names: String..., default fallback: Double) throws(ZooError) -> Double {
        guard let value = member(names) else { return fallback }
        guard let number = value.doubleValue, number.isFinite else { throw refuse(names[0], value) }
        return number
    }

    func bool(_ names: String..., default fallback: Bool) throws(ZooError) -> Bool {
        guard let value = member(names) else { return fallback }
        guard let truth = value.boolValue else { throw refuse(names[0], value) }
        return truth
    }

    func text(_ names: String..., default fallback: String) throws(ZooError) -> String {
        guard let value = member(names) else { return fallback }
        guard let text = value.stringValue else { throw refuse(names[0], value) }
        return text
    }

    /// A height and a width; a single number counts for both.
    func extent(_ names: String..., default fallback: Extent? = nil) throws(ZooError) -> Extent {
        guard let value = member(names) else {
            guard let fallback else { throw refuse(names[0]) }
            return fallback
        }
        let numbers =
            KerasArguments.wholeNumber(value).map { [$0, $0] } ?? KerasArguments.wholeNumbers(value) ?? []
        guard numbers.count == 2, numbers.allSatisfy({ (0...(1 << 24)).contains($0) }) else {
            throw refuse(names[0], value)
        }
        return Extent(numbers[0], numbers[1])
    }

    /// Whole numbers, of which some may be null.
    func integers(_ names: String...) throws(ZooError) -> [Int] {
        guard let value = member(names), let numbers = KerasArguments.wholeNumbers(value),
            numbers.count <= 16,
            numbers.allSatisfy({ (-(1 << 24)...(1 << 24)).contains($0) })
        else { throw refuse(names[0], member(names)) }
        return numbers
    }

    /// A number, or the numbers in lists within lists, or in an array of NumPy's as Keras writes it.
    func numbers(_ name: String, default fallback: [Double]? = nil) throws(ZooError) -> [Double] {
        guard let value = member([name]) else {
            guard let fallback else { throw refuse(name) }
            return fallback
        }
        var result: [Double] = []
        guard KerasArguments.collect(value, into: &result, depth: 0), !result.isEmpty else {
            throw refuse(name, value)
        }
        return result
    }

    private static func collect(_ value: JSONValue, into result: inout [Double], depth: Int) -> Bool {
        if let number = value.doubleValue {
            result.append(number)
            return number.isFinite && result.count <= 1 << 16
        }
        if let list = value.arrayValue {
            return depth < 6 && list.allSatisfy { collect($0, into: &result, depth: depth + 1) }
        }
        guard let inner = value["config"]?["value"], depth == 0 else { return false }
        return collect(inner, into: &result, depth: 1)
    }

    /// Rows and columns on each side: a number, a pair, a pair of pairs, or Keras 1's four numbers or names.
    func sides(_ names: String..., default fallback: Padding) throws(ZooError) -> Padding {
        guard let value = member(names) else { return fallback }
        func checked(_ numbers: [Int]) throws(ZooError) -> Padding {
            guard numbers.count == 4, numbers.allSatisfy({ (0...(1 << 24)).contains($0) }) else {
                throw refuse(names[0], value)
            }
            return Padding(top: numbers[0], left: numbers[2], bottom: numbers[1], right: numbers[3])
        }
        if let number = KerasArguments.wholeNumber(value) {
            return try checked([number, number, number, number])
        }
        if value.objectValue != nil {
            let names = ["top_pad", "bottom_pad", "left_pad", "right_pad"]
            return try checked(names.map { value[$0].flatMap(KerasArguments.wholeNumber) ?? 0 })
        }
        if let numbers = KerasArguments.wholeNumbers(value) {
            return try checked(
                numbers.count == 2 ? [numbers[0], numbers[0], numbers[1], numbers[1]] : numbers)
        }
        return try checked((value.arrayValue ?? []).flatMap { KerasArguments.wholeNumbers($0) ?? [] })
    }

    /// A whole number, also one that Python wrote with a point.
    static func wholeNumber(_ value: JSONValue) -> Int? {
        value.intValue ?? value.doubleValue.flatMap { Int(exactly: $0) }
    }

    private static func wholeNumbers(_ value: JSONValue) -> [Int]? {
        guard let list = value.arrayValue else { return nil }
        let numbers = list.compactMap(wholeNumber)
        return numbers.count == list.count ? numbers : nil
    }
}

extension KerasArguments {
    /// What a window adds around its input: nothing, or as much as leaves ⌈n/stride⌉ windows, the odd element at the
    /// end.
    enum WindowPadding {
        case valid, same

        func sides(_ map: TensorShape, window: Extent, stride: Extent, dilation: Extent) throws(ZooError)
            -> Padding
        {
            guard self == .same else { return .none }
            let (top, bottom) = WindowPadding.same(map[2], window.height, stride.height, dilation.height)
            let (left, right) = WindowPadding.same(map[3], window.width, stride.width, dilation.width)
            return Padding(top: top, left: left, bottom: bottom, right: right)
        }

        /// Numbers are at most 2²⁴ (2⁴⁰ for the size), so nothing here overflows.
        private static func same(
            _ size: Int, _ window: Int, _ stride: Int, _ dilation: Int
        ) -> (before: Int, after: Int) {
            guard stride > 0, window > 0, size > 0 else { return (0, 0) }
            let count = (size - 1) / stride + 1
            let total = max((count - 1) * stride + (window - 1) * dilation + 1 - size, 0)
            return (total / 2, total - total / 2)
        }
    }

    func windowPadding() throws(ZooError) -> WindowPadding {
        switch try text("padding", "border_mode", default: "valid") {
        case "valid": return .valid
        case "same": return .same
        default: throw refuse("padding", self["padding", "border_mode"])
        }
    }
}
