public import ZooCheckpoints
import ZooLayerGraphs
public import ZooModels
public import ZooTensors

/// The way out: a model's tensors as another framework names and lays them out.
public enum Export {
    /// A PyTorch state dict: the keys of the PyTorch file that the model came from, else canonical paths.
    /// - Parameter canonical: canonical paths in any case, torchvision's names where it has the network.
    public static func pytorch(_ model: Model, canonical: Bool = false) -> [NamedTensor] {
        let ownKeys = !canonical && model.provenance.dialect == Framework.pytorch.rawValue
        return model.parameters.entries.map { path, tensor in
            NamedTensor(ownKeys ? model.keys[path] ?? path.description : path.description, tensor)
        }
    }

    /// A layer as Keras keeps it.
    public struct KerasLayer: Sendable {
        /// The layer's name.
        public let name: String
        /// Keras' class, `Conv2D`.
        public let className: String
        /// The layer's configuration, with every number stated.
        public let config: JSONObject
        /// `kernel` and `bias` in Keras' layout; empty for layers without weights.
        public let weights: [NamedTensor]
    }

    /// The model as a Keras Sequential: its layers, and the `model_config` that rebuilds it.
    /// - Throws: ``ZooError`` for what a Sequential can't express.
    public static func keras(_ model: Model) throws(ZooError) -> (
        layers: [KerasLayer], modelConfig: JSONValue
    ) {
        let layers = try KerasExport(model: model).layers()
        let input = model.graph.input
        let inputLayer: JSONValue = [
            "class_name": "InputLayer",
            "config": [
                "batch_shape": [
                    .null, .integer(input.height), .integer(input.width), .integer(input.channels),
                ],
                "dtype": "float32", "name": "input",
            ],
        ]
        let described: [JSONValue] = layers.map { layer in
            ["class_name": .string(layer.className), "config": .object(layer.config)]
        }
        let config: JSONValue = [
            "class_name": "Sequential",
            "config": [
                "name": .string(model.graph.architecture.replacing("-", with: "_")),
                "layers": .array([inputLayer] + described),
            ],
        ]
        return (layers, config)
    }
}
