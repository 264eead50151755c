import Testing
import ZooCheckpoints
import ZooTensors
import ZooTestSupport

/// Which of the dictionaries in a file is taken, and under which names its tensors appear.
@Suite struct StateDictSelectionTests {
    private let archive: HandMadeArchive
    private let storages: [String: [Float]] = ["0": [1, 2], "1": [3, 4], "2": [5, 6]]

    init() throws { archive = try HandMadeArchive() }

    private func read(_ value: PythonValue, _ options: CheckpointReadOptions = CheckpointReadOptions()) throws
        -> Checkpoint
    {
        try archive.read(value, storages: storages, options: options)
    }

    @Test func wrappersAreOpenedAndTheRestKept() throws {
        let checkpoint = try read(
            .dict([
                ("epoch", .int(3)), ("best_acc", .float(.nan)), ("state_dict", oneWeight("0")),
                (
                    "optimizer",
                    .dict([("state", .dict([(.int(0), oneWeight("1", name: "momentum_buffer"))]))])
                ),
                ("args", .instance(.global("argparse", "Namespace"), state: .dict([("lr", .float(0.5))]))),
                ("names", .list([.text("cat"), .text("dog")])),
            ]))
        #expect(checkpoint.tensors.map(\.name) == ["fc.weight"])
        #expect(try checkpoint["fc.weight"]?.load().floats() == [1, 2])
        #expect(checkpoint.extras.keys == ["epoch", "best_acc", "optimizer", "args", "names"])
        #expect(checkpoint.extras["epoch"] == 3)
        #expect(checkpoint.extras["best_acc"] == "NaN")
        #expect(checkpoint.extras["names"] == ["cat", "dog"])
        #expect(checkpoint.extras["optimizer"]?["opaque"] == true)
        #expect(checkpoint.extras["args"]?["class"] == "argparse.Namespace")
        #expect(checkpoint.extras["args"]?["opaque"] == true)
        #expect(checkpoint.extras["args"]?["attributes"]?["lr"] == 0.5)
        #expect(!checkpoint.notes.contains { $0.contains("argparse.Namespace") })
        #expect(checkpoint.notes.contains("took the entries under \"state_dict\""))
    }

    @Test func severalCandidatesNeedAChoice() throws {
        let value = PythonValue.dict([("model", oneWeight("0")), ("model_ema", oneWeight("1"))])
        let error = #expect(throws: ZooError.self) { try self.read(value) }
        #expect(error?.code == .ambiguous)
        #expect(error?.found == "\"model\", \"model_ema\"")
        let chosen = try read(value, CheckpointReadOptions(key: "model_ema"))
        #expect(try chosen["fc.weight"]?.load().floats() == [3, 4])
        let missing = #expect(throws: ZooError.self) {
            try self.read(value, CheckpointReadOptions(key: "ema"))
        }
        #expect(missing?.code == .invalidArgument)
        #expect(missing?.expected?.contains("\"model\"") == true)
    }

    @Test func keysMayBeDottedAndHaveDots() throws {
        let value = PythonValue.dict([
            ("a.b", .dict([("nets", .list([oneWeight("0"), oneWeight("1")]))])), ("model", oneWeight("2")),
        ])
        #expect(
            try read(value, CheckpointReadOptions(key: "a.b.nets.1"))["fc.weight"]?.load().floats() == [3, 4])
        #expect(try read(value)["fc.weight"]?.load().floats() == [5, 6], "a usual name goes before others")
    }

    @Test func theSameDictionaryTwiceIsOneCandidate() throws {
        // EMPTY_DICT, BINPUT, then two keys with the same value through BINGET, by hand.
        let weight = PythonValue.tensor("0", shape: [2]).pickled().dropFirst(2).dropLast()
        var pickle: [UInt8] = [0x80, 2] + Array("}(".utf8) + [0x55, 5] + Array("model".utf8)
        pickle += Array("}q\u{1}".utf8) + [0x55, 1] + Array("w".utf8) + weight + Array("s".utf8)
        pickle += [0x55, 10] + Array("state_dict".utf8) + Array("h\u{1}u.".utf8)
        let bytes = LegacyFile(body: pickle, storages: [("0", [1, 2])]).bytes()
        let checkpoint = try CheckpointReader.read(ByteSource(bytes: bytes))
        #expect(checkpoint.tensors.map(\.name) == ["w"])
    }

    @Test func optimizersAloneAreNotANetwork() throws {
        let error = #expect(throws: ZooError.self) {
            try self.read(
                .dict([("optimizer", oneWeight("0")), ("optim_state", oneWeight("1")), ("epoch", .int(1))]))
        }
        #expect(error?.code == .missingTensor)
    }

    @Test(arguments: [
        (["module.a.weight", "module.b.weight"], ["a.weight", "b.weight"]),
        (["module._orig_mod.model.a.w", "module._orig_mod.model.b.w"], ["a.w", "b.w"]),
        (["_orig_mod.module.0.weight"], ["0.weight"]),
        (["net.0.weight", "net.3.weight"], ["net.0.weight", "net.3.weight"]),
        (["module.net.0.weight", "module.net.3.weight"], ["net.0.weight", "net.3.weight"]),
        (["net.0.weight", "net.fc.weight"], ["0.weight", "fc.weight"]),
        (["model.conv.w", "head.w"], ["model.conv.w", "head.w"]),
        (["model.", "model.a"], ["model.", "model.a"]),
        (["features.0.weight", "features.1.weight"], ["features.0.weight", "features.1.weight"]),
        (["ema_model.backbone.conv1.weight"], ["conv1.weight"]),
    ])
    func sharedPrefixes(_ names: [String], _ wanted: [String]) throws {
        let value = PythonValue.dict(names.map { ($0, .tensor("0", shape: [2])) })
        let checkpoint = try read(value)
        #expect(checkpoint.tensors.map(\.name) == wanted)
        #expect(checkpoint.notes.contains { $0.hasPrefix("stripped") } == (names != wanted))
        #expect(try read(value, CheckpointReadOptions(keepPrefixes: true)).tensors.map(\.name) == names)
    }

    @Test func averagedModelsLoseTheirCounter() throws {
        let checkpoint = try read(
            .ordered([
                ("n_averaged", .tensor("0", shape: [], count: 2)),
                ("module.fc.weight", .tensor("1", shape: [2])),
            ]))
        #expect(checkpoint.tensors.map(\.name) == ["fc.weight"])
        #expect(checkpoint.notes.contains { $0.contains("n_averaged") })
    }

    @Test func versionsOfModulesAreKept() throws {
        let metadata = PythonValue.ordered([
            ("", .dict([("version", .int(1))])), ("bn", .dict([("version", .int(2))])),
        ])
        let checkpoint = try read(.state(oneWeight("0"), .dict([("_metadata", metadata)])))
        #expect(checkpoint.extras["_metadata"]?["bn"]?["version"] == 2)
    }

    @Test func theLastOfRepeatedKeysCounts() throws {
        let value = PythonValue.dict([
            ("a", .tensor("0", shape: [2])), ("b", .tensor("1", shape: [2])), ("a", .tensor("2", shape: [2])),
        ])
        let checkpoint = try read(value)
        #expect(checkpoint.tensors.map(\.name) == ["a", "b"])
        #expect(try checkpoint["a"]?.load().floats() == [5, 6])
    }

    @Test func aSingleTensor() throws {
        let checkpoint = try read(.tensor("0", shape: [2]))
        #expect(checkpoint.tensors.map(\.name) == ["tensor"])
    }

    @Test func aWantedEntryThatNeedsCodeIsAnError() throws {
        let stranger = PythonValue.call(.global("vendor.codec", "decode"), [.tensor("0", shape: [2])])
        let error = #expect(throws: ZooError.self) {
            try self.read(
                .dict([("a", .tensor("0", shape: [2])), ("b", .tensor("1", shape: [2])), ("c", stranger)]))
        }
        #expect(error?.code == .unsupported)
        #expect(error?.tensor == "c")
        #expect(error?.problem.contains("vendor.codec.decode") == true)
        #expect((error?.byteOffset ?? 0) > 64, "the place in the file, not in the member")
    }

    @Test func numbersOfNumPyAreNumbers() throws {
        func scalar(_ code: String, _ bytes: String, order: String = "<") -> PythonValue {
            let dtype = PythonValue.call(.global("numpy", "dtype"), [.text(code), .bool(false), .bool(true)])
            return .call(
                .global("numpy.core.multiarray", "scalar"),
                [
                    .state(dtype, .tuple([.int(3), .text(order), .none])),
                    .call(.global("_codecs", "encode"), [.text(bytes), .text("latin1")]),
                ])
        }
        let checkpoint = try read(
            .dict([
                ("state_dict", oneWeight("0")), ("best", scalar("f8", "\0\0\0\0\0\0\u{EC}?")),
                ("count", scalar("i4", "\u{FE}\u{FF}\u{FF}\u{FF}")),
                ("big", scalar("i4", "\0\0\0\u{1}", order: ">")),
            ]))
        #expect(checkpoint.extras["best"] == 0.875)
        #expect(checkpoint.extras["count"] == -2)
        #expect(checkpoint.extras["big"] == 1)
    }

    @Test func callsAreNamedAndNotRun() throws {
        let checkpoint = try read(
            .dict([
                ("model", oneWeight("0")), ("x", .call(.global("posix", "system"), [.text("true")])),
                ("y", .call(.global("builtins", "eval"), [.text("1")])),
            ]))
        #expect(checkpoint.notes.contains { $0.hasPrefix("the file calls posix.system at byte ") })
        #expect(
            checkpoint.notes.contains {
                $0.hasPrefix("the file calls builtins.eval at byte ") && $0.hasSuffix("nothing was run")
            })
    }

    @Test func valuesThatContainThemselvesEnd() throws {
        // {"w": tensor, "x": l} where l = [l, l].
        let weight = PythonValue.tensor("0", shape: [2]).pickled().dropFirst(2).dropLast()
        var body: [UInt8] = [0x80, 2] + Array("}(".utf8) + [0x55, 1] + Array("w".utf8) + weight
        body += [0x55, 1] + Array("x".utf8) + Array("]q\u{1}(h\u{1}h\u{1}eu.".utf8)
        let bytes = LegacyFile(body: body, storages: [("0", [1, 2])]).bytes()
        let checkpoint = try CheckpointReader.read(ByteSource(bytes: bytes))
        #expect(checkpoint.tensors.map(\.name) == ["w"])
        #expect(checkpoint.extras["x"] != nil)
    }
}
