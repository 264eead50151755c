/// A file format that a model can be written in.
public enum ExportFormat: String, Sendable, Hashable, CaseIterable {
    /// Menagerie's own: safetensors with the graph, labels and preprocessing in its metadata.
    case native
    /// A state dict that `torch.load(weights_only=True)` reads.
    case pytorch
    /// A state dict in safetensors.
    case safetensors
    /// A state dict as NumPy arrays.
    case npz
    /// A folder with `model.safetensors` and timm's `config.json`.
    case timm
    /// A whole Keras 3 model, which `load_model` reads.
    case kerasArchive = "keras-archive"
    /// A whole Keras model in HDF5, which `load_model` and `load_weights` read.
    case keras
    /// Keras 3's weights file.
    case kerasWeights = "keras-weights"

    /// The format that a file's name asks for, `nil` when its extension says nothing.
    public init?(path: String) {
        let name = path.lowercased()
        let endings: [(String, ExportFormat)] = [
            (".zoo.safetensors", .native), (".safetensors", .safetensors), (".pth", .pytorch),
            (".pt", .pytorch), (".npz", .npz), (".keras", .kerasArchive), (".weights.h5", .kerasWeights),
            (".h5", .keras),
            (".hdf5", .keras),
        ]
        guard let match = endings.first(where: { name.hasSuffix($0.0) }) else { return nil }
        self = match.1
    }

    /// The usual extension; none for a folder.
    public var fileExtension: String {
        switch self {
        case .native: ".zoo.safetensors"
        case .pytorch: ".pth"
        case .safetensors: ".safetensors"
        case .npz: ".npz"
        case .timm: ""
        case .kerasArchive: ".keras"
        case .keras: ".h5"
        case .kerasWeights: ".weights.h5"
        }
    }

    /// Whether Keras reads it.
    public var isKeras: Bool { [.keras, .kerasArchive, .kerasWeights].contains(self) }
}
