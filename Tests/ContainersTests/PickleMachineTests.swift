import Testing
import ZooContainers
import ZooTensors
import ZooTestSupport

@Suite struct PickleMachineTests {
    private func read(_ bytes: [UInt8], limits: ReadLimits = ReadLimits()) throws(ZooError) -> PickleDocument
    {
        try PickleMachine.read(ByteSource(bytes: bytes), limits: limits)
    }

    private func read(_ text: String) throws -> PickleDocument { try read(Array(text.utf8)) }

    @Test func plainValues() throws {
        let value = PythonValue.list([
            .none, .bool(true), .int(-5), .int(300), .float(-2.5), .text("héllo"), .tuple([]),
            .tuple([.int(1)]),
        ])
        let document = try read(value.pickled())
        let elements = try #require(document.elements(document.root))
        #expect(elements.count == 8)
        #expect(elements.map { document.integer($0) } == [nil, nil, -5, 300, nil, nil, nil, nil])
        #expect(document.text(elements[5]) == "héllo")
        guard case .none = document.value(elements[0]), case .boolean(true) = document.value(elements[1]),
            case .real(-2.5) = document.value(elements[4]),
            case .tuple(let empty) = document.value(elements[6])
        else {
            Issue.record("values differ")
            return
        }
        #expect(empty.isEmpty)
    }

    @Test func callsAreOnlyRecorded() throws {
        let document = try read(
            PythonValue.call(.global("posix", "system"), [.text("touch /tmp/x")]).pickled())
        let object = try #require(document.object(document.root))
        #expect(document.global(object.callable) == PickleGlobal(module: "posix", name: "system"))
        #expect(document.elements(object.arguments)?.compactMap { document.text($0) } == ["touch /tmp/x"])
        #expect(!object.isInstance)
        // PROTO takes 2 bytes, GLOBAL 14, then the mark, a text and its tuple.
        #expect(document.byteOffset(object.callable) == 2)
    }

    @Test func instancesKeepTheirState() throws {
        let value = PythonValue.instance(
            .global("argparse", "Namespace"), state: .dict([("lr", .float(0.5))]))
        let document = try read(value.pickled())
        let object = try #require(document.object(document.root))
        let state = try #require(object.state)
        #expect(object.isInstance)
        guard case .dictionary(let entries) = document.value(state) else {
            Issue.record("the state isn't a dictionary")
            return
        }
        #expect(entries.compactMap { document.text($0.key) } == ["lr"])
    }

    @Test func protocolFour() throws {
        // {"a": collections.OrderedDict()} with FRAME, SHORT_BINUNICODE, MEMOIZE, STACK_GLOBAL.
        var bytes: [UInt8] = [0x80, 4, 0x95, 0x24, 0, 0, 0, 0, 0, 0, 0]
        bytes += Array("}".utf8) + [0x94, 0x8C, 1] + Array("a".utf8) + [0x94]
        bytes +=
            [0x8C, 11] + Array("collections".utf8) + [0x94, 0x8C, 11] + Array("OrderedDict".utf8) + [0x94]
        bytes += [0x93, 0x94] + Array(")R".utf8) + [0x94] + Array("s.".utf8)
        let document = try read(bytes)
        guard case .dictionary(let entries) = document.value(document.root) else {
            Issue.record("not a dictionary")
            return
        }
        let object = try #require(entries.first.flatMap { document.object($0.value) })
        #expect(document.global(object.callable)?.description == "collections.OrderedDict")
        #expect(document.end == bytes.count)
    }

    @Test func aListMayContainItself() throws {
        let document = try read("]q\0h\0a.")
        let elements = try #require(document.elements(document.root))
        #expect(elements == [document.root])
    }

    @Test func picklesFollowEachOther() throws {
        let bytes = PythonValue.int(1).pickled() + PythonValue.text("two").pickled()
        let source = ByteSource(bytes: bytes)
        let first = try PickleMachine.read(source)
        let second = try PickleMachine.read(source, at: first.end)
        #expect(first.integer(first.root) == 1)
        #expect(second.text(second.root) == "two")
        #expect(second.end == bytes.count)
    }

    @Test func largeIntegersKeepTheirBytes() throws {
        let magic: [UInt8] = [0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]
        let document = try read([0x80, 2, 0x8A, 10] + magic + Array(".".utf8))
        guard case .largeInteger(let source) = document.value(document.root) else {
            Issue.record("not a large integer")
            return
        }
        #expect(try source.allBytes() == magic)
        let zero = try read([0x80, 2, 0x8A, 0, 0x2E])
        #expect(zero.integer(zero.root) == 0)
        let minusOne = try read([0x80, 2, 0x8A, 1, 0xFF, 0x2E])
        #expect(minusOne.integer(minusOne.root) == -1)
    }

    @Test(arguments: [
        ("I1\n.", "INT"), ("L1L\n.", "LONG"), ("F1\n.", "FLOAT"), ("S'a'\n.", "STRING"), ("Va\n.", "UNICODE"),
        ("Pid\n.", "PERSID"), ("(ios\nsystem\n.", "INST"), ("Np0\n.", "PUT"), ("g0\n.", "GET"),
        ("\u{82}", "EXT1"),
    ])
    func refusedOpcodesAreNamed(_ text: String, _ name: String) throws {
        let bytes = text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
        let error = #expect(throws: ZooError.self) { try self.read(bytes) }
        #expect(error?.code == .unsupported)
        #expect(error?.problem.contains(name) == true)
    }

    @Test(arguments: [
        ".", "a.", "R", "(N.", "t.", "0.", "Nb.", "]Ns.", "NNNs.", "NQ", "X", "h\0.", "c\n",
        "}(Nu.", "N)Rq", "\u{FF}", "]NR.",
    ])
    func brokenPicklesGiveErrors(_ text: String) throws {
        let bytes = text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
        #expect(throws: ZooError.self) { try self.read(bytes) }
    }

    @Test func unknownOpcodesTellTheirPlace() throws {
        let error = #expect(throws: ZooError.self) { try self.read([0x80, 2, 0x4E, 0xFE, 0x2E]) }
        #expect(error?.byteOffset == 3)
        #expect(error?.problem.contains("0xfe") == true)
    }

    @Test func limitsHold() throws {
        var limits = ReadLimits()
        limits.nestingDepth = 10
        #expect(throws: ZooError.self) {
            try self.read(Array(String(repeating: "(", count: 11).utf8), limits: limits)
        }
        limits = ReadLimits()
        limits.entryCount = 10
        let flood = Array(("N" + String(repeating: "2", count: 1000) + ".").utf8)
        let error = #expect(throws: ZooError.self) { try self.read(flood, limits: limits) }
        #expect(error?.code == .limitExceeded)
        limits = ReadLimits()
        limits.headerBytes = 100
        #expect(throws: ZooError.self) { try self.read(flood, limits: limits) }
    }

    /// One byte can make a value of fifty; a large file may hold more.
    @Test func valuesAreBoundedByTheFile() throws {
        func flood(_ count: Int) -> [UInt8] {
            [0x80, 2, 0x28] + [UInt8](repeating: 0x29, count: count) + Array("l.".utf8)
        }
        let few = try read(flood(500_000))
        #expect(few.elements(few.root)?.count == 500_000)
        let error = #expect(throws: ZooError.self) { try self.read(flood(4_000_000)) }
        #expect(error?.code == .limitExceeded)
    }

    /// Each small dictionary is taken from the top of a stack on which all others lie.
    @Test func manySmallValuesTakeTimeOnce() throws {
        let dictionary = Array("}(K\u{1}K\u{2}u".utf8)
        let start = ProcessorTime.ofThread
        let document = try read(
            [0x80, 2, 0x28] + (0..<400_000).flatMap { _ in dictionary } + Array("l.".utf8))
        #expect(document.elements(document.root)?.count == 400_000)
        // It took a quarter of a minute when the stack was copied each time.
        #expect(ProcessorTime.ofThread - start < 5)
    }

    @Test func mutationsNeverTrap() throws {
        let value = PythonValue.dict([
            (
                "state_dict",
                .ordered([("a.weight", .tensor("0", shape: [2, 3])), ("a.bias", .tensor("1", shape: [2]))])
            ),
            ("args", .instance(.global("argparse", "Namespace"), state: .dict([("lr", .float(0.5))]))),
            ("list", .list([.int(1), .text("x"), .tuple([.none, .bool(true)])])),
        ])
        var mutations = Mutations(of: value.pickled())
        let tally = mutations.run(3000) { (bytes) throws(ZooError) in
            let document = try self.read(bytes)
            for reference in document.references { _ = document.value(reference) }
        }
        #expect(tally.errors > 1000 && tally.results > 100, "\(tally)")
    }
}
