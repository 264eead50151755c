public import ZooTensors

/// Writes Keras' `.h5` (`keras.src.legacy.saving.legacy_h5_format`), which every version of Keras reads.
///
/// With a configuration the file is a whole model for `keras.models.load_model(path, compile=False)`, which
/// `load_weights` takes as well; without one it holds weights alone, for `load_weights`. Keras matches the layers of
/// such a file to a model's by their order.
public enum KerasHDF5Writer {
    /// The version that files name as their writer: the one that reading them back was tested with.
    public static let kerasVersion = "3.15.1"

    /// Writes a file.
    /// - Parameters:
    ///   - layers: All layers in the model's order, also those without weights; weights in Keras' layout.
    ///   - modelConfig: Keras' `{"class_name": …, "config": …}`; `nil` for weights alone.
    ///   - path: The file, which Keras wants to end in `.h5` or `.hdf5`, but not in `.weights.h5`.
    /// - Throws: ``ZooError`` for names that occur twice or that HDF5 can't express, and when writing fails; then
    ///   nothing new is left behind.
    public static func write(
        layers: [KerasLayerWeights], modelConfig: JSONValue?, to path: String
    ) throws(ZooError) {
        try KerasLayerWeights.check(layers, path: path)
        let file = try HDF5OutputFile(path: path)
        let root = modelConfig == nil ? "" : "/model_weights"
        if let modelConfig {
            try file.write(modelConfig.text(sortedKeys: false), attribute: "model_config", of: "/")
            try writeVersion(to: file, at: "/")
            try file.makeGroup(root)
        }
        try writeVersion(to: file, at: root.isEmpty ? "/" : root)
        try file.write(layers.map(\.name), attribute: "layer_names", of: root.isEmpty ? "/" : root)
        for layer in layers {
            let group = "\(root)/\(layer.name)"
            try file.makeGroup(group)
            // Relative to the layer's group, which repeats the layer's name, as in Keras' own files.
            let names = layer.weights.map { "\(layer.name)/\($0.name)" }
            try file.write(names, attribute: "weight_names", of: group)
            for (name, weight) in zip(names, layer.weights) {
                try file.write(weight.tensor, to: "\(group)/\(name)")
            }
        }
        try file.commit()
    }

    private static func writeVersion(to file: HDF5OutputFile, at object: String) throws(ZooError) {
        try file.write(kerasVersion, attribute: "keras_version", of: object)
        try file.write("tensorflow", attribute: "backend", of: object)
    }
}
