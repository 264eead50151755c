import ZooCheckpoints
import ZooConversion
import ZooHDF5Checkpoints
public import ZooModels
public import ZooTensors

/// A file format that a model can be written in.
public enum ExportFormat: String, Sendable, Hashable, CaseIterable {
    /// Menagerie's own: safetensors with the graph, labels and preprocessing in its metadata.
    case native
    /// A state dict that `torch.load(weights_only=True)` reads.
    case pytorch
    /// A state dict in safetensors.
    case safetensors
    /// A whole Keras model in HDF5, which `load_model` and `load_weights` read.
    case keras
    /// Keras 3's weights file.
    case kerasWeights = "keras-weights"

    /// The format that a file's name asks for, `nil` when its extension says nothing.
    public init?(path: String) {
        let name = path.lowercased()
        let endings: [(String, ExportFormat)] = [
            (".zoo.safetensors", .native), (".safetensors", .safetensors), (".pth", .pytorch),
            (".pt", .pytorch),
            (".weights.h5", .kerasWeights), (".h5", .keras), (".hdf5", .keras),
        ]
        guard let match = endings.first(where: { name.hasSuffix($0.0) }) else { return nil }
        self = match.1
    }

    /// The usual extension.
    public var fileExtension: String {
        switch self {
        case .native: ".zoo.safetensors"
        case .pytorch: ".pth"
        case .safetensors: ".safetensors"
        case .keras: ".h5"
        case .kerasWeights: ".weights.h5"
        }
    }
}

/// Writes models for other frameworks, and natively.
public enum ModelExporter {
    /// Writes a model; the name only ever shows a whole file.
    public static func write(_ model: Model, to path: String, format: ExportFormat) throws(ZooError) {
        do throws(ZooError) {
            switch format {
            case .native: try ModelFile.write(model, to: path)
            case .pytorch: try PyTorchWriter.write(Export.pytorch(model), to: path)
            case .safetensors:
                try SafetensorsWriter.write(Export.pytorch(model), metadata: ["format": "pt"], to: path)
            case .keras:
                let (layers, config) = try Export.keras(model)
                try KerasHDF5Writer.write(layers: layers.map(weights), modelConfig: config, to: path)
            case .kerasWeights:
                try KerasWeightsWriter.write(layers: try Export.keras(model).layers.map(weights), to: path)
            }
        } catch {
            throw error.adding(file: path)
        }
    }

    private static func weights(_ layer: Export.KerasLayer) -> KerasLayerWeights {
        KerasLayerWeights(name: layer.name, className: layer.className, weights: layer.weights)
    }
}
