internal import ZooContainers
package import ZooTensors

/// Networks as their own libraries have them (tools/goldens/architectures/make_structures.py).
package struct Structure: Sendable, CustomStringConvertible {
    /// Our name of the network.
    package let architecture: String
    /// Whose network it is.
    package let dialect: String
    /// Side of the pictures.
    package let size: Int
    /// Learned elements.
    package let parameters: Int
    /// Of convolutions and linear layers.
    package let multiplyAdds: Int
    /// The state dict in order.
    package let entries: [(name: String, shape: TensorShape)]
    /// Modules without children: class, numbers, shape of the first result.
    package let modules: JSONObject

    package var description: String { "\(architecture) of \(dialect)" }

    /// Every network of the fixture.
    package static let all: [Structure] = {
        let path = TestFiles.path("tools/goldens/architectures/structures.json.gz")
        guard let bytes = try? TestFiles.read(path),
            let plain = try? Gzip.decompress(ByteSource(bytes: bytes), limits: ReadLimits()),
            let models = try? JSONParser.parse(plain)["models"]?.arrayValue
        else { return [] }
        return models.compactMap(Structure.init)
    }()

    /// The one of a library.
    package static func named(_ architecture: String, _ dialect: String = "torchvision") -> Structure? {
        all.first { $0.architecture == architecture && $0.dialect == dialect }
    }

    private init?(_ json: JSONValue) {
        guard let architecture = json["architecture"]?.stringValue,
            let dialect = json["dialect"]?.stringValue,
            let size = json["size"]?.intValue, let parameters = json["parameters"]?.intValue,
            let multiplyAdds = json["multiply_adds"]?.intValue, let entries = json["entries"]?.arrayValue
        else { return nil }
        self.architecture = architecture
        self.dialect = dialect
        self.size = size
        self.parameters = parameters
        self.multiplyAdds = multiplyAdds
        self.modules = json["modules"]?.objectValue ?? JSONObject()
        var list: [(String, TensorShape)] = []
        for entry in entries {
            guard let pair = entry.arrayValue, let name = pair.first?.stringValue,
                let shape = pair.last?.intArrayValue
            else { return nil }
            list.append((name, TensorShape(shape)))
        }
        self.entries = list
    }
}
