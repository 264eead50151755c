internal import ZooCheckpoints
public import ZooTensors

/// Writes Keras 3's `.weights.h5` (`keras.src.saving.saving_lib`), for `load_weights` of a Sequential or Functional
/// model: `layers/<class>_<n>/vars/<i>`, numbered per class in the model's order.
public enum KerasWeightsWriter {
    /// Writes a file.
    /// - Parameters:
    ///   - layers: All layers in the model's order; weights in Keras' layout and order. Layers of one class have to be
    ///     complete, because their paths are counted.
    ///   - path: The file, which Keras wants to end in `.weights.h5`.
    /// - Throws: ``ZooError`` for names that occur twice, for a class name without letters, and when writing fails;
    ///   then nothing new is left behind.
    public static func write(layers: [KerasLayerWeights], to path: String) throws(ZooError) {
        try KerasLayerWeights.check(layers, path: path)
        let file = try HDF5OutputFile(path: path)
        try write(layers, to: file, path: path)
        try file.commit()
    }

    /// Writes the groups of all layers.
    static func write(
        _ layers: [KerasLayerWeights], to file: HDF5OutputFile, path: String
    ) throws(ZooError) {
        var uses: [String: Int] = [:]
        for layer in layers {
            let base = KerasSnakeCase.name(layer.className)
            guard !base.isEmpty else {
                throw ZooError(
                    .invalidArgument, "a layer's class has no name", file: path, tensor: layer.name)
            }
            // `conv2d`, `conv2d_1`, `conv2d_2`: Keras' numbering in `_save_container_state`.
            let count = uses[base, default: 0]
            uses[base] = count + 1
            let vars = "/layers/\(count == 0 ? base : "\(base)_\(count)")/vars"
            try file.makeGroup(vars)
            try file.write(layer.name, attribute: "name", of: vars)
            for (position, weight) in layer.weights.enumerated() {
                try file.write(weight.tensor, to: "\(vars)/\(position)")
            }
        }
    }
}
