public import ZooLayerGraphs
public import ZooTensors

/// What the catalogue knows of one model with one set of weights, schema `menagerie/manifest/1`.
public struct Manifest: Sendable, Hashable {
    /// The name that commands take.
    public let name: String
    /// One line for people.
    public let title: String
    /// The architecture's name.
    public let architecture: String
    /// Side of the pictures.
    public let inputSize: Int
    /// Name under which the weights circulate.
    public let fileName: String
    /// Bytes of that file.
    public let byteCount: Int
    /// Its SHA-256, lower-case hexadecimal.
    public let sha256: String
    /// Names of the classes, in the order of the head's rows.
    public let labels: [String]
    /// What turns a picture into the network's input.
    public let preprocessing: Preprocessing

    /// Reads a manifest.
    public init(_ bytes: [UInt8]) throws(ZooError) {
        let json = try JSONParser.parse(bytes)
        guard json["schema"]?.stringValue == "menagerie/manifest/1", let name = json["name"]?.stringValue,
            let title = json["title"]?.stringValue, let architecture = json["architecture"]?.stringValue,
            let inputSize = json["input_size"]?.intValue, let file = json["file"],
            let fileName = file["name"]?.stringValue, let byteCount = file["bytes"]?.intValue,
            let sha256 = file["sha256"]?.stringValue, let preprocessing = json["preprocessing"],
            let labels = json["labels"]?.arrayValue?.compactMap(\.stringValue)
        else { throw ZooError(.corrupt, "a manifest of the catalogue is incomplete") }
        self.name = name
        self.title = title
        self.architecture = architecture
        self.inputSize = inputSize
        self.fileName = fileName
        self.byteCount = byteCount
        self.sha256 = sha256
        self.labels = labels
        self.preprocessing = try Preprocessing(json: preprocessing)
    }
}
