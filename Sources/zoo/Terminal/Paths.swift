/// Names of files in suggestions and defaults.
enum Paths {
    /// The last part of a path.
    static func name(_ path: String) -> String { path.split(separator: "/").last.map(String.init) ?? path }

    /// A path or an argument as one word of a shell's command line.
    static func quoted(_ text: String) -> String {
        let isPlain = text.unicodeScalars.allSatisfy {
            $0.properties.isAlphabetic || $0.properties.numericType != nil
                || "/._-+=:,@%~".unicodeScalars.contains($0)
        }
        if isPlain, !text.isEmpty, !text.hasPrefix("~") { return text }
        return "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''")
            + "'"
    }

    /// `weights/a.pth` with another extension, in the current folder: `a.zoo.safetensors`.
    static func replacingExtension(_ path: String, with ending: String) -> String {
        var stem = name(path)
        for known in [
            ".zoo.safetensors", ".weights.h5", ".weights.json", ".safetensors", ".keras", ".pth", ".pt",
            ".h5", ".hdf5", ".npy",
        ]
        where stem.lowercased().hasSuffix(known) {
            stem = String(stem.dropLast(known.count))
            break
        }
        return stem + ending
    }
}
