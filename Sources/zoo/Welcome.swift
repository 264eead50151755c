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
        let catalog = try? Catalog.embedded()
        let shipped = catalog?.builtIn.map(\.name) ?? []
        let known = catalog?.manifests.map(\.name).filter { !shipped.contains($0) } ?? []
        return """
            zoo \(number)
            engine    \(Engine.library), \(Engine.processorCount) processors
            formats   PyTorch (zip, stream, tar), Keras (HDF5 \(HDF5Indexer.libraryVersion)), safetensors, NumPy
            pictures  PNG, JPEG, IDX
            networks  \(networks)
            built in  \(shipped.joined(separator: ", "))
            by hash   \(known.joined(separator: ", "))
            """
    }

    /// A line for each family.
    private static var networks: String {
        var families: [String] = []
        for architecture in Architecture.all where !families.contains(architecture.family) {
            families.append(architecture.family)
        }
        return families.map { family in
            Architecture.all.filter { $0.family == family }.map(\.name).joined(separator: ", ")
        }.joined(separator: "\n" + String(repeating: " ", count: 10))
    }
}
