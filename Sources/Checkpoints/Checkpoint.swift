public import ZooTensors

/// The file format that a checkpoint was read from.
public enum CheckpointFormat: String, Sendable, Hashable, CaseIterable {
    /// `torch.save` since PyTorch 1.6: a zip archive.
    case pytorchZip = "pytorch-zip"
    /// `torch.save` before that: five pickles and raw storages in one stream.
    case pytorchLegacy = "pytorch-legacy"
    /// `torch.save` before PyTorch 0.2: a tar archive.
    case pytorchTar = "pytorch-tar"
    /// Hugging Face's safetensors.
    case safetensors
    /// `np.savez`: NPY arrays in a zip archive.
    case npz
    /// Keras' `.h5`: `layer_names` and `weight_names` attributes, with or without `model_config`.
    case kerasHDF5 = "keras-hdf5"
    /// Keras 3's `.weights.h5`: `layers/<class>/vars/<i>`.
    case kerasWeights = "keras-weights"

    /// The format's name for a person.
    public var title: String {
        switch self {
        case .pytorchZip: "PyTorch (zip)"
        case .pytorchLegacy: "PyTorch (older stream format)"
        case .pytorchTar: "PyTorch (oldest format, tar)"
        case .safetensors: "safetensors"
        case .npz: "NumPy arrays"
        case .kerasHDF5: "Keras HDF5"
        case .kerasWeights: "Keras 3 weights (HDF5)"
        }
    }
}

/// One tensor of a checkpoint: known by name, type and shape, its bytes read on demand.
public struct CheckpointTensor: Sendable {
    /// The key that the file gives it, after shared prefixes were stripped.
    public let name: String
    /// Type of the elements in the file. Where ``typeName`` is of a type that Menagerie doesn't have, this is some
    /// type of the same width, and loading throws.
    public let elementType: ElementType
    /// The file's own name for the type of the elements, when it is one that Menagerie doesn't have: `complex64`.
    public let typeName: String?
    /// Extents in the file's own layout.
    public let shape: TensorShape
    /// Where in the file it comes from, for reports: a member, a dataset path.
    public let location: String?
    /// Equal for tensors that share a storage in the file (tied weights, views); `nil` when the format has no such
    /// notion.
    public let storageKey: String?
    private let loader: @Sendable () throws(ZooError) -> Tensor

    /// Describes a tensor whose bytes `load` reads.
    public init(
        name: String, elementType: ElementType, shape: TensorShape, typeName: String? = nil,
        location: String? = nil, storageKey: String? = nil,
        load: @escaping @Sendable () throws(ZooError) -> Tensor
    ) {
        self.name = name
        self.elementType = elementType
        self.shape = shape
        self.typeName = typeName
        self.location = location
        self.storageKey = storageKey
        self.loader = load
    }

    /// Describes a tensor that is in memory already.
    public init(name: String, tensor: Tensor) {
        self.init(name: name, elementType: tensor.elementType, shape: tensor.shape) { () throws(ZooError) in
            tensor
        }
    }

    /// Reads the tensor.
    /// - Throws: ``ZooError`` that names the tensor.
    public func load() throws(ZooError) -> Tensor {
        do {
            return try loader()
        } catch {
            throw error.adding(tensor: name)
        }
    }

    /// The same tensor under another key.
    public func renamed(_ name: String) -> CheckpointTensor {
        CheckpointTensor(
            name: name, elementType: elementType, shape: shape, typeName: typeName, location: location,
            storageKey: storageKey, load: loader)
    }
}

/// A layer as Keras files group weights: its name and its tensors' keys, both in the file's order.
public struct CheckpointLayer: Sendable, Hashable {
    /// The layer's name (its path for `.weights.h5`).
    public let name: String
    /// Keys of its tensors, in the layer's own variable order; empty for a layer without weights.
    public let tensorNames: [String]

    /// Describes a layer.
    public init(name: String, tensorNames: [String]) {
        self.name = name
        self.tensorNames = tensorNames
    }
}

/// What a checkpoint file holds: an ordered table of named lazy tensors plus inert extras. It knows bytes and
/// names, never layers of a network.
public struct Checkpoint: Sendable {
    /// The format it was read from.
    public let format: CheckpointFormat
    /// Path of the file.
    public let path: String?
    /// The tensors in the file's order; keys are unique.
    public let tensors: [CheckpointTensor]
    /// Layers in file order, for formats that group tensors (Keras); else empty.
    public let layers: [CheckpointLayer]
    /// Everything else that the file carries (epoch, hyper-parameters, `model_config`, metadata), as inert values.
    /// A value of an unknown class is `{"class": name, "opaque": true}`.
    public let extras: JSONObject
    /// What the reader did that a person should know, one sentence each: "stripped the prefix module.".
    public let notes: [String]
    /// Those notes that warn: what the file would have had Python run.
    public let warnings: [String]
    private let positions: [String: Int]

    /// Makes a checkpoint.
    /// - Throws: ``ZooError`` when two tensors have the same key.
    public init(
        format: CheckpointFormat, path: String?, tensors: [CheckpointTensor], layers: [CheckpointLayer] = [],
        extras: JSONObject = [:], notes: [String] = [], warnings: [String] = []
    ) throws(ZooError) {
        var positions: [String: Int] = [:]
        for (position, tensor) in tensors.enumerated() {
            guard positions.updateValue(position, forKey: tensor.name) == nil else {
                throw ZooError(.corrupt, "two tensors have the same key", file: path, tensor: tensor.name)
            }
        }
        self.format = format
        self.path = path
        self.tensors = tensors
        self.layers = layers
        self.extras = extras
        self.notes = notes
        self.warnings = warnings
        self.positions = positions
    }

    /// The tensor with a key.
    public subscript(name: String) -> CheckpointTensor? { positions[name].map { tensors[$0] } }
}
