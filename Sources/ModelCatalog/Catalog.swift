import ZooContainers
public import ZooTensors

/// The models that the binary knows: manifests, and the weights that are small enough to ship inside.
public struct Catalog: Sendable {
    /// Every manifest.
    public let manifests: [Manifest]
    private let weights: [String: [UInt8]]

    /// Those of the models that can be opened by their names alone; others are recognised by their files' hashes.
    public var builtIn: [Manifest] { manifests.filter { weights[$0.fileName] != nil } }

    /// The catalogue inside this binary.
    public static func embedded() throws(ZooError) -> Catalog { try shipped.get() }

    private static let shipped = Result { () throws(ZooError) in try readEmbedded() }

    private static func readEmbedded() throws(ZooError) -> Catalog {
        var manifests: [Manifest] = []
        var weights: [String: [UInt8]] = [:]
        for file in EmbeddedFile.all() {
            if file.name.hasPrefix("manifests/") {
                manifests.append(try Manifest(file.bytes))
            } else if file.name.hasPrefix("weights/") {
                weights[String(file.name.dropFirst("weights/".count))] = file.bytes
            }
        }
        return Catalog(manifests: manifests, weights: weights)
    }

    /// The manifest of a model that can be opened by its name alone, with its weights.
    public func model(named name: String) -> (manifest: Manifest, weights: ByteSource)? {
        guard let manifest = manifests.first(where: { $0.name == name }),
            let bytes = weights[manifest.fileName]
        else { return nil }
        return (manifest, ByteSource(bytes: bytes, path: name))
    }

    /// The manifest whose weights a file holds, recognised by size and hash.
    public func manifest(of source: ByteSource) throws(ZooError) -> Manifest? {
        let candidates = manifests.filter { $0.byteCount == source.count }
        if candidates.isEmpty { return nil }
        let hash = try SHA256Digest.hexadecimal(of: source)
        return candidates.first { $0.sha256 == hash }
    }
}
