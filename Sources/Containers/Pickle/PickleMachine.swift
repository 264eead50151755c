public import ZooTensors

/// Reads pickles of protocols 1 to 5 without executing anything: what Python would import, call or construct
/// becomes a record of names, arguments and state.
public struct PickleMachine {
    var cursor: ByteCursor
    var document: PickleDocument
    var stack: [PickleReference] = []
    var marks: [Int] = []
    /// Where the opcode that is being carried out stands, inside the source.
    var opcodePosition = 0
    private var memo: [UInt32: PickleReference] = [:]
    private var smallIntegers: [Int: PickleReference] = [:]
    private var constants: [PickleReference?] = [nil, nil, nil]
    private var cost = 0
    /// The most that the values may cost, by the size of the file: one byte of a pickle can make three, and each takes
    /// up to 32 bytes of memory.
    private let mostCost: Int
    /// Where the longest pickle that is allowed would end; bytes that are passed over don't count.
    private var end: Int
    /// Whether everything is taken that Python would take, so that nothing behind it stays unseen.
    let isJudging: Bool
    private let limits: ReadLimits

    /// Reads the pickle that begins at `offset`.
    /// - Throws: ``ZooError`` with the byte of an opcode that is unknown, refused, or doesn't fit the stack.
    public static func read(
        _ source: ByteSource, at offset: Int = 0, limits: ReadLimits = ReadLimits()
    ) throws(ZooError) -> PickleDocument {
        var machine = try PickleMachine(source, at: offset, isJudging: false, limits: limits)
        try machine.run()
        return machine.document
    }

    /// Reads as much of a pickle as can be read: for judging files that break off after they have done their harm.
    /// The text opcodes of protocols 0 and 1 and the registry's are understood, too, and what only a strict reader
    /// refuses (text that isn't UTF-8, values left over) is passed over, as Python does.
    /// - Returns: what the pickle made up to its end or up to the error, and the error.
    package static func readPart(
        _ source: ByteSource, at offset: Int = 0, limits: ReadLimits = ReadLimits()
    ) -> (document: PickleDocument, error: ZooError?) {
        do throws(ZooError) {
            var machine = try PickleMachine(source, at: offset, isJudging: true, limits: limits)
            do throws(ZooError) {
                try machine.run()
                return (machine.document, nil)
            } catch {
                return (machine.document, error)
            }
        } catch {
            return (PickleDocument(source: source), error)
        }
    }

    private init(
        _ source: ByteSource, at offset: Int, isJudging: Bool, limits: ReadLimits
    ) throws(ZooError) {
        self.isJudging = isJudging
        self.cursor = try ByteCursor(source, at: offset)
        self.document = PickleDocument(source: source)
        self.limits = limits
        self.end = try Checked.sum(offset, limits.headerBytes)
        self.mostCost = (64 << 20 + 2 * min(source.wholeByteCount, 1 << 40)) / 32
    }

    private mutating func run() throws(ZooError) {
        do throws(ZooError) {
            while true {
                opcodePosition = cursor.position
                guard opcodePosition <= end else {
                    throw failure(.limitExceeded, "the pickle is longer than \(limits.headerBytes) bytes")
                }
                let raw = try cursor.byte()
                guard let opcode = PickleOpcode(rawValue: raw) else {
                    throw failure(.corrupt, "the pickle has an unknown opcode, 0x\(String(raw, radix: 16))")
                }
                if let refusal = opcode.refusal, !(isJudging && opcode.isUnderstoodForJudging) {
                    throw failure(
                        .unsupported, "the pickle uses \(refusal)",
                        remedy: "Load the file in Python and save it again with protocol 2.")
                }
                if opcode == .stop { break }
                try perform(opcode)
            }
            document.root = try pop()
            guard isJudging || (stack.isEmpty && marks.isEmpty) else {
                throw failure(.corrupt, "the pickle ends with values left over")
            }
            document.end = cursor.position
        } catch {
            throw error.adding(file: document.source.path, byteOffset: fileOffset)
        }
    }

    private var fileOffset: Int {
        document.source.start.addingReportingOverflow(opcodePosition).partialValue
    }

    func failure(_ code: ZooError.Code, _ problem: String, remedy: String? = nil) -> ZooError {
        ZooError(
            code, problem, file: document.source.path, byteOffset: fileOffset,
            remedy: remedy ?? (code == .corrupt ? "The file is damaged; get it again." : nil))
    }

    // MARK: Stack

    mutating func push(_ reference: PickleReference) throws(ZooError) {
        try spend(1)
        stack.append(reference)
    }

    mutating func pop() throws(ZooError) -> PickleReference {
        guard stack.count > (marks.last ?? 0), let top = stack.popLast() else {
            throw failure(.corrupt, "the pickle takes a value from an empty stack")
        }
        return top
    }

    func peek() throws(ZooError) -> PickleReference {
        guard stack.count > (marks.last ?? 0), let top = stack.last else {
            throw failure(.corrupt, "the pickle needs a value on an empty stack")
        }
        return top
    }

    mutating func pushMark() throws(ZooError) {
        guard marks.count < limits.nestingDepth else {
            throw failure(.limitExceeded, "the pickle nests deeper than \(limits.nestingDepth) levels")
        }
        marks.append(stack.count)
    }

    /// Everything above the last mark.
    mutating func popMark() throws(ZooError) -> [PickleReference] {
        guard let mark = marks.popLast(), mark <= stack.count else {
            throw failure(.corrupt, "the pickle needs a mark where there is none")
        }
        let items = Array(stack[mark...])
        stack.removeSubrange(mark...)
        return items
    }

    /// Counts values and references, so that a small file can't fill the memory.
    mutating func spend(_ count: Int) throws(ZooError) {
        cost = try Checked.sum(cost, count)
        guard cost / 16 <= limits.entryCount else {
            throw failure(.limitExceeded, "the pickle has more than \(limits.entryCount) × 16 values")
        }
        guard cost <= mostCost else {
            throw failure(.limitExceeded, "the pickle has more values than its file has reason to")
        }
    }

    /// Passes over bytes that stay unread.
    mutating func passOver(_ count: Int) throws(ZooError) {
        try cursor.skip(count)
        end = try Checked.sum(end, count)
    }

    // MARK: Values

    mutating func make(_ node: PickleDocument.Node) throws(ZooError) -> PickleReference {
        try spend(1)
        let reference = PickleReference(index: try index(document.nodes.count))
        document.nodes.append(node)
        document.offsets.append(opcodePosition)
        return reference
    }

    mutating func pushNew(_ node: PickleDocument.Node) throws(ZooError) { try push(try make(node)) }

    func index(_ count: Int) throws(ZooError) -> UInt32 {
        guard let index = UInt32(exactly: count) else {
            throw failure(.limitExceeded, "the pickle has too many values")
        }
        return index
    }

    mutating func sequence(_ items: [PickleReference]) throws(ZooError) -> UInt32 {
        try spend(1)
        let place = try index(document.sequences.count)
        document.sequences.append(items)
        return place
    }

    mutating func pushText(_ text: String) throws(ZooError) { try push(try make(text: text)) }

    mutating func make(text: String) throws(ZooError) -> PickleReference {
        try spend(1)
        let place = try index(document.texts.count)
        document.texts.append(text)
        return try make(.text(place))
    }

    /// A run of bytes that stays unread.
    mutating func run(at offset: Int, count: Int) throws(ZooError) -> UInt32 {
        try spend(1)
        let place = try index(document.runs.count)
        document.runs.append((offset, count))
        return place
    }

    mutating func mapping(_ entries: [PickleEntry]) throws(ZooError) -> UInt32 {
        try spend(1)
        let place = try index(document.mappings.count)
        document.mappings.append(entries)
        return place
    }

    /// Numbers that occur everywhere are made once.
    mutating func pushInteger(_ value: Int) throws(ZooError) {
        guard (-1..<4096).contains(value) else { return try pushNew(.integer(value)) }
        if let known = smallIntegers[value] { return try push(known) }
        let reference = try make(.integer(value))
        smallIntegers[value] = reference
        try push(reference)
    }

    /// `None`, `True` and `False` are made once.
    mutating func pushConstant(_ value: Bool?) throws(ZooError) {
        let slot = value.map { $0 ? 2 : 1 } ?? 0
        if let known = constants[slot] { return try push(known) }
        let reference = try make(value.map { .boolean($0) } ?? .none)
        constants[slot] = reference
        try push(reference)
    }

    // MARK: Memo

    mutating func remember(as key: UInt32?) throws(ZooError) {
        let next = try index(memo.count)
        let key = key ?? next
        try spend(1)
        memo[key] = try peek()
    }

    mutating func recall(_ key: UInt32) throws(ZooError) {
        guard let reference = memo[key] else {
            throw failure(.corrupt, "the pickle refers to the memo entry \(key), which doesn't exist")
        }
        try push(reference)
    }
}
