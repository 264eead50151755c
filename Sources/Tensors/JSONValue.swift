/// A JSON document as a value. Objects keep the order of their members; writing sorts it unless told otherwise.
public enum JSONValue: Sendable, Hashable {
    case null
    case bool(Bool)
    case integer(Int)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)

    /// The value of a member, when this is an object that has it.
    public subscript(key: String) -> JSONValue? { objectValue?[key] }

    /// The members, when this is an object.
    public var objectValue: JSONObject? { if case .object(let value) = self { value } else { nil } }
    /// The elements, when this is an array.
    public var arrayValue: [JSONValue]? { if case .array(let value) = self { value } else { nil } }
    /// The text, when this is a string.
    public var stringValue: String? { if case .string(let value) = self { value } else { nil } }
    /// The truth value, when this is one.
    public var boolValue: Bool? { if case .bool(let value) = self { value } else { nil } }
    /// The number, when this is a whole one.
    public var intValue: Int? { if case .integer(let value) = self { value } else { nil } }
    /// The number, whole or not.
    public var doubleValue: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): value
        default: nil
        }
    }
    /// Whole numbers, when this is an array of nothing else.
    public var intArrayValue: [Int]? {
        guard let elements = arrayValue else { return nil }
        var numbers: [Int] = []
        numbers.reserveCapacity(elements.count)
        for element in elements {
            guard let number = element.intValue else { return nil }
            numbers.append(number)
        }
        return numbers
    }

    /// A number; one that JSON can't express becomes the string "NaN", "Infinity" or "-Infinity".
    public static func finite(_ value: Double) -> JSONValue {
        if value.isNaN { return .string("NaN") }
        if value.isInfinite { return .string(value < 0 ? "-Infinity" : "Infinity") }
        return .number(value)
    }
}

/// The members of a JSON object, in order.
public struct JSONObject: Sendable, Hashable, ExpressibleByDictionaryLiteral {
    private struct Member: Sendable {
        let key: String
        var value: JSONValue
    }

    private var entries: [Member] = []
    /// Where each name is; kept for objects of more members than are looked through faster.
    private var places: [String: Int] = [:]

    private static let fewMembers = 8

    /// No members.
    public init() {}

    /// Members from a literal; of a repeated name the last value counts.
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        for (key, value) in elements { self[key] = value }
    }

    private func place(of key: String) -> Int? {
        entries.count > JSONObject.fewMembers ? places[key] : entries.firstIndex { $0.key == key }
    }

    /// The value of a member; assigning `nil` removes it.
    public subscript(key: String) -> JSONValue? {
        get { place(of: key).map { entries[$0].value } }
        set {
            switch (place(of: key), newValue) {
            case (let place?, let value?): entries[place].value = value
            case (let place?, nil):
                entries.remove(at: place)
                places = [:]
                if entries.count > JSONObject.fewMembers { index() }
            case (nil, let value?): append(value, named: key)
            case (nil, nil): break
            }
        }
    }

    /// Adds a member.
    /// - Returns: whether there was none of that name before; else nothing changes.
    mutating func insert(_ value: JSONValue, named key: String) -> Bool {
        guard place(of: key) == nil else { return false }
        append(value, named: key)
        return true
    }

    private mutating func append(_ value: JSONValue, named key: String) {
        if entries.isEmpty { entries.reserveCapacity(4) }
        entries.append(Member(key: key, value: value))
        if entries.count > JSONObject.fewMembers {
            if places.isEmpty { index() } else { places[key] = entries.count - 1 }
        }
    }

    private mutating func index() {
        for (place, member) in entries.enumerated() { places[member.key] = place }
    }

    /// Names in order of appearance.
    public var keys: [String] { entries.map(\.key) }

    /// Names and values in order.
    public var members: [(key: String, value: JSONValue)] { entries.map { ($0.key, $0.value) } }

    /// Number of members.
    public var count: Int { entries.count }

    /// Objects are equal when they have the same members, in whatever order.
    public static func == (left: JSONObject, right: JSONObject) -> Bool {
        left.count == right.count && left.entries.allSatisfy { right[$0.key] == $0.value }
    }

    /// Hashes the members without their order.
    public func hash(into hasher: inout Hasher) {
        var combined = 0
        for entry in entries {
            var member = Hasher()
            member.combine(entry.key)
            member.combine(entry.value)
            combined ^= member.finalize()
        }
        hasher.combine(combined)
    }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral, ExpressibleByFloatLiteral
{
    /// A string.
    public init(stringLiteral value: String) { self = .string(value) }
    /// A whole number.
    public init(integerLiteral value: Int) { self = .integer(value) }
    /// A number.
    public init(floatLiteral value: Double) { self = .finite(value) }
    /// A truth value.
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    /// An array.
    public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    /// An object.
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        var object = JSONObject()
        for (key, value) in elements { object[key] = value }
        self = .object(object)
    }
}
