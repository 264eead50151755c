internal import ZooTensors

/// A pickle as a table of inert values. Nothing in it was executed, imported or constructed.
public struct PickleDocument: Sendable {
    enum Node: Sendable {
        case none
        case boolean(Bool)
        case integer(Int)
        case largeInteger(UInt32)
        case real(Double)
        case text(UInt32)
        case bytes(UInt32)
        case tuple(UInt32)
        case list(UInt32)
        case set(UInt32)
        case dictionary(UInt32)
        case global(UInt32)
        case object(UInt32)
        case persistent(PickleReference)
    }

    let source: ByteSource
    /// A value each; what doesn't fit in eight bytes stands in a table of its own, since pickles have many values.
    var nodes: [Node] = []
    var offsets: [Int] = []
    var texts: [String] = []
    /// Runs of bytes that stay unread in the file.
    var runs: [(offset: Int, count: Int)] = []
    var sequences: [[PickleReference]] = []
    var mappings: [[PickleEntry]] = []
    var globals: [PickleGlobal] = []
    var objects: [PickleObject] = []
    /// Classes and functions whose attributes the pickle would set; only where it is judged.
    package internal(set) var changedGlobals: [PickleReference] = []

    /// The value that the pickle stands for.
    public internal(set) var root = PickleReference(index: 0)
    /// Offset inside the source of the first byte after the pickle; another one may follow there.
    public internal(set) var end = 0

    /// A value.
    public func value(_ reference: PickleReference) -> PickleValue {
        switch nodes[Int(reference.index)] {
        case .none: .none
        case .boolean(let value): .boolean(value)
        case .integer(let value): .integer(value)
        case .largeInteger(let index): part(index).map(PickleValue.largeInteger) ?? .none
        case .real(let value): .real(value)
        case .text(let index): .text(texts[Int(index)])
        case .bytes(let index): part(index).map(PickleValue.bytes) ?? .none
        case .tuple(let index): .tuple(sequences[Int(index)])
        case .list(let index): .list(sequences[Int(index)])
        case .set(let index): .set(sequences[Int(index)])
        case .dictionary(let index): .dictionary(mappings[Int(index)])
        case .global(let index): .global(globals[Int(index)])
        case .object(let index): .object(objects[Int(index)])
        case .persistent(let id): .persistent(id)
        }
    }

    /// The part of the source that was checked to be there when the pickle was read.
    private func part(_ index: UInt32) -> ByteSource? {
        let run = runs[Int(index)]
        return try? source.slice(at: run.offset, count: run.count)
    }

    /// Where in the file the opcode stands that made a value (for small numbers that occur often: the first one).
    public func byteOffset(_ reference: PickleReference) -> Int {
        source.start.addingReportingOverflow(offsets[Int(reference.index)]).partialValue
    }

    /// All values, in the order in which the pickle makes them.
    public var references: some RandomAccessCollection<PickleReference> {
        (0..<nodes.count).lazy.map { PickleReference(index: UInt32(truncatingIfNeeded: $0)) }
    }

    /// Everything that the pickle names as a class or function.
    package var imports: [(reference: PickleReference, name: PickleGlobal)] {
        nodes.indices.compactMap { index in
            guard case .global(let place) = nodes[index] else { return nil }
            return (PickleReference(index: UInt32(truncatingIfNeeded: index)), globals[Int(place)])
        }
    }

    /// Everything that the pickle would call or construct.
    package var allObjects: [PickleObject] { objects }

    /// The text of a value that is text.
    public func text(_ reference: PickleReference) -> String? {
        if case .text(let index) = nodes[Int(reference.index)] { texts[Int(index)] } else { nil }
    }

    /// The number of a value that is a whole number of up to 64 bits.
    public func integer(_ reference: PickleReference) -> Int? {
        if case .integer(let number) = nodes[Int(reference.index)] { number } else { nil }
    }

    /// The name of a value that is a class or function.
    public func global(_ reference: PickleReference) -> PickleGlobal? {
        if case .global(let index) = nodes[Int(reference.index)] { globals[Int(index)] } else { nil }
    }

    /// The record of a value that is one of an object.
    public func object(_ reference: PickleReference) -> PickleObject? {
        if case .object(let index) = nodes[Int(reference.index)] { objects[Int(index)] } else { nil }
    }

    /// The elements of a tuple or a list.
    public func elements(_ reference: PickleReference) -> [PickleReference]? {
        switch nodes[Int(reference.index)] {
        case .tuple(let index), .list(let index): sequences[Int(index)]
        default: nil
        }
    }
}
