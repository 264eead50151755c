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
    /// Keras 3's `.keras`: a zip with the configuration and a `.weights.h5`.
    case kerasArchive = "keras-archive"

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
        case .kerasArchive: "Keras 3 archive"
        }
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
    /// Path of the file, or of the folder or index that names several.
    public let path: String?
    /// Paths of all files that were read, where they are several; else empty.
    public let files: [String]
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
        extras: JSONObject = [:], notes: [String] = [], warnings: [String] = [], files: [String] = []
    ) throws(ZooError) {
        var positions = [String: Int](minimumCapacity: tensors.count)
        for (position, tensor) in tensors.enumerated() {
            guard positions.updateValue(position, forKey: tensor.name) == nil else {
                throw ZooError(.corrupt, "two tensors have the same key", file: path, tensor: tensor.name)
            }
        }
        self.format = format
        self.path = path
        self.files = files
        self.tensors = tensors
        self.layers = layers
        self.extras = extras
        self.notes = notes
        self.warnings = warnings
        self.positions = positions
    }

    /// The tensor with a key.
    public subscript(name: String) -> CheckpointTensor? { positions[name].map { tensors[$0] } }

    /// The same checkpoint with other tensors, extras or notes.
    /// - Throws: ``ZooError`` when two tensors have the same key.
    public func with(
        path: String? = nil, tensors: [CheckpointTensor]? = nil, extras: JSONObject? = nil,
        notes: [String]? = nil, files: [String]? = nil
    ) throws(ZooError) -> Checkpoint {
        try Checkpoint(
            format: format, path: path ?? self.path, tensors: tensors ?? self.tensors, layers: layers,
            extras: extras ?? self.extras, notes: notes ?? self.notes, warnings: warnings,
            files: files ?? self.files)
    }
}
