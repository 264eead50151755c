/// Numbers as people read them.
enum Numbers {
    /// `61,706`.
    static func grouped(_ number: Int) -> String {
        let digits = String(number.magnitude)
        var text = ""
        for (position, digit) in digits.enumerated() {
            if position > 0, (digits.count - position) % 3 == 0 { text += "," }
            text.append(digit)
        }
        return number < 0 ? "-" + text : text
    }

    /// `1 tensor`, `61,706 tensors`.
    static func counted(_ number: Int, _ thing: String) -> String {
        "\(grouped(number)) \(thing)\(number == 1 ? "" : "s")"
    }

    /// `241.0 KiB`.
    static func bytes(_ count: Int) -> String {
        let units = ["bytes", "KiB", "MiB", "GiB", "TiB"]
        var value = Double(count)
        var unit = 0
        while value >= 1_024, unit < units.count - 1 {
            value /= 1_024
            unit += 1
        }
        return unit == 0 ? "\(count) bytes" : "\(fixed(value, 1)) \(units[unit])"
    }

    /// `0.42 M`, `1.81 G`.
    static func scaled(_ number: Int) -> String {
        let value = Double(number)
        if value >= 1e9 { return "\(fixed(value / 1e9, 2)) G" }
        if value >= 1e4 { return "\(fixed(value / 1e6, 2)) M" }
        return grouped(number)
    }

    /// A number with a fixed count of decimals, rounded half away from zero.
    static func fixed(_ value: Double, _ decimals: Int) -> String {
        guard value.isFinite, abs(value) < 1e15 else { return "\(value)" }
        var scale = 1.0
        for _ in 0..<decimals { scale *= 10 }
        let rounded = (abs(value) * scale).rounded()
        var digits = String(Int(rounded))
        while digits.count <= decimals { digits = "0" + digits }
        let split = digits.index(digits.endIndex, offsetBy: -decimals)
        let sign = value < 0 && rounded != 0 ? "-" : ""
        return sign + digits[..<split] + (decimals > 0 ? "." : "") + digits[split...]
    }

    /// A number with so many significant digits: `-0.01234`, `1.5`, `3.402e+38`.
    static func significant(_ value: Double, _ digits: Int) -> String {
        guard value.isFinite, value != 0 else { return value == 0 ? "0" : "\(value)" }
        var exponent = 0
        var scaled = abs(value)
        while scaled >= 10, exponent < 400 {
            scaled /= 10
            exponent += 1
        }
        while scaled < 1, exponent > -400 {
            scaled *= 10
            exponent -= 1
        }
        guard (-4..<8).contains(exponent) else {
            let sign = value < 0 ? "-" : ""
            return "\(sign)\(fixed(scaled, digits - 1))e\(exponent < 0 ? "-" : "+")\(abs(exponent))"
        }
        var text = fixed(value, max(0, digits - 1 - exponent))
        if text.contains(".") {
            while text.last == "0" { text.removeLast() }
            if text.last == "." { text.removeLast() }
        }
        return text
    }

    /// `98.8 %`.
    static func percent(_ fraction: Double) -> String { "\(fixed(fraction * 100, 1)) %" }

    /// `1.2e-05`: two significant digits and the power of ten; `0` and `inf` as they are.
    static func scientific(_ value: Double) -> String {
        guard value.isFinite, value != 0 else { return value == 0 ? "0" : value.isNaN ? "nan" : "inf" }
        var mantissa = abs(value)
        var exponent = 0
        while mantissa >= 10 {
            mantissa /= 10
            exponent += 1
        }
        while mantissa < 1 {
            mantissa *= 10
            exponent -= 1
        }
        var digits = fixed(mantissa, 1)
        if digits == "10.0" {
            digits = "1.0"
            exponent += 1
        }
        let power = String(abs(exponent))
        return (value < 0 ? "-" : "") + digits + "e" + (exponent < 0 ? "-" : "+")
            + (power.count < 2 ? "0" : "") + power
    }
}
