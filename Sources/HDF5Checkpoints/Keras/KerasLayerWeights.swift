public import ZooCheckpoints
internal import ZooTensors

/// A layer as Keras files keep it: its name, its class, and its weights in Keras' layout and order.
public struct KerasLayerWeights: Sendable {
    /// The layer's name, `conv1`.
    public let name: String
    /// Keras' class, `Conv2D`; the paths of a `.weights.h5` are made from it.
    public let className: String
    /// The weights in Keras' order (trainable ones first), named as Keras names them (`kernel`, `bias`, `gamma`, …);
    /// empty for a layer without weights.
    public let weights: [NamedTensor]

    /// Describes a layer.
    public init(name: String, className: String, weights: [NamedTensor]) {
        self.name = name
        self.className = className
        self.weights = weights
    }

    /// Refuses what HDF5 paths can't express, and names that occur twice.
    static func check(_ layers: [KerasLayerWeights], path: String) throws(ZooError) {
        var names: Set<String> = []
        for layer in layers {
            try check(layer.name, path: path)
            guard names.insert(layer.name).inserted else {
                throw ZooError(
                    .invalidArgument, "two layers have the same name", file: path, tensor: layer.name)
            }
            var weightNames: Set<String> = []
            for weight in layer.weights {
                try check(weight.name, path: path)
                guard weightNames.insert(weight.name).inserted else {
                    throw ZooError(
                        .invalidArgument, "two weights of a layer have the same name", file: path,
                        tensor: "\(layer.name)/\(weight.name)")
                }
            }
        }
    }

    private static func check(_ name: String, path: String) throws(ZooError) {
        let components = name.split(separator: "/", omittingEmptySubsequences: false)
        guard !components.contains(where: { $0.isEmpty || $0 == "." }), !name.utf8.contains(0) else {
            throw ZooError(
                .invalidArgument, "a layer or weight has a name that HDF5 can't express", file: path,
                tensor: name)
        }
    }
}
