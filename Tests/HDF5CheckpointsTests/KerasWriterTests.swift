import Foundation
import Testing
import ZooCheckpoints
import ZooHDF5Checkpoints
import ZooTensors
import ZooTestSupport

/// A small network with a layer of each kind that matters to a writer: with two and four weights, without any, and
/// two of one class.
enum SmallNetwork {
    static func layers() throws -> [KerasLayerWeights] {
        [
            try layer("conv", "Conv2D", ["kernel": [3, 3, 1, 2], "bias": [2]], 0),
            try layer(
                "bn", "BatchNormalization",
                ["gamma": [2], "beta": [2], "moving_mean": [2], "moving_variance": [2]], 100),
            try layer("act", "ReLU", [:], 0),
            try layer("flat", "Flatten", [:], 0),
            try layer("hidden", "Dense", ["kernel": [8, 5], "bias": [5]], 200),
            try layer("top", "Dense", ["kernel": [5, 3], "bias": [3]], 300),
        ]
    }

    static func layer(
        _ name: String, _ className: String, _ weights: KeyValuePairs<String, TensorShape>, _ start: Int
    ) throws -> KerasLayerWeights {
        var next = start
        let tensors = try weights.map { name, shape in
            let values = (0..<shape.elementCount).map { Float(next + $0) / 64 }
            next += shape.elementCount
            return NamedTensor(name, try Tensor(values, shape: shape))
        }
        return KerasLayerWeights(name: name, className: className, weights: tensors)
    }

    static let config: JSONValue = [
        "class_name": "Sequential",
        "config": [
            "name": "small",
            "layers": [
                ["class_name": "InputLayer", "config": ["batch_shape": [.null, 4, 4, 1], "name": "input"]],
                [
                    "class_name": "Conv2D",
                    "config": ["name": "conv", "filters": 2, "kernel_size": [3, 3], "padding": "valid"],
                ],
                ["class_name": "BatchNormalization", "config": ["name": "bn", "epsilon": 0.001]],
                ["class_name": "ReLU", "config": ["name": "act"]],
                ["class_name": "Flatten", "config": ["name": "flat"]],
                ["class_name": "Dense", "config": ["name": "hidden", "units": 5, "activation": "tanh"]],
                ["class_name": "Dense", "config": ["name": "top", "units": 3]],
            ],
        ],
    ]
}

@Suite struct KerasWriterTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func expect(_ checkpoint: Checkpoint, holds layers: [KerasLayerWeights]) throws {
        let wanted = layers.flatMap(\.weights).map(\.tensor)
        #expect(checkpoint.tensors.count == wanted.count)
        for (found, tensor) in zip(checkpoint.tensors, wanted) {
            #expect(found.shape == tensor.shape && found.elementType == tensor.elementType)
            #expect(try found.load().bytes() == tensor.bytes(), "\(found.name)")
        }
    }

    @Test func legacyRoundTrip() throws {
        let layers = try SmallNetwork.layers()
        for config in [nil, SmallNetwork.config] {
            let path = folder.file(config == nil ? "weights.h5" : "model.h5")
            try KerasHDF5Writer.write(layers: layers, modelConfig: config, to: path)
            let checkpoint = try KerasHDF5Reader.read(path: path, isolation: Helper.isolation)
            #expect(checkpoint.format == .kerasHDF5)
            #expect(checkpoint.layers.map(\.name) == layers.map(\.name))
            #expect(checkpoint.tensors.first?.name == "conv/kernel")
            #expect(checkpoint.extras["model_config"] == config)
            #expect(checkpoint.extras["keras_version"] != nil && checkpoint.extras["backend"] == "tensorflow")
            try expect(checkpoint, holds: layers)
        }
    }

    @Test func weightsFileRoundTrip() throws {
        let layers = try SmallNetwork.layers()
        let path = folder.file("x.weights.h5")
        try KerasWeightsWriter.write(layers: layers, to: path)
        let checkpoint = try KerasHDF5Reader.read(path: path, isolation: Helper.isolation)
        #expect(checkpoint.format == .kerasWeights)
        // In natural order of the paths: batch_normalization, conv2d, dense, dense_1, flatten, re_lu.
        try expect(checkpoint, holds: [layers[1], layers[0], layers[4], layers[5]])
        #expect(checkpoint["layers/dense_1/vars/0"]?.shape == [5, 3])
        #expect(checkpoint.extras["layer_names"]?["layers/dense_1"] == "top")
        #expect(checkpoint.layers.map(\.name).contains("layers/re_lu"))
    }

    @Test func archiveRoundTrip() throws {
        let layers = try SmallNetwork.layers()
        let path = folder.file("x.keras")
        try KerasArchiveWriter.write(layers: layers, config: SmallNetwork.config, to: path)
        let checkpoint = try KerasHDF5Reader.read(path: path, isolation: Helper.isolation)
        #expect(checkpoint.format == .kerasArchive)
        try expect(checkpoint, holds: [layers[1], layers[0], layers[4], layers[5]])
        #expect(checkpoint.extras["model_config"] == SmallNetwork.config)
        #expect(checkpoint.extras["keras_version"]?.stringValue == KerasHDF5Writer.kerasVersion)
        #expect(checkpoint.extras["layer_names"]?["layers/dense_1"] == "top")
        // Equal models give equal files, and nothing else is left beside them.
        try KerasArchiveWriter.write(layers: layers, config: SmallNetwork.config, to: folder.file("y.keras"))
        #expect(try TestFiles.read(path) == TestFiles.read(folder.file("y.keras")))
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        #expect(names == ["x.keras", "y.keras"])
        // The weights are as they stand, where a reader that maps the file can use them.
        let text = try TestFiles.read(path)
        #expect(text.starts(with: [0x50, 0x4B, 3, 4]))
    }

    @Test func everyElementType() throws {
        let bits = try Tensor((0..<64).map { UInt8($0 * 4 % 120) }, shape: [64])
        let known = ElementType.allCases.filter { !$0.isComplex && ($0.byteCount > 1 || !$0.isFloatingPoint) }
        let weights = try known.map { type in
            let count = 64 / type.byteCount
            let bytes = type == .bool ? try Tensor((0..<64).map { UInt8($0 % 2) }, shape: [64]) : bits
            let tensor = try Tensor(storage: bytes.storage, elementType: type, shape: [2, count / 2])
            return NamedTensor(type.rawValue, tensor)
        }
        let extreme = [
            NamedTensor("scalar", try Tensor([Float(7)], shape: [])),
            NamedTensor("empty", try Tensor([Float](), shape: [3, 0])),
            NamedTensor("view", try Tensor((0..<6).map { Float($0) }, shape: [2, 3]).permuted([1, 0])),
        ]
        let layers = [KerasLayerWeights(name: "all", className: "Thing", weights: weights + extreme)]
        for name in ["all.h5", "all.weights.h5"] {
            let path = folder.file(name)
            if name == "all.h5" {
                try KerasHDF5Writer.write(layers: layers, modelConfig: nil, to: path)
            } else {
                try KerasWeightsWriter.write(layers: layers, to: path)
            }
            try expect(try KerasHDF5Reader.read(path: path, isolation: Helper.isolation), holds: layers)
        }
    }

    @Test func longListsOfNamesAreCut() throws {
        // 700 × 120 bytes of layer names, and 9 × 9000 bytes of weight names in one layer.
        let layers = try (0..<700).map { index in
            let name = String("layer_\(1000 + index)_" + String(repeating: "x", count: 108))
            return try SmallNetwork.layer(name, "Dense", index == 3 ? ["kernel": [1]] : [:], index)
        }
        let many = KerasLayerWeights(
            name: "many", className: "Dense",
            weights: try (0..<9).map { index in
                NamedTensor(
                    String(repeating: "y", count: 9000) + "\(index)", try Tensor([Float(index)], shape: [1]))
            })
        let path = folder.file("long.h5")
        try KerasHDF5Writer.write(layers: layers + [many], modelConfig: nil, to: path)
        let index = try HDF5Index.read(path: path, isolation: Helper.isolation)
        let root = try #require(index[""])
        #expect(root[attribute: "layer_names"] == nil && root[attribute: "layer_names1"] != nil)
        let checkpoint = try KerasHDF5Reader.read(path: path, isolation: Helper.isolation)
        #expect(checkpoint.layers.map(\.name) == layers.map(\.name) + ["many"])
        #expect(checkpoint.tensors.count == 10)
        try expect(checkpoint, holds: [layers[3], many])
    }

    @Test func theSameWeightsGiveTheSameBytes() throws {
        let layers = try SmallNetwork.layers()
        for name in ["a.h5", "b.h5"] {
            try KerasHDF5Writer.write(layers: layers, modelConfig: SmallNetwork.config, to: folder.file(name))
        }
        #expect(try TestFiles.read(folder.file("a.h5")) == TestFiles.read(folder.file("b.h5")))
    }

    @Test func nothingHalfWrittenIsLeft() throws {
        let path = folder.file("kept.h5")
        try KerasHDF5Writer.write(layers: try SmallNetwork.layers(), modelConfig: nil, to: path)
        let before = try TestFiles.read(path)
        // A weight's path that goes through another weight, which only libhdf5 notices.
        let broken = try SmallNetwork.layer("a", "Dense", ["kernel": [1], "kernel/inner": [1]], 0)
        let late = try #require(throws: ZooError.self) {
            try KerasHDF5Writer.write(layers: [broken], modelConfig: nil, to: path)
        }
        #expect(late.code == .systemFailure && late.file == path)
        #expect(try TestFiles.read(path) == before)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["kept.h5"])

        let layers = try SmallNetwork.layers()
        for (path, code) in [
            (folder.path, ZooError.Code.notAFile), (folder.file("no/where.h5"), .systemFailure),
        ] {
            let error = try #require(throws: ZooError.self) {
                try KerasWeightsWriter.write(layers: layers, to: path)
            }
            #expect(error.code == code)
        }
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode.map { $0 & 0o444 } != 0o400)
    }

    @Test func namesThatCannotBeWrittenAreRefused() throws {
        for name in ["", "/a", "a/", "a//b", ".", "a/./b", "a\0b"] {
            let layer = KerasLayerWeights(name: name, className: "Dense", weights: [])
            let error = try #require(throws: ZooError.self) {
                try KerasHDF5Writer.write(layers: [layer], modelConfig: nil, to: folder.file("x.h5"))
            }
            #expect(error.code == .invalidArgument)
        }
        let layer = KerasLayerWeights(name: "a", className: "Dense", weights: [])
        let twice = try #require(throws: ZooError.self) {
            try KerasWeightsWriter.write(layers: [layer, layer], to: folder.file("x.weights.h5"))
        }
        #expect(twice.code == .invalidArgument)
    }

    /// Expected values from keras.src.utils.naming.to_snake_case, Keras 3.15.1.
    @Test(arguments: [
        ("Conv2D", "conv2d"), ("BatchNormalization", "batch_normalization"), ("ReLU", "re_lu"),
        ("PReLU", "p_re_lu"),
        ("DepthwiseConv2D", "depthwise_conv2d"), ("LeakyReLU", "leaky_re_lu"),
        ("Conv2DTranspose", "conv2d_transpose"),
        ("GlobalAveragePooling2D", "global_average_pooling2d"), ("MaxPooling2D", "max_pooling2d"),
        ("InputLayer", "input_layer"), ("LSTM", "lstm"), ("GRUCell", "gru_cell"),
        ("RMSNormalization", "rms_normalization"),
        ("ABcDeF", "a_bc_de_f"), ("my_Layer", "my__layer"), ("Add", "add"),
        ("HTMLParser2Go", "html_parser2_go"),
        ("A.B-c D", "a_bc_d"), ("ELU", "elu"), ("ZeroPadding2D", "zero_padding2d"), ("x", "x"),
    ])
    func snakeCase(_ className: String, _ expected: String) throws {
        let path = folder.file("s.weights.h5")
        let layer = KerasLayerWeights(name: "a", className: className, weights: [])
        try KerasWeightsWriter.write(layers: [layer], to: path)
        let index = try HDF5Index.read(path: path, isolation: Helper.isolation)
        #expect(index["/layers/\(expected)/vars"] != nil)
    }
}
