import Menagerie

/// What `zoo` says when it is called with nothing.
enum Welcome {
    static let text = """
        zoo converts, runs and fine-tunes trained vision models. To begin:
          zoo inspect FILE                           what is in .pth, .h5, .safetensors
          zoo convert FILE -o MODEL.zoo.safetensors  turn it into a native model
          zoo summary MODEL                          its layers, shapes, parameters
          zoo --help                                 every command, with an example
        """
}

/// The version of the command, and what it is made of.
enum Version {
    static let number = "0.1.0"

    static var text: String {
        let shipped = (try? Catalog.embedded().manifests.map(\.name)) ?? []
        return """
            zoo \(number)
            engine    \(Engine.library), \(Engine.processorCount) processors
            formats   PyTorch (zip, stream, tar), Keras (HDF5 \(HDF5Indexer.libraryVersion)), safetensors, NumPy
            pictures  PNG, JPEG, IDX
            networks  \(Architecture.all.map(\.name).joined(separator: ", "))
            built in  \(shipped.joined(separator: ", "))
            """
    }
}
