import ArgumentParser
import Menagerie

/// What `zoo convert` writes: a format, and whose names.
struct ConvertTarget {
    let format: ExportFormat
    /// The library whose names tensors get, whatever names they had; `nil` to leave them.
    let dialect: String?

    /// What can be said with `--to`.
    static let names = [
        "native", "pytorch", "safetensors", "npz", "torchvision", "timm", "timm-tf", "efficientnet-pytorch",
        "hf",
        "keras", "keras-archive", "keras-weights",
    ]

    /// Libraries of PyTorch networks, beside keras.applications.
    private static let dialects = ["torchvision", "timm-tf", "efficientnet-pytorch"]

    /// - Throws: `ValidationError` when neither `--to` nor the output's name tells a format.
    init(to name: String?, output: String) throws {
        dialect = name.flatMap { ConvertTarget.dialects.contains($0) || $0 == "keras" ? $0 : nil }
        guard let name else {
            guard let format = ExportFormat(path: output) else {
                throw ValidationError(
                    "The name \(output) doesn't tell a format; end it in .zoo.safetensors, .pth, .safetensors, "
                        + ".npz, .keras, .h5 or .weights.h5, or say --to FORMAT.")
            }
            self.format = format
            return
        }
        switch name {
        case "torchvision", "timm-tf", "efficientnet-pytorch":
            // A state dict, in the file format that the name asks for.
            let asked = ExportFormat(path: output) ?? .pytorch
            guard [.pytorch, .safetensors, .npz].contains(asked) else {
                throw ValidationError("--to \(name) writes a .pth, .safetensors or .npz file.")
            }
            format = asked
        case "keras":
            // In the file format that the name asks for; a whole model where it asks for none of Keras'.
            let asked = ExportFormat(path: output) ?? .keras
            format = asked.isKeras ? asked : .keras
        case "hf": format = .timm
        default:
            guard let known = ExportFormat(rawValue: name) else {
                throw ValidationError(
                    "--to \(name) is not one of \(ConvertTarget.names.joined(separator: ", ")).")
            }
            format = known
        }
    }

    /// The library of PyTorch networks whose names tensors get.
    var library: String? { format == .timm ? "timm" : dialect == "keras" ? nil : dialect }

    /// Whose names a model's tensors get.
    /// - Throws: ``ZooError`` for a network for which the library that was asked for has no names.
    func names(for model: Model) throws(ZooError) -> Export.Names {
        guard let dialect else { return .source }
        if format.isKeras { return Export.kerasNames }
        let known = Dialect.of(model.graph.architecture).map(\.name)
        if known.contains(dialect) { return .dialect(dialect) }
        // Networks that no library has go by the paths of their layers.
        if dialect == "torchvision", !known.contains(where: ConvertTarget.names.contains) {
            return .canonical
        }
        throw ZooError(
            .unsupported,
            "\(dialect) has no names for this network"
                + (dialect == "torchvision" ? "" : "; its networks are EfficientNets"),
            found: model.graph.architecture,
            remedy: known.isEmpty || dialect != "torchvision"
                ? "Leave --to out, or say --to torchvision for the network's own names."
                : "It is known as \(known.joined(separator: ", ")) have it.")
    }

    /// The format for a table of tensors of which nothing more is known; `nil` for formats that need a network.
    var tableFormat: TensorTableFormat? {
        if dialect != nil { return nil }
        switch format {
        case .pytorch: return .pytorch
        case .safetensors: return .safetensors
        case .npz: return .npz
        case .native, .timm, .keras, .kerasArchive, .kerasWeights: return nil
        }
    }
}
