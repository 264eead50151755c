public import ZooTensors

/// Names a value inside one ``PickleDocument``. Values may refer to each other in circles.
public struct PickleReference: Sendable, Hashable {
    let index: UInt32
}

/// A Python class or function that a pickle names. It is a name and nothing else.
public struct PickleGlobal: Sendable, Hashable, CustomStringConvertible {
    /// The module, as the pickle spells it.
    public let module: String
    /// The name inside the module; may be dotted.
    public let name: String

    /// Names a class or function.
    public init(module: String, name: String) {
        self.module = module
        self.name = name
    }

    /// Stands for a module or a name that the pickle computes, where it is only judged.
    package static let computed = "<computed>"

    /// `collections.OrderedDict`.
    public var description: String { "\(module).\(name)" }
}

/// A key and its value in a pickled dictionary.
public struct PickleEntry: Sendable, Hashable {
    /// The key; of any type.
    public let key: PickleReference
    /// The value.
    public let value: PickleReference

    /// Pairs a key with a value.
    public init(key: PickleReference, value: PickleReference) {
        self.key = key
        self.value = value
    }
}

/// What a pickle wanted Python to make by calling something. Nothing was called: this is the record of it.
public struct PickleObject: Sendable {
    /// The class or function: usually a ``PickleValue/global(_:)``.
    public let callable: PickleReference
    /// The positional arguments, a tuple.
    public let arguments: PickleReference
    /// The keyword arguments, a dictionary, when there are any (NEWOBJ_EX).
    public let keywords: PickleReference?
    /// Whether it is an instance made by NEWOBJ rather than the result of a call.
    public let isInstance: Bool
    /// What BUILD would have set: usually the dictionary of attributes.
    public internal(set) var state: PickleReference?
    /// What APPEND or ADDITEMS would have added.
    public internal(set) var items: [PickleReference] = []
    /// What SETITEM would have added.
    public internal(set) var entries: [PickleEntry] = []
}

/// One inert value of a pickle.
public enum PickleValue: Sendable {
    case none
    case boolean(Bool)
    case integer(Int)
    /// An integer of more than 64 bits: its two's complement bytes, lowest first.
    case largeInteger(ByteSource)
    case real(Double)
    case text(String)
    /// Bytes, still unread in the file.
    case bytes(ByteSource)
    case tuple([PickleReference])
    case list([PickleReference])
    /// A set or a frozen set.
    case set([PickleReference])
    case dictionary([PickleEntry])
    case global(PickleGlobal)
    case object(PickleObject)
    /// A persistent id, by which PyTorch refers to storages.
    case persistent(PickleReference)
}
