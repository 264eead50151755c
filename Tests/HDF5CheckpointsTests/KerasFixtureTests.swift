import Testing
import ZooCheckpoints
import ZooHDF5Checkpoints
import ZooTensors
import ZooTestSupport

/// Files that Keras and h5py wrote (tools/goldens/formats/make_keras.py), and what they say is in them.
@Suite struct KerasFixtureTests {
    static let folder = TestFiles.path("tools/goldens/formats/")

    static func expectations() throws -> JSONObject {
        let document = try JSONParser.parse(try TestFiles.read(folder + "expected.json"))
        return try #require(document.objectValue)
    }

    static let files: [String] = ((try? expectations())?.keys ?? []).filter {
        $0.hasSuffix(".h5") || $0.hasSuffix(".keras")
    }

    @Test func thereAreFixtures() { #expect(KerasFixtureTests.files.count >= 20) }

    private func read(_ name: String, _ isolation: HDF5Isolation = Helper.isolation) throws -> Checkpoint {
        try KerasHDF5Reader.read(path: KerasFixtureTests.folder + name, isolation: isolation)
    }

    @Test(arguments: files) func readsAsKerasDoes(_ file: String) throws {
        let expected = try #require(try KerasFixtureTests.expectations()[file])
        if let reason = expected["error"]?.stringValue {
            let error = try #require(throws: ZooError.self) { try read(file) }
            #expect(error.code == .refused)
            // The first word of the reason is the name that the message has to have.
            let name = try #require(reason.split(separator: " ").first)
            #expect(error.description.contains(name), "\(error)")
            return
        }
        let checkpoint = try read(file)
        let format: CheckpointFormat =
            file.hasSuffix(".keras")
            ? .kerasArchive : file.hasSuffix(".weights.h5") ? .kerasWeights : .kerasHDF5
        #expect(checkpoint.format == format)
        let wanted = try #require(expected["tensors"]?.arrayValue)
        #expect(checkpoint.tensors.map(\.name) == wanted.compactMap { $0["name"]?.stringValue })
        for (entry, described) in zip(wanted, checkpoint.tensors) {
            #expect(described.elementType.rawValue == entry["dtype"]?.stringValue)
            #expect(described.shape.dimensions == entry["shape"]?.intArrayValue)
            #expect(described.location.map { String($0.dropFirst()) } == entry["path"]?.stringValue)
            let tensor = try described.load()
            #expect(tensor.shape == described.shape && tensor.elementType == described.elementType)
            #expect(
                SHA256.hexadecimal(try tensor.bytes()) == entry["sha256"]?.stringValue, "\(described.name)")
            guard let layer = entry["layer"]?.stringValue else { continue }
            let owner = described.name.split(separator: "/").dropLast(2).joined(separator: "/")
            #expect(checkpoint.extras["layer_names"]?[owner]?.stringValue == layer)
        }
        #expect(checkpoint.layers.flatMap(\.tensorNames) == checkpoint.tensors.map(\.name))
    }

    @Test(arguments: files) func inProcessReadsTheSame(_ file: String) throws {
        guard let helped = try? read(file) else { return }
        let direct = try read(file, .inProcess)
        #expect(direct.tensors.map(\.name) == helped.tensors.map(\.name))
        #expect(
            direct.layers == helped.layers && direct.extras == helped.extras && direct.notes == helped.notes)
    }

    @Test func fullModelCarriesItsConfiguration() throws {
        let checkpoint = try read("full-model.h5")
        #expect(checkpoint.layers.map(\.name) == ["conv", "bn", "flatten", "fc"])
        #expect(checkpoint.layers[2].tensorNames.isEmpty)
        #expect(
            checkpoint.layers[1].tensorNames
                == ["gamma", "beta", "moving_mean", "moving_variance"].map { "bn/\($0)" })
        #expect(checkpoint.extras["backend"] == "tensorflow")
        #expect(checkpoint.extras["keras_version"] == "3.15.1")
        #expect(checkpoint.extras["model_config"]?["class_name"] == "Sequential")
        let layers = try #require(checkpoint.extras["model_config"]?["config"]?["layers"]?.arrayValue)
        #expect(layers.count == 5)
        #expect(checkpoint.extras["training_config"] != nil)
        #expect(checkpoint.notes.count == 1 && checkpoint.notes[0].contains("optimizer"))
    }

    @Test func weightsFilesListWeightlessLayersToo() throws {
        let checkpoint = try read("keras3.weights.h5")
        let flatten = try #require(checkpoint.layers.first { $0.name == "layers/flatten" })
        #expect(flatten.tensorNames.isEmpty)
        #expect(checkpoint.extras["layer_names"]?["layers/flatten"] == "flatten")
    }

    @Test func shippedModel() throws {
        let path = TestFiles.path("zoo/weights/lenet-mnist.h5")
        let checkpoint = try KerasHDF5Reader.read(path: path, isolation: Helper.isolation)
        #expect(checkpoint.tensors.count == 10)
        let total = try checkpoint.tensors.reduce(0) { try $0 + $1.load().elementCount }
        #expect(total == checkpoint.tensors.reduce(0) { $0 + $1.shape.elementCount })
        #expect(checkpoint.extras["model_config"] != nil)
    }
}
