import Testing
import ZooCheckpoints
import ZooHDF5Checkpoints
import ZooTensors
import ZooTestSupport

/// HDF5 as others write it (Fixtures/make_hdf5.py): types, storage, chunk indexes, names; and what is refused.
@Suite struct HDF5FixtureTests {
    static let folder = TestFiles.path("Tests/HDF5CheckpointsTests/Fixtures/")

    static func expectations() throws -> JSONObject {
        let document = try JSONParser.parse(try TestFiles.read(folder + "expected.json"))
        return try #require(document.objectValue)
    }

    static let files: [String] = (try? expectations())?.keys ?? []

    @Test func thereAreFixtures() { #expect(HDF5FixtureTests.files.count >= 12) }

    private func read(_ name: String) throws -> Checkpoint {
        try KerasHDF5Reader.read(path: HDF5FixtureTests.folder + name, isolation: Helper.isolation)
    }

    @Test(arguments: files) func readsAsH5pyDoes(_ file: String) throws {
        let expected = try #require(try HDF5FixtureTests.expectations()[file])
        if let code = expected["error"]?.stringValue {
            let error = try #require(throws: ZooError.self) {
                for tensor in try read(file).tensors { _ = try tensor.load() }
            }
            #expect(error.code.rawValue == code, "\(error)")
            #expect(error.file == HDF5FixtureTests.folder + file)
            return
        }
        let checkpoint = try read(file)
        let wanted = try #require(expected["tensors"]?.objectValue)
        #expect(checkpoint.tensors.map(\.name).sorted() == wanted.keys.sorted())
        for described in checkpoint.tensors {
            let entry = try #require(wanted[described.name])
            #expect(described.elementType.rawValue == entry["dtype"]?.stringValue, "\(described.name)")
            #expect(described.shape.dimensions == entry["shape"]?.intArrayValue, "\(described.name)")
            let bytes = try described.load().bytes()
            #expect(SHA256.hexadecimal(bytes) == entry["sha256"]?.stringValue, "\(described.name)")
        }
    }

    @Test func keysAreUniqueWhereLastComponentsAreNot() throws {
        let checkpoint = try read("names.h5")
        #expect(checkpoint.layers.map(\.name) == ["block 1/conv", "Ä", "twice"])
        #expect(
            checkpoint.tensors.map(\.name) == [
                "block 1/conv/kernel", "block 1/conv/bias", "Ä/kernel", "twice/twice/forward/kernel",
                "twice/twice/backward/kernel", "twice/bias",
            ])
        #expect(try checkpoint.tensors.map { try $0.load().floats()[0] } == [0, 1, 0, 0, 1, 2])
    }

    @Test func olderWeightsFilesGetPresentNamesAndNaturalOrder() throws {
        let checkpoint = try read("older.weights.h5")
        #expect(
            checkpoint.tensors.map(\.name) == [
                "layers/dense/vars/0", "layers/dense_1/vars/0", "layers/dense_2/vars/0",
                "layers/dense_10/vars/0",
                "inner/layers/conv2d/vars/0",
            ])
        #expect(try checkpoint.tensors.map { try $0.load().floats()[0] } == [0, 1, 2, 10, 20])
        #expect(checkpoint.tensors[0].location == "/_layer_checkpoint_dependencies/dense/vars/0")
        #expect(checkpoint.notes.count == 3)
    }

    @Test func attributesOfEveryKind() throws {
        let index = try HDF5Index.read(
            path: HDF5FixtureTests.folder + "types.weights.h5", isolation: Helper.isolation)
        let group = try #require(index["/layers/others/vars"])
        #expect(group[attribute: "name"]?.string == "Schicht für Äpfel")
        #expect(group[attribute: "number"]?.value == .integers([5]))
        #expect(group[attribute: "numbers"]?.value == .floats([0, 1, 2, 3, 4, 5]))
        #expect(group[attribute: "nothing"]?.value == HDF5Attribute.Value.none)
        #expect(group[attribute: "pair"]?.value == HDF5Attribute.Value.none)
        #expect(group[attribute: "absent"] == nil)
    }

    @Test func whatIsNoHDF5FileIsSaidSo() throws {
        let folder = try TemporaryFolder()
        let isolation = Helper.isolation
        try TestFiles.write([], to: folder.file("empty.h5"))
        try TestFiles.write([UInt8](repeating: 7, count: 5000), to: folder.file("noise.h5"))
        for name in ["empty.h5", "noise.h5"] {
            let error = try #require(throws: ZooError.self) {
                try KerasHDF5Reader.read(path: folder.file(name), isolation: isolation)
            }
            #expect(error.code == .unknownFormat)
        }
        let missing = try #require(throws: ZooError.self) {
            try KerasHDF5Reader.read(path: folder.file("missing.h5"), isolation: isolation)
        }
        #expect(missing.code == .fileNotFound)
        let whole = try TestFiles.read(TestFiles.path("zoo/weights/lenet-mnist.h5"))
        try TestFiles.write(Array(whole.dropLast(1000)), to: folder.file("cut.h5"))
        let cut = try #require(throws: ZooError.self) {
            try KerasHDF5Reader.read(path: folder.file("cut.h5"), isolation: isolation)
        }
        #expect(cut.code == .truncated)
    }

    @Test func limitsAreKept() throws {
        let path = HDF5FixtureTests.folder + "types.weights.h5"
        func code(_ change: (inout ReadLimits) -> Void) throws -> ZooError.Code {
            var limits = ReadLimits()
            change(&limits)
            let limited = limits
            return try #require(throws: ZooError.self) {
                try KerasHDF5Reader.read(path: path, isolation: Helper.isolation, limits: limited)
            }.code
        }
        #expect(try code { $0.entryCount = 10 } == .limitExceeded)
        #expect(try code { $0.headerBytes = 1000 } == .limitExceeded)
        #expect(try code { $0.tensorBytes = 100 } == .limitExceeded)
        #expect(try code { $0.nestingDepth = 2 } == .limitExceeded)
    }
}
