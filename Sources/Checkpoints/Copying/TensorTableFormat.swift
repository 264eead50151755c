public import ZooTensors

/// A format that holds a plain table of named tensors in PyTorch's layouts.
public enum TensorTableFormat: String, Sendable, Hashable, CaseIterable {
    case pytorch
    case safetensors
    case npz

    /// The table format that a checkpoint's file has; `nil` for Keras', whose layouts are others.
    public init?(_ format: CheckpointFormat) {
        switch format {
        case .pytorchZip, .pytorchLegacy, .pytorchTar: self = .pytorch
        case .safetensors: self = .safetensors
        case .npz: self = .npz
        case .kerasHDF5, .kerasWeights, .kerasArchive: return nil
        }
    }
}

/// A copy with the file that it goes to.
public struct TensorCopyOutput: Sendable {
    /// What is copied.
    public let copy: TensorCopy
    /// The format that is written.
    public let format: TensorTableFormat
    /// How a safetensors file is split, if it may be.
    private let shards: SafetensorsShards?
    private let path: String
    private let metadata: [String: String]
    private let versions: [PyTorchWriter.ModuleVersion]
    /// The copy's notes, and what of the source's extras the format has no place for.
    public let notes: [String]

    /// Plans the output, and refuses what the format can't hold.
    /// - Parameters:
    ///   - checkpoint: the source.
    ///   - maximumShardByteCount: how many bytes of tensors a safetensors file may hold.
    ///   - descriptionKey: under which metadata a native file describes the model whose tensors these are.
    public init(
        _ copy: TensorCopy, of checkpoint: Checkpoint, format: TensorTableFormat, path: String,
        maximumShardByteCount: Int? = nil, describedBy descriptionKey: String? = nil
    ) throws(ZooError) {
        self.copy = copy
        self.format = format
        self.path = path
        let targets = copy.entries.map(\.target)
        for tensor in targets { try format.check(tensor, path: path) }
        shards = try maximumShardByteCount.map { (most) throws(ZooError) in
            try SafetensorsShards(targets, path: path, maximumByteCount: most)
        }
        var notes = copy.notes
        var extras = checkpoint.extras
        if let descriptionKey, !copy.keepsNames, var texts = extras["__metadata__"]?.objectValue,
            texts[descriptionKey] != nil
        {
            texts[descriptionKey] = nil
            extras["__metadata__"] = .object(texts)
            notes.append("left out the model's description, which is of tensors with the names of before")
        }
        let kept = KeptExtras(extras)
        metadata = format == .safetensors ? kept.texts : [:]
        versions = format == .pytorch ? kept.moduleVersions : []
        let lost = kept.names(lostIn: format)
        if !lost.isEmpty {
            notes.append("left out, having no place in the format: \(lost.joined(separator: ", "))")
        }
        self.notes = notes
    }

    /// All files that will be written.
    public var paths: [String] { shards?.paths ?? [path] }

    /// Writes the files, one tensor after the other.
    /// - Parameter progress: told the number of bytes after every piece.
    public func write(progress: (Int) -> Void = { _ in }) throws(ZooError) {
        do throws(ZooError) {
            let targets = copy.entries.map(\.target)
            switch format {
            case .pytorch:
                try PyTorchWriter.write(targets, to: path, moduleVersions: versions, progress: progress)
            case .safetensors:
                if let shards {
                    try shards.write(metadata: metadata, progress: progress)
                } else {
                    try SafetensorsWriter.write(targets, metadata: metadata, to: path, progress: progress)
                }
            case .npz: try NPZWriter.write(targets, to: path, progress: progress)
            }
        } catch {
            throw error.adding(file: path)
        }
    }
}

extension TensorTableFormat {
    /// Refuses a tensor that the format can't hold, or that can't be read.
    fileprivate func check(_ tensor: CheckpointTensor, path: String) throws(ZooError) {
        switch self {
        case .pytorch: if tensor.typeName != nil { _ = try tensor.load() }
        case .safetensors: _ = try SafetensorsWriter.check(tensor, path: path)
        case .npz: _ = try NPZWriter.header(of: tensor, path: path)
        }
    }
}

/// A source's extras in the forms in which files carry them.
private struct KeptExtras {
    private let extras: JSONObject

    init(_ extras: JSONObject) { self.extras = extras }

    private static let textsKey = "__metadata__"
    private static let versionsKey = "_metadata"

    /// What a safetensors file says of itself: its own texts, and everything plain that a PyTorch file carried.
    var texts: [String: String] {
        var texts: [String: String] = [:]
        for (key, value) in extras[KeptExtras.textsKey]?.objectValue?.members ?? [] {
            texts[key] = value.stringValue
        }
        for (key, value) in extras.members where key != KeptExtras.textsKey && KeptExtras.isPlain(value) {
            if texts[key] == nil { texts[key] = value.stringValue ?? value.text(sortedKeys: false) }
        }
        if texts["format"] == nil { texts["format"] = "pt" }
        return texts
    }

    /// The versions of a network's modules, from a PyTorch file or from a safetensors file that has them from one.
    var moduleVersions: [PyTorchWriter.ModuleVersion] {
        let stored = extras[KeptExtras.textsKey]?[KeptExtras.versionsKey]?.stringValue
        let table = extras[KeptExtras.versionsKey] ?? stored.flatMap { try? JSONParser.parse($0) }
        return (table?.objectValue?.members ?? []).compactMap { module, value in
            value["version"]?.intValue.map { PyTorchWriter.ModuleVersion(module: module, version: $0) }
        }
    }

    func names(lostIn format: TensorTableFormat) -> [String] {
        switch format {
        case .safetensors:
            return extras.members.filter { $0.key != KeptExtras.textsKey && !KeptExtras.isPlain($0.value) }
                .map(\.key)
        case .pytorch, .npz:
            let texts = extras[KeptExtras.textsKey]?.objectValue?.keys.filter { $0 != "format" } ?? []
            return (extras.keys.filter { $0 != KeptExtras.textsKey } + texts).filter {
                format == .npz || $0 != KeptExtras.versionsKey
            }
        }
    }

    /// Whether nothing in a value is only a record of something unknown.
    private static func isPlain(_ value: JSONValue) -> Bool {
        switch value {
        case .array(let elements): elements.allSatisfy(isPlain)
        case .object(let object): object["opaque"] == nil && object.members.allSatisfy { isPlain($0.value) }
        default: true
        }
    }
}
