internal import ZooContainers
public import ZooTensors

/// What a file is, judged by its first bytes and by what is inside; its name proves nothing.
public enum FileKind: String, Sendable, Hashable, CaseIterable {
    /// `torch.save` since PyTorch 1.6.
    case pytorchZip = "pytorch-zip"
    /// `torch.save` before that.
    case pytorchLegacy = "pytorch-legacy"
    /// `torch.jit.save`.
    case torchScript = "torchscript"
    /// `torch.export.save`.
    case torchExport = "torch-export"
    /// Keras 3's `.keras`: a zip with `config.json` and `model.weights.h5`.
    case kerasArchive = "keras-archive"
    /// The index of Keras 3's sharded weights, `.weights.json`.
    case kerasShards = "keras-shards"
    /// A zip with a single file in it; torchhub calls this a legacy zip.
    case zipOfOne = "zip-of-one"
    /// A zip with something else in it.
    case zip
    /// A pickle that isn't PyTorch's.
    case barePickle = "pickle"
    /// PyTorch's format before 0.2.
    case torchTar = "torch-tar"
    /// HDF5, as Keras' `.h5` and `.weights.h5`.
    case hdf5
    case safetensors
    /// One NumPy array.
    case npy
    /// Several NumPy arrays in a zip.
    case npz
    case gzip
    case png
    case jpeg
    /// A JSON document, such as the index of a checkpoint in several files.
    case json
    /// A text that Git LFS left in place of the file.
    case gitLFSPointer = "git-lfs-pointer"
    /// A web page, usually an error message that was saved under the file's name.
    case html
    case empty
    case unknown

    /// Looks at the first bytes and, for archives, at the table of contents.
    /// - Throws: ``ZooError`` when the file can't be read, or is a zip that is cut short or damaged.
    public static func detect(_ source: ByteSource, path: String? = nil) throws(ZooError) -> FileKind {
        do throws(ZooError) {
            return try kind(of: source)
        } catch {
            throw error.adding(file: path ?? source.path)
        }
    }

    private static func kind(of source: ByteSource) throws(ZooError) -> FileKind {
        guard source.count > 0 else { return .empty }
        let first = try source.bytes(at: 0, count: min(source.count, 512))
        if first.starts(with: [0x50, 0x4B, 3, 4]) || first.starts(with: [0x50, 0x4B, 5, 6]) {
            return kind(of: try ZipArchive(source))
        }
        if first.starts(with: hdf5Signature) { return .hdf5 }
        if first.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) { return .png }
        if first.starts(with: [0xFF, 0xD8, 0xFF]) { return .jpeg }
        if Gzip.matches(first) { return .gzip }
        if first.starts(with: [0x93] + Array("NUMPY".utf8)) { return .npy }
        if PyTorchLegacyFile.matches(first) { return .pytorchLegacy }
        if isSafetensors(first, byteCount: source.count) { return .safetensors }
        if first.count >= 2, first[0] == 0x80, first[1] <= 5 { return .barePickle }
        if isTar(first) { return .torchTar }
        if try isKerasIndex(first, source) { return .kerasShards }
        if let kind = kind(ofText: first) { return kind }
        // HDF5 may begin after a user block of 512, 1024, 2048, … bytes.
        var place = 512
        while place <= source.count - hdf5Signature.count {
            if try source.bytes(at: place, count: hdf5Signature.count) == hdf5Signature { return .hdf5 }
            place = place.multipliedReportingOverflow(by: 2).partialValue
        }
        return .unknown
    }

    /// Whether a file begins with a header of a tar archive.
    static func isTar(_ first: [UInt8]) -> Bool { first.dropFirst(257).starts(with: Array("ustar".utf8)) }

    private static let hdf5Signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]

    private static func isSafetensors(_ first: [UInt8], byteCount: Int) -> Bool {
        guard first.count >= 9, first[8] == UInt8(ascii: "{") else { return false }
        let length = first.prefix(8).reversed().reduce(UInt64.zero) { $0 << 8 | UInt64($1) }
        // A text file can have a brace there too, but not a length that is plausible.
        return length >= 2 && length < 1 << 40
    }

    /// Whether a file is the JSON document in which Keras says which `.weights.h5` holds what.
    private static func isKerasIndex(_ first: [UInt8], _ source: ByteSource) throws(ZooError) -> Bool {
        let start = String(decoding: first, as: UTF8.self).drop { $0.isWhitespace }
        guard start.first == "{", start.contains("\"weight_map\""), source.count <= 64 << 20,
            let index = try? JSONParser.parse(source.allBytes()),
            let files = index["weight_map"]?.objectValue?.members.first?.value
        else { return false }
        return (files.stringValue ?? files.arrayValue?.first?.stringValue)?.hasSuffix(".weights.h5") == true
    }

    private static func kind(ofText first: [UInt8]) -> FileKind? {
        let text = String(decoding: first, as: UTF8.self).drop { $0.isWhitespace || $0 == "\u{FEFF}" }
            .lowercased()
        if text.hasPrefix("version https://git-lfs") { return .gitLFSPointer }
        if text.hasPrefix("<!doctype html") || text.hasPrefix("<html") || text.hasPrefix("<head") {
            return .html
        }
        // An object's first member, or its end.
        if text.hasPrefix("{"), let next = text.dropFirst().first(where: { !$0.isWhitespace }),
            "\"}".contains(next)
        {
            return .json
        }
        return nil
    }

    /// What a zip archive's members say about it.
    static func kind(of archive: ZipArchive) -> FileKind {
        if let root = PyTorchZip.root(of: archive) {
            return archive[root + "constants.pkl"] != nil ? .torchScript : .pytorchZip
        }
        if archive.members.contains(where: { $0.name.hasSuffix("/archive_format") }) { return .torchExport }
        if archive["config.json"] != nil,
            archive["model.weights.h5"] != nil || archive["model.weights.npz"] != nil
        {
            return .kerasArchive
        }
        let files = archive.members.filter { !$0.isFolder }
        if !files.isEmpty, files.allSatisfy({ $0.name.hasSuffix(".npy") }) { return .npz }
        return files.count == 1 ? .zipOfOne : .zip
    }

    /// Whether a file of this kind holds one set of tensors and nothing to choose from.
    var isFlat: Bool {
        switch self {
        case .safetensors, .npz, .npy, .torchExport, .hdf5, .kerasArchive, .kerasShards, .json: true
        default: false
        }
    }

    /// The error for a file of this kind where a checkpoint is needed; `nil` for kinds that hold one.
    public func refusal(path: String?) -> ZooError? {
        switch self {
        case .pytorchZip, .pytorchLegacy, .torchScript, .torchExport, .kerasArchive, .kerasShards, .zipOfOne,
            .hdf5, .safetensors, .torchTar, .npy, .npz, .gzip, .barePickle, .json:
            return nil
        case .zip:
            return ZooError(
                .unknownFormat, "this zip holds no checkpoint", file: path,
                remedy: "Unpack it and name one file.")
        case .png, .jpeg:
            return ZooError(
                .unknownFormat, "this is a picture", file: path, expected: "a checkpoint", found: rawValue)
        case .gitLFSPointer:
            return ZooError(
                .unknownFormat, "this is a Git LFS pointer, not the file it stands for", file: path,
                remedy: "Run git lfs pull in its repository.")
        case .html:
            return ZooError(
                .unknownFormat, "this is a web page saved as a file", file: path,
                remedy: "Download the file itself; the page may say why it wasn't sent.")
        case .empty:
            return ZooError(.truncated, "the file is empty", file: path, remedy: "Get it again.")
        case .unknown:
            return ZooError(
                .unknownFormat, "the file is of no known format", file: path,
                expected: "PyTorch, Keras, safetensors or NumPy")
        }
    }
}
