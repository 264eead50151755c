internal import ZooContainers
internal import ZooTensors
internal import ZooTestSupport

/// Damaged folders of files that belong together: an index, parts, a configuration. A variant is a zip archive of
/// the files, which is unpacked before it is read.
struct FolderMutator: Mutator {
    typealias File = (name: String, bytes: [UInt8])

    private let files: [File]
    private let mutators: [String: any Mutator]

    init(_ files: [File]) {
        self.files = files
        var mutators: [String: any Mutator] = [:]
        for file in files {
            if file.name.hasSuffix(".safetensors") { mutators[file.name] = SafetensorsMutator(file.bytes) }
            if file.name.hasSuffix(".bin") { mutators[file.name] = ZipMutator(file.bytes) }
            if file.name.hasSuffix(".h5") { mutators[file.name] = HDF5Mutator(file.bytes) }
        }
        self.mutators = mutators
    }

    func mutated(_ random: inout FuzzRandom) -> [UInt8] {
        var files = files
        for _ in 0..<random.few() where !files.isEmpty {
            let place = random.below(files.count)
            switch random.below(16) {
            case 0: files.remove(at: place)
            case 1: files[place].bytes = random.pick(files).bytes
            case 2: files[place].name = random.pick(files).name
            case 3: files.append((random.pick(FolderMutator.otherNames), files[place].bytes))
            case 4: files[place].bytes = []
            default: files[place].bytes = mutated(files[place], &random)
            }
        }
        return (try? Rebuilt.zip(files, deflated: false)) ?? []
    }

    private static let otherNames = [
        "model.safetensors", "pytorch_model.bin", "model-00003-of-00002.safetensors", "weights.pth", "b.bin",
        "other.safetensors.index.json", "é.safetensors", "nested_00002.weights.h5",
    ]

    private func mutated(_ file: File, _ random: inout FuzzRandom) -> [UInt8] {
        if let mutator = mutators[file.name] { return mutator.mutated(&random) }
        guard let document = try? JSONParser.parse(file.bytes), !random.once(in: 8) else {
            var bytes = file.bytes
            bytes.damage(&random)
            return bytes
        }
        // Names of files matter most to an index.
        let names =
            files.map(\.name) + [
                "..", "/etc/hostname", "a/b.safetensors", "\u{0}", "config.json", "../a.weights.h5",
                "/layers/dense/vars", "/vars", "",
            ]
        var changed = document
        for _ in 0..<random.few() { changed = JSONMutator.mutated(changed, &random, texts: names) }
        return Array(changed.text(sortedKeys: false).utf8)
    }

    /// Writes the files of a variant into a folder of this process, alone, and returns its path.
    static func unpack(_ bytes: [UInt8]) throws(ZooError) -> String {
        let folder = Zoo.scratch.file("folder")
        try TestFiles.emptyFolder(folder)
        for member in try ZipArchive(ByteSource(bytes: bytes)).members where !member.name.contains("/") {
            try TestFiles.overwrite(folder + "/" + member.name, with: try member.bytes())
        }
        return folder
    }
}
