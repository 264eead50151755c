import Testing
import ZooCheckpoints
import ZooTensors
import ZooTestSupport

/// All tensors of a PyTorch file under joined names, for copies of the table as it is.
@Suite struct NestedStateDictTests {
    private let archive: HandMadeArchive
    private let storages: [String: [Float]] = ["0": [1, 2], "1": [3, 4], "2": [5, 6]]

    init() throws { archive = try HandMadeArchive() }

    private func read(_ value: PythonValue, key: String? = nil) throws -> Checkpoint {
        try archive.read(
            value, storages: storages,
            options: CheckpointReadOptions(key: key, keepPrefixes: true, joinsNestedNames: true))
    }

    @Test func severalStateDictsAreJoined() throws {
        let value = PythonValue.dict([
            ("generator", .dict([("net", oneWeight("0")), ("epoch", .int(7))])),
            ("discriminator", oneWeight("1")),
            ("optimizer", .dict([("state", oneWeight("2"))])), ("step", .int(4)),
        ])
        let checkpoint = try read(value)
        #expect(checkpoint.tensors.map(\.name) == ["generator.net.fc.weight", "discriminator.fc.weight"])
        #expect(checkpoint.extras["step"] == 4)
        #expect(checkpoint.extras["optimizer"]?["opaque"] == true)
        #expect(try read(value, key: "discriminator").tensors.map(\.name) == ["fc.weight"])
    }

    @Test func theOnlyStateDictLosesItsWrapper() throws {
        let value = PythonValue.dict([
            (
                "state_dict",
                .ordered([("module.a", .tensor("0", shape: [2])), ("sub", oneWeight("1")), ("n", .int(1))])
            ),
            ("epoch", .int(3)),
        ])
        let checkpoint = try read(value)
        #expect(checkpoint.tensors.map(\.name) == ["module.a", "sub.fc.weight"])
        #expect(checkpoint.extras["epoch"] == 3 && checkpoint.extras["n"] == 1)
    }

    /// A flat state dict whose names happen to begin with a wrapper's, and two averages beside each other.
    @Test func namesThatLookLikeWrappersStay() throws {
        let flat = try read(
            .ordered([("model.a", .tensor("0", shape: [2])), ("model.b", .tensor("1", shape: [2]))]))
        #expect(flat.tensors.map(\.name) == ["model.a", "model.b"])
        let both = try read(.dict([("model", oneWeight("0")), ("model_ema", oneWeight("1"))]))
        #expect(both.tensors.map(\.name) == ["model.fc.weight", "model_ema.fc.weight"])
    }

    @Test func listsAndOddThingsBesideTensors() throws {
        let value = PythonValue.dict([
            ("a", .tensor("0", shape: [2])),
            ("list", .list([.tensor("1", shape: [2]), .int(3), .dict([("b", .tensor("2", shape: [2]))])])),
            ("history", .list([.int(1), .list([.float(2)])])),
            ("w", .call(.global("some", "function"), [.int(1)])),
        ])
        let checkpoint = try read(value)
        #expect(checkpoint.tensors.map(\.name) == ["a", "list.0", "list.2.b"])
        #expect(checkpoint.extras["history"] == [1, [2.0]])
        #expect(checkpoint.extras["list.1"] == 3)
        #expect(checkpoint.extras["w"]?["opaque"] == true)
    }

    @Test func sameNamesAreAnError() throws {
        let value = PythonValue.dict([
            ("a.b", .tensor("0", shape: [2])), ("a", .dict([("b", .tensor("1", shape: [2]))])),
        ])
        #expect(throws: ZooError.self) { try read(value) }
    }

    /// Each level holds the next one twice: a thousand million names.
    @Test func dictionariesThatMultiplyAreBounded() throws {
        var pickle: [UInt8] = [0x80, 2]
        func text(_ value: String) -> [UInt8] {
            [0x58] + (0..<4).map { UInt8(truncatingIfNeeded: value.utf8.count >> (8 * $0)) }
                + Array(value.utf8)
        }
        pickle += oneWeight("0").pickled().dropFirst(2).dropLast()
        for level in UInt8(0)..<30 {
            // Remembered, then put into a dictionary under two names.
            pickle +=
                [0x71, level, 0x30, 0x7D, 0x28] + text("x") + [0x68, level] + text("y") + [0x68, level] + [
                    0x75
                ]
        }
        pickle += [0x2E]
        let error = #expect(throws: ZooError.self) {
            try archive.readPickle(
                pickle, storages: storages,
                options: CheckpointReadOptions(keepPrefixes: true, joinsNestedNames: true))
        }
        #expect(error?.code == .limitExceeded)
    }
}
