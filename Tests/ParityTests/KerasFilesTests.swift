import Testing
import ZooCheckpoints
import ZooConversion
import ZooHDF5Checkpoints
import ZooLayerGraphs
import ZooTensors
import ZooTestSupport

/// Small files of Keras models (tools/goldens/keras/make_networks.py): every parameter has the bytes that Keras'
/// variable has in PyTorch's layout, whatever the file calls it and in whatever order it lies.
@Suite struct KerasFilesTests {
    static let folder = TestFiles.path("tools/goldens/keras/")

    private func expected() throws -> JSONObject {
        let document = try JSONParser.parse(TestFiles.read(Self.folder + "expected.json"))
        return try #require(document["files"]?.objectValue)
    }

    private func read(_ path: String) throws(ZooError) -> Checkpoint {
        try KerasHDF5Reader.read(path: path, isolation: .inProcess)
    }

    /// `nested`: models in models, one used twice. `frozen`: variables that don't learn come last, and the names of
    /// the inner model's layers are in no group's name. `eleven`: `conv2d_10` lies before `conv2d_2`.
    @Test(arguments: ["nested.keras", "deflated.keras", "nested.h5", "frozen.h5", "eleven.keras"])
    func everyParameterHasItsBytes(_ name: String) throws {
        let entry = try #require(try expected()[name])
        let (model, report) = try Converter().convert(read(Self.folder + name))
        #expect(report.plan.architecture.name == "custom" && report.plan.unused.isEmpty)
        let wanted = try #require(entry["parameters"]?.objectValue)
        #expect(Set(model.parameters.paths.map(\.description)) == Set(wanted.keys))
        for (path, tensor) in model.parameters.entries {
            #expect(tensor.shape.dimensions == wanted[path.description]?["shape"]?.intArrayValue, "\(path)")
            #expect(
                SHA256.hexadecimal(try tensor.bytes()) == wanted[path.description]?["sha256"]?.stringValue,
                "\(path)")
        }
        #expect(model.parameters.elementCount == entry["elements"]?.intValue)
    }

    /// What was read and written again has the same arrays under the same layers' names, in every kind of file.
    @Test(arguments: ["nested.keras", "nested.h5", "frozen.h5", "eleven.keras"])
    func everyArrayGoesBack(_ name: String) throws {
        let folder = try TemporaryFolder()
        let (model, _) = try Converter().convert(read(Self.folder + name))
        let keras = try Export.keras(model)
        let layers = keras.layers.map {
            KerasLayerWeights(name: $0.name, className: $0.className, weights: $0.weights)
        }
        let (archive, older) = (folder.file("back.keras"), folder.file("back.h5"))
        try KerasArchiveWriter.write(layers: layers, config: keras.archiveConfig, to: archive)
        try KerasHDF5Writer.write(layers: layers, modelConfig: keras.legacyConfig, to: older)
        for path in [archive, older] {
            let (back, report) = try Converter().convert(read(path))
            #expect(report.plan.unused.isEmpty && back.parameters.count == model.parameters.count)
            for (path, tensor) in model.parameters.entries {
                let flat = ParameterPath(path.node.replacing(".", with: "_"), path.role)
                let found = try #require(back.parameters[flat], "\(path)")
                #expect(found.shape == tensor.shape)
                #expect(try found.bytes() == tensor.bytes(), "\(path)")
            }
        }
    }

    /// Without names to go by, order decides: first what learns, then the rest.
    @Test func orderDecidesWhereNamesSayNothing() throws {
        for name in ["nested.h5", "frozen.h5"] {
            let checkpoint = try read(Self.folder + name)
            let tensors = checkpoint.tensors.enumerated().map { index, tensor in
                CheckpointTensor(
                    name: tensor.name, elementType: tensor.elementType, shape: tensor.shape,
                    location: "/variable_\(index)"
                ) { () throws(ZooError) in try tensor.load() }
            }
            let nameless = try Checkpoint(
                format: checkpoint.format, path: nil, tensors: tensors, layers: checkpoint.layers,
                extras: checkpoint.extras)
            let (byOrder, _) = try Converter().convert(nameless)
            let (byName, _) = try Converter().convert(checkpoint)
            for (one, other) in zip(byOrder.parameters.entries, byName.parameters.entries) {
                #expect(one.path == other.path)
                #expect(try one.tensor.bytes() == other.tensor.bytes(), "\(name) \(one.path)")
            }
        }
    }

    @Test func shardsHoldWhatTheWholeFileHolds() throws {
        let shards = try read(Self.folder + "nested.weights.json")
        let archive = try read(Self.folder + "nested.keras")
        #expect(shards.format == .kerasWeights && shards.notes.contains { $0.contains("2 shards") })
        #expect(shards.tensors.map(\.name) == archive.tensors.map(\.name))
        for (part, whole) in zip(shards.tensors, archive.tensors) {
            #expect(try part.load().bytes() == whole.load().bytes(), "\(part.name)")
        }
        #expect(shards.extras["layer_names"] == archive.extras["layer_names"])
    }

    @Test func brokenShardsAreOneError() throws {
        let index = String(decoding: try TestFiles.read(Self.folder + "nested.weights.json"), as: UTF8.self)
        let folder = try TemporaryFolder()
        for name in ["nested_00000.weights.h5", "nested_00001.weights.h5"] {
            try TestFiles.write(TestFiles.read(Self.folder + name), to: folder.file(name))
        }
        func error(_ text: String) throws -> ZooError {
            try TestFiles.write(Array(text.utf8), to: folder.file("x.weights.json"))
            return try #require(throws: ZooError.self) { try read(folder.file("x.weights.json")) }
        }
        let missing = try error(index.replacing("nested_00001", with: "nested_00007"))
        #expect(missing.code == .fileNotFound && missing.file?.hasSuffix("nested_00007.weights.h5") == true)
        let outside = try error(
            index.replacing("nested_00001.weights.h5", with: "../nested_00001.weights.h5"))
        #expect(outside.code == .refused)
        let unknown = try error(index.replacing("/layers/dense/vars", with: "/layers/dense_9/vars"))
        #expect(unknown.code == .missingTensor && unknown.tensor == "/layers/dense_9/vars")
        let twice = folder.file("nested_00002.weights.h5")
        try TestFiles.write(TestFiles.read(Self.folder + "nested_00001.weights.h5"), to: twice)
        let again = index.replacing(
            "\"nested_00001.weights.h5\"", with: "\"nested_00001.weights.h5\", \"nested_00002.weights.h5\"")
        #expect(try error(again).problem.contains("same variable"))
        #expect(try error("{\"weight_map\": {}}").code == .corrupt)
        #expect(try error("{\"weight_map\": {\"/a/vars\": 7}}").code == .corrupt)
        #expect(try error("{\"weights\": 1}").code == .unknownFormat)
    }

    /// A layer with more variables than its configuration knows is never matched by luck.
    @Test func countsMustAgree() throws {
        let checkpoint = try read(Self.folder + "nested.keras")
        let layers = checkpoint.layers.map { layer in
            layer.name == "layers/dense"
                ? CheckpointLayer(name: layer.name, tensorNames: Array(layer.tensorNames.prefix(1))) : layer
        }
        let changed = try Checkpoint(
            format: checkpoint.format, path: nil, tensors: checkpoint.tensors, layers: layers,
            extras: checkpoint.extras)
        #expect { try Converter().plan(changed) } throws: { ($0 as? ZooError)?.tensor == "head" }
    }
}
