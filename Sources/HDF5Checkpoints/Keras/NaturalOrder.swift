/// The order in which a person sorts numbered names: `conv2d`, `conv2d_1`, `conv2d_2`, `conv2d_10`.
enum NaturalOrder {
    /// Whether one path comes before another, component by component.
    static func precedes(_ left: [String], _ right: [String]) -> Bool {
        for (a, b) in zip(left, right) where a != b {
            let (x, y) = (parts(a), parts(b))
            if x.base != y.base { return x.base < y.base }
            if x.digits.count != y.digits.count { return x.digits.count < y.digits.count }
            if x.digits != y.digits { return x.digits < y.digits }
            return a < b
        }
        return left.count < right.count
    }

    /// A name as its beginning and the digits after its last underscore (or the whole name, if it is a number),
    /// without leading zeros.
    private static func parts(_ name: String) -> (base: Substring, digits: Substring) {
        let digits = name.reversed().prefix { $0.isASCII && $0.isNumber }.count
        let base = name.dropLast(digits)
        guard digits > 0, base.isEmpty || base.last == "_" else { return (Substring(name), "") }
        return (base.isEmpty ? base : base.dropLast(), name.suffix(digits).drop { $0 == "0" })
    }
}
