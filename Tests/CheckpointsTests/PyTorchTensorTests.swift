import Testing
import ZooCheckpoints
import ZooTensors
import ZooTestSupport

/// Single tensors: their views, types, storages, and what can be wrong with them.
@Suite struct PyTorchTensorTests {
    private let archive: HandMadeArchive

    init() throws { archive = try HandMadeArchive() }

    private func read(_ value: PythonValue, _ storages: [String: [Float]] = ["0": [0, 1, 2, 3, 4, 5]]) throws
        -> Checkpoint
    {
        try archive.read(.dict([("w", value)]), storages: storages)
    }

    @Test func stridesAndOffsetsSelect() throws {
        let tensor = try read(.tensor("0", shape: [2, 2], strides: [1, 2], offset: 1, count: 6))["w"]
        #expect(try tensor?.load().floats() == [1, 3, 2, 4])
        let loaded = try #require(try tensor?.load())
        #expect(loaded.storage.byteCount == 16, "only the run that the elements span is read")
        #expect(tensor?.storageKey == "0")
        #expect(tensor?.location == "archive/data/0")
    }

    @Test(arguments: [
        ([2, 4], [4, 1], 0), ([7], [1], 0), ([6], [1], 1), ([1], [1], -1), ([2], [-1], 0),
        ([2], [Int.max], 1),
        ([Int.max, 2], [1, 1], 0), ([-1], [1], 0), ([2], [1, 1], 0),
    ])
    func viewsOutsideTheStorageAreErrors(_ shape: [Int], _ strides: [Int], _ offset: Int) throws {
        let error = #expect(throws: ZooError.self) {
            try self.read(.tensor("0", shape: shape.map { $0 }, strides: strides, offset: offset, count: 6))
        }
        #expect(error?.code == .corrupt)
        #expect(error?.tensor == "w")
    }

    @Test func repeatingElementsIsBounded() throws {
        let tensor = try read(.tensor("0", shape: [3, 6], strides: [0, 1], count: 6))["w"]
        #expect(try tensor?.load().contiguous().floats().count == 18)
        let error = #expect(throws: ZooError.self) {
            try self.read(.tensor("0", shape: [1 << 36], strides: [0], count: 6))
        }
        #expect(error?.code == .limitExceeded)
    }

    @Test func allTensorsTogetherAreBounded() throws {
        var options = CheckpointReadOptions()
        options.limits.tensorBytes = 100
        let value = PythonValue.dict([("a", .tensor("0", shape: [20], storageClass: "FloatStorage"))])
        let storages = ["0": [Float](repeating: 0, count: 20)]
        #expect(try archive.read(value, storages: storages, options: options).tensors.count == 1)
        let twice = PythonValue.dict([("a", .tensor("0", shape: [20])), ("b", .tensor("0", shape: [20]))])
        let error = #expect(throws: ZooError.self) {
            try self.archive.read(twice, storages: storages, options: options)
        }
        #expect(error?.code == .limitExceeded)
    }

    @Test func aStorageOfAnotherSizeIsAnError() throws {
        let error = #expect(throws: ZooError.self) { try self.read(.tensor("0", shape: [6], count: 7)) }
        #expect(error?.expected == "28 bytes")
        #expect(error?.found == "24")
        let missing = #expect(throws: ZooError.self) { try self.read(.tensor("9", shape: [6])) }
        #expect(missing?.problem.contains("archive/data/9") == true)
    }

    @Test(arguments: [
        ("QInt32Storage", "qint32", 4), ("QInt8Storage", "qint8", 1), ("QUInt4x2Storage", "quint4x2", 1),
    ])
    func unsupportedTypesAreListedAndNamed(_ storageClass: String, _ dtype: String, _ width: Int) throws {
        let checkpoint = try archive.read(
            .dict([
                ("odd", .tensor("0", shape: [2], storageClass: storageClass)),
                ("w", .tensor("1", shape: [2])),
            ]), storages: ["1": [1, 2]], raw: ["0": [UInt8](repeating: 0, count: 2 * width)])
        #expect(try checkpoint["w"]?.load().floats() == [1, 2])
        let odd = try #require(checkpoint["odd"])
        #expect(odd.typeName == dtype)
        #expect(odd.shape == [2])
        let error = #expect(throws: ZooError.self) { try odd.load() }
        #expect(error?.code == .unsupported)
        #expect(error?.problem.contains("torch.\(dtype)") == true)
        #expect(error?.tensor == "odd")
    }

    /// `_rebuild_tensor_v3` over an untyped storage.
    private func untyped(_ key: String, count: Int, shape: [Int], dtype: String) -> PythonValue {
        let storage = PythonValue.persistent(
            .tuple([
                .text("storage"), .global("torch.storage", "UntypedStorage"), .text(key), .text("cpu"),
                .int(count),
            ]))
        return .call(
            .global("torch._utils", "_rebuild_tensor_v3"),
            [
                storage, .int(0), .tuple(shape.map { .int($0) }), .tuple([.int(1)]), .bool(false),
                .ordered([]),
                .global("torch", dtype),
            ])
    }

    @Test func untypedStorages() throws {
        let tensor = try archive.read(
            .dict([("w", untyped("0", count: 8, shape: [2], dtype: "float32"))]), storages: ["0": [7, 8]])[
                "w"]
        #expect(try tensor?.load().floats() == [7, 8])
        let unsigned = try archive.read(
            .dict([("w", untyped("0", count: 8, shape: [4], dtype: "uint16"))]), storages: ["0": [7, 8]])["w"]
        #expect(unsigned?.elementType == .u16)
        #expect(try unsigned?.load().scalars(UInt16.self) == [0, 0x40E0, 0, 0x4100])
        let odd = try archive.read(
            .dict([("w", untyped("0", count: 8, shape: [8], dtype: "float4_e2m1fn_x2"))]),
            storages: ["0": [7, 8]])["w"]
        #expect(odd?.typeName == "float4_e2m1fn_x2")
        #expect(odd?.elementType.byteCount == 1)
        #expect(throws: ZooError.self) { try odd?.load() }
    }

    @Test func wrappedTensors() throws {
        let plain = PythonValue.tensor("0", shape: [6])
        let parameter = PythonValue.call(
            .global("torch._utils", "_rebuild_parameter"), [plain, .bool(true), .ordered([])])
        let stateful = PythonValue.call(
            .global("torch._utils", "_rebuild_parameter_with_state"),
            [plain, .bool(true), .ordered([]), .dict([("x", .int(1))])])
        guard case .call(let function, let arguments) = plain else { return }
        let typed = PythonValue.call(
            .global("torch._tensor", "_rebuild_from_type_v2"),
            [function, .global("torch", "Tensor"), .tuple(arguments), .dict([("tag", .int(1))])])
        for value in [parameter, stateful, typed] {
            #expect(try read(value)["w"]?.load().floats() == [0, 1, 2, 3, 4, 5])
        }
    }

    @Test(arguments: [
        "_rebuild_sparse_tensor", "_rebuild_meta_tensor_no_storage", "_rebuild_wrapper_subclass",
    ])
    func otherKindsOfTensorsAreNamed(_ name: String) throws {
        // They are listed; asking for their numbers is the error.
        let listed = try self.read(.call(.global("torch._utils", name), [.int(1)]))
        #expect(listed["w"]?.typeName == (name == "_rebuild_sparse_tensor" ? "sparse" : name))
        let error = #expect(throws: ZooError.self) { try listed["w"]?.load() }
        #expect(error?.code == .unsupported)
        #expect(error?.problem.contains(name) == true)
        #expect(error?.byteOffset != nil)
    }

    @Test func postponedNegationIsAnError() throws {
        guard case .call(let function, let arguments) = PythonValue.tensor("0", shape: [6]) else { return }
        let tensor = try read(.call(function, arguments + [.dict([("neg", .bool(true))])]))["w"]
        let error = #expect(throws: ZooError.self) { try tensor?.load() }
        #expect(error?.code == .unsupported)
    }

    @Test func viewsOfOlderFiles() throws {
        let root = LegacyFile.storage("r", count: 6, view: .none)
        let view = LegacyFile.storage("r", count: 6, view: .tuple([.text("v"), .int(2), .int(3)]))
        func file(_ tensor: PythonValue) -> ByteSource {
            let body = PythonValue.dict([
                ("all", LegacyFile.tensor(root, shape: [6], strides: [1])), ("part", tensor),
            ]).pickled()
            return ByteSource(bytes: LegacyFile(body: body, storages: [("r", [0, 1, 2, 3, 4, 5])]).bytes())
        }
        let checkpoint = try CheckpointReader.read(
            file(LegacyFile.tensor(view, shape: [2], strides: [1], offset: 1)))
        #expect(try checkpoint["part"]?.load().floats() == [3, 4])
        #expect(checkpoint["part"]?.storageKey == checkpoint["all"]?.storageKey)
        #expect(checkpoint.format == .pytorchLegacy)
        let outside = LegacyFile.tensor(view, shape: [3], strides: [1], offset: 1)
        #expect(throws: ZooError.self) { try CheckpointReader.read(file(outside)) }
    }

    @Test func cutLegacyFilesSayWhere() throws {
        let body = PythonValue.dict([
            ("w", LegacyFile.tensor(LegacyFile.storage("r", count: 3), shape: [3], strides: [1]))
        ]).pickled()
        let bytes = LegacyFile(body: body, storages: [("r", [0, 1, 2])]).bytes()
        #expect(try CheckpointReader.read(ByteSource(bytes: bytes))["w"]?.load().floats() == [0, 1, 2])
        for count in [bytes.count - 1, bytes.count - 13, 100, 40] {
            let error = #expect(throws: ZooError.self) {
                try CheckpointReader.read(ByteSource(bytes: Array(bytes.prefix(count)), path: "cut.pth"))
            }
            #expect(error?.code == .truncated, "\(count)")
            #expect(error?.byteOffset != nil)
            #expect(error?.file == "cut.pth")
        }
        let longer = #expect(throws: ZooError.self) {
            try CheckpointReader.read(ByteSource(bytes: bytes + [0]))
        }
        #expect(longer?.code == .corrupt)
    }
}
