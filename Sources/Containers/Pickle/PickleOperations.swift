internal import ZooTensors

extension PickleMachine {
    /// Carries out one opcode (not STOP, and none of the refused).
    mutating func perform(_ opcode: PickleOpcode) throws(ZooError) {
        switch opcode {
        case .proto:
            let version = try cursor.byte()
            guard version <= 5 else { throw failure(.unsupported, "the pickle's protocol is \(version)") }
        case .frame:
            let count = try Checked.int(try cursor.integer(UInt64.self))
            guard count <= cursor.remaining else {
                throw failure(.truncated, "a frame of the pickle is cut short")
            }
        case .none: try pushConstant(nil)
        case .newTrue: try pushConstant(true)
        case .newFalse: try pushConstant(false)
        case .binInt: try pushInteger(Int(try cursor.integer(Int32.self)))
        case .binInt1: try pushInteger(Int(try cursor.byte()))
        case .binInt2: try pushInteger(Int(try cursor.integer(UInt16.self)))
        case .long1: try pushLong(count: Int(try cursor.byte()))
        case .long4: try pushLong(count: try Checked.int(try cursor.integer(Int32.self)))
        case .binFloat:
            let bits = try cursor.integer(UInt64.self).byteSwapped
            try pushNew(.real(Double(bitPattern: bits)))
        case .shortBinUnicode: try pushText(count: Int(try cursor.byte()))
        case .binUnicode: try pushText(count: try Checked.int(try cursor.integer(UInt32.self)))
        case .binUnicode8: try pushText(count: try Checked.int(try cursor.integer(UInt64.self)))
        case .shortBinString: try pushOldString(count: Int(try cursor.byte()))
        case .binString: try pushOldString(count: try Checked.int(try cursor.integer(Int32.self)))
        case .shortBinBytes: try pushBytes(count: Int(try cursor.byte()))
        case .binBytes: try pushBytes(count: try Checked.int(try cursor.integer(UInt32.self)))
        case .binBytes8, .byteArray8: try pushBytes(count: try Checked.int(try cursor.integer(UInt64.self)))
        case .binPut: try remember(as: UInt32(try cursor.byte()))
        case .longBinPut: try remember(as: try cursor.integer(UInt32.self))
        case .memoize: try remember(as: nil)
        case .binGet: try recall(UInt32(try cursor.byte()))
        case .longBinGet: try recall(try cursor.integer(UInt32.self))
        case .mark: try pushMark()
        case .pop:
            if stack.count > (marks.last ?? 0) { _ = try pop() } else { _ = try popMark() }
        case .popMark: _ = try popMark()
        case .dup: try push(try peek())
        case .emptyTuple: try pushNew(.tuple(try sequence([])))
        case .emptyList: try pushNew(.list(try sequence([])))
        case .emptySet: try pushNew(.set(try sequence([])))
        case .emptyDict: try pushNew(.dictionary(try mapping([])))
        case .tuple1: try pushTuple(1)
        case .tuple2: try pushTuple(2)
        case .tuple3: try pushTuple(3)
        case .tuple: try pushNew(.tuple(try sequence(try popMark())))
        case .list: try pushNew(.list(try sequence(try popMark())))
        case .frozenSet: try pushNew(.set(try sequence(try popMark())))
        case .dict: try pushNew(.dictionary(try mapping(try popPairs())))
        case .append: try extend([try pop()])
        case .appends, .addItems: try extend(try popMark())
        case .setItem:
            let value = try pop()
            try assign([PickleEntry(key: try pop(), value: value)])
        case .setItems: try assign(try popPairs())
        default: try performCall(opcode)
        }
    }

    /// The opcodes by which Python would import, call and construct.
    private mutating func performCall(_ opcode: PickleOpcode) throws(ZooError) {
        switch opcode {
        case .global:
            let (module, name) = (try cursor.line(maximum: 4096), try cursor.line(maximum: 4096))
            try pushGlobal(module: try validText(module), name: try validText(name))
        case .stackGlobal:
            let name = document.text(try pop())
            let module = document.text(try pop())
            guard isJudging || (module != nil && name != nil) else {
                throw failure(.corrupt, "the pickle names a class by something other than text")
            }
            try pushGlobal(
                module: module ?? PickleGlobal.computed, name: name ?? PickleGlobal.computed)
        case .reduce:
            let arguments = try pop()
            try pushObject(callable: try pop(), arguments: arguments, isInstance: false)
        case .newObj:
            let arguments = try pop()
            try pushObject(callable: try pop(), arguments: arguments, isInstance: true)
        case .newObjEx:
            let keywords = try pop()
            let arguments = try pop()
            try pushObject(callable: try pop(), arguments: arguments, keywords: keywords, isInstance: true)
        case .obj:
            let items = try popMark()
            guard let callable = items.first else {
                throw failure(.corrupt, "the pickle makes an object of no class")
            }
            let arguments = try make(.tuple(try sequence(Array(items.dropFirst()))))
            try pushObject(callable: callable, arguments: arguments, isInstance: true)
        case .build:
            let state = try pop()
            let target = try peek()
            switch document.nodes[Int(target.index)] {
            case .object(let place): document.objects[Int(place)].state = state
            case .global where isJudging: document.changedGlobals.append(target)
            default:
                guard isJudging else {
                    throw failure(.corrupt, "the pickle sets attributes of something that has none")
                }
            }
        case .binPersid: try pushNew(.persistent(try pop()))
        default: try performText(opcode)
        }
    }

    private mutating func pushTuple(_ count: Int) throws(ZooError) {
        var items: [PickleReference] = []
        for _ in 0..<count { items.append(try pop()) }
        try pushNew(.tuple(try sequence(items.reversed())))
    }

    /// Keys and values above the last mark. (In one expression with what makes pairs of them, taking them from the
    /// stack would copy it: the machine itself was already lent to the outer call.)
    private mutating func popPairs() throws(ZooError) -> [PickleEntry] {
        let items = try popMark()
        guard items.count.isMultiple(of: 2) else {
            throw failure(.corrupt, "a dictionary's last key has no value")
        }
        return stride(from: 0, to: items.count, by: 2).map {
            PickleEntry(key: items[$0], value: items[$0 + 1])
        }
    }

    /// APPEND and its like, on a list, a set, or the record of an object.
    private mutating func extend(_ items: [PickleReference]) throws(ZooError) {
        switch document.nodes[Int(try peek().index)] {
        case .list(let place), .set(let place): document.sequences[Int(place)] += items
        case .object(let place): document.objects[Int(place)].items += items
        default:
            guard isJudging else {
                throw failure(.corrupt, "the pickle appends to something that isn't a list")
            }
        }
    }

    /// SETITEM and its like, on a dictionary or the record of an object.
    private mutating func assign(_ entries: [PickleEntry]) throws(ZooError) {
        switch document.nodes[Int(try peek().index)] {
        case .dictionary(let place): document.mappings[Int(place)] += entries
        case .object(let place): document.objects[Int(place)].entries += entries
        default:
            guard isJudging else {
                throw failure(.corrupt, "the pickle sets an item of something that isn't a dictionary")
            }
        }
    }

    mutating func pushGlobal(module: String, name: String) throws(ZooError) {
        try pushNew(.global(try addGlobal(module: module, name: name)))
    }

    mutating func addGlobal(module: String, name: String) throws(ZooError) -> UInt32 {
        guard module.utf8.count <= 4096, name.utf8.count <= 4096 else {
            throw failure(.limitExceeded, "the pickle names a class by more than 4096 bytes")
        }
        try spend(1)
        let place = try index(document.globals.count)
        document.globals.append(PickleGlobal(module: module, name: name))
        return place
    }

    mutating func pushObject(
        callable: PickleReference, arguments: PickleReference, keywords: PickleReference? = nil,
        isInstance: Bool
    ) throws(ZooError) {
        var isTuple = false
        if case .tuple = document.nodes[Int(arguments.index)] { isTuple = true }
        guard isTuple || isJudging else {
            throw failure(.corrupt, "the pickle calls something with arguments that aren't a tuple")
        }
        try spend(2)
        let place = try index(document.objects.count)
        document.objects.append(
            PickleObject(
                callable: callable, arguments: arguments, keywords: keywords, isInstance: isInstance,
                state: nil))
        try pushNew(.object(place))
    }

    func validText(_ bytes: [UInt8]) throws(ZooError) -> String {
        if isJudging { return String(decoding: bytes, as: UTF8.self) }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw failure(.corrupt, "a text in the pickle isn't valid UTF-8")
        }
        return text
    }

    private mutating func pushText(count: Int) throws(ZooError) {
        let bytes = try cursor.bytes(count)
        try pushText(try validText(bytes))
    }

    /// A Python 2 `str`: text where it reads as text, else bytes.
    private mutating func pushOldString(count: Int) throws(ZooError) {
        let place = cursor.position
        if count <= 1 << 16, let text = String(validating: try cursor.bytes(count), as: UTF8.self) {
            return try pushText(text)
        }
        if cursor.position == place { try passOver(count) }
        try pushNew(.bytes(try run(at: place, count: count)))
    }

    /// Bytes are passed over, not read: they may be a large array.
    private mutating func pushBytes(count: Int) throws(ZooError) {
        let place = cursor.position
        try passOver(count)
        try pushNew(.bytes(try run(at: place, count: count)))
    }

    /// A two's complement integer of `count` bytes.
    private mutating func pushLong(count: Int) throws(ZooError) {
        let place = cursor.position
        let bytes = try cursor.bytes(count)
        guard bytes.count <= 8 else {
            return try pushNew(.largeInteger(try run(at: place, count: count)))
        }
        let isNegative = bytes.last.map { $0 >= 0x80 } ?? false
        let bits = bytes.reversed().reduce(isNegative ? UInt64.max : 0) { $0 << 8 | UInt64($1) }
        try pushInteger(Int(truncatingIfNeeded: bits))
    }
}
