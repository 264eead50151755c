internal import ZooContainers
public import ZooTensors

/// Writes Keras 3's `.keras` (`keras.src.saving.saving_lib`) for `keras.models.load_model`: a zip with the
/// configuration, the variables as a `.weights.h5`, and the version. Equal models give equal files: the date in it is
/// the earliest that a zip can have.
public enum KerasArchiveWriter {
    /// Writes a file.
    /// - Parameters:
    ///   - layers: All layers as Keras' `model.layers` lists them; weights in Keras' layout and order.
    ///   - config: Keras' `{"module": …, "class_name": …, "config": …}`.
    ///   - path: The file, which Keras wants to end in `.keras`.
    /// - Throws: ``ZooError`` for names that occur twice or that HDF5 can't express, and when writing fails; then
    ///   nothing new is left behind.
    public static func write(
        layers: [KerasLayerWeights], config: JSONValue, to path: String
    ) throws(ZooError) {
        try KerasLayerWeights.check(layers, path: path)
        let weights = try HDF5OutputFile(path: path)
        try KerasWeightsWriter.write(layers, to: weights, path: path)
        let contents = try weights.contents()
        let zip = try ZipWriter(path: path)
        let metadata: JSONValue = [
            "keras_version": .string(KerasHDF5Writer.kerasVersion), "date_saved": "1980-01-01@00:00:00",
        ]
        try zip.add("metadata.json", Array(metadata.text(sortedKeys: false).utf8))
        try zip.add("config.json", Array(config.text(sortedKeys: false).utf8))
        try zip.add("model.weights.h5", copying: contents)
        try zip.finish()
    }
}
