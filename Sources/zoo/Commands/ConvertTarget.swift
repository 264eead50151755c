import ArgumentParser
import Menagerie

/// What `zoo convert` writes: a format, and whose names.
struct ConvertTarget {
    let format: ExportFormat
    /// Whether tensors get torchvision's names whatever names they had.
    let usesCanonicalNames: Bool
    /// Whose names tensors get, where only some networks have names there.
    let dialect: String?

    /// What can be said with `--to`.
    static let names = [
        "native", "pytorch", "safetensors", "npz", "torchvision", "timm", "timm-tf", "efficientnet-pytorch",
        "hf",
        "keras", "keras-archive", "keras-weights",
    ]

    /// Libraries that have some networks only.
    private static let dialects = ["timm-tf", "efficientnet-pytorch"]

    /// - Throws: `ValidationError` when neither `--to` nor the output's name tells a format.
    init(to name: String?, output: String) throws {
        dialect = name.flatMap { ConvertTarget.dialects.contains($0) ? $0 : nil }
        guard let name else {
            guard let format = ExportFormat(path: output) else {
                throw ValidationError(
                    "The name \(output) doesn't tell a format; end it in .zoo.safetensors, .pth, .safetensors, "
                        + ".npz, .keras, .h5 or .weights.h5, or say --to FORMAT.")
            }
            (self.format, usesCanonicalNames) = (format, false)
            return
        }
        switch name {
        case "torchvision", "timm-tf", "efficientnet-pytorch":
            // A state dict, in the file format that the name asks for.
            let asked = ExportFormat(path: output) ?? .pytorch
            guard [.pytorch, .safetensors, .npz].contains(asked) else {
                throw ValidationError("--to \(name) writes a .pth, .safetensors or .npz file.")
            }
            (format, usesCanonicalNames) = (asked, true)
        case "keras":
            // A whole model, in the file format that the name asks for.
            (format, usesCanonicalNames) = (
                ExportFormat(path: output) == .kerasArchive ? .kerasArchive : .keras, false
            )
        case "hf": (format, usesCanonicalNames) = (.timm, false)
        default:
            guard let known = ExportFormat(rawValue: name) else {
                throw ValidationError(
                    "--to \(name) is not one of \(ConvertTarget.names.joined(separator: ", ")).")
            }
            (format, usesCanonicalNames) = (known, false)
        }
    }

    /// Refuses a network for which the library that was asked for has no names.
    func check(_ model: Model) throws(ZooError) {
        guard let dialect else { return }
        throw ZooError(
            .unsupported, "\(dialect) has no names for this network; its networks are EfficientNets",
            found: model.graph.architecture,
            remedy: "Leave --to out, or say --to torchvision for the network's own names.")
    }

    /// The format for a table of tensors of which nothing more is known; `nil` for formats that need a network.
    var tableFormat: TensorTableFormat? {
        if usesCanonicalNames { return nil }
        switch format {
        case .pytorch: return .pytorch
        case .safetensors: return .safetensors
        case .npz: return .npz
        case .native, .timm, .keras, .kerasArchive, .kerasWeights: return nil
        }
    }
}
