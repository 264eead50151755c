internal import ZooContainers
public import ZooTensors

/// What loading a file in Python would import and call, each judged, and what else in the file no loader looks at.
/// Nothing is run, and a file that is damaged is judged as far as it can be read.
public struct CheckpointScan: Sendable {
    /// A name that a pickle would have Python import.
    public struct Import: Sendable, Hashable {
        /// `os.system`.
        public let name: String
        /// What it could do.
        public let judgement: PickleJudgement
        /// How often it is called, or an instance of it made.
        public internal(set) var calls: Int
        /// Where the pickle is: a member's name, or empty for the file itself.
        public let place: String
        /// Where in the file it is named first.
        public let byteOffset: Int
    }

    /// Something that a person should know before anybody loads the file.
    public struct Finding: Sendable, Hashable {
        /// One sentence without a full stop.
        public let text: String
        /// Where the bytes are: a member's name, or empty for the file itself.
        public let place: String
        /// Where in the file, if that is one place.
        public let byteOffset: Int?

        /// Describes a finding.
        public init(text: String, place: String, byteOffset: Int? = nil) {
            self.text = text
            self.place = place
            self.byteOffset = byteOffset
        }
    }

    /// What the file is.
    public let kind: FileKind
    /// Everything that would be imported, the dangerous first.
    public private(set) var imports: [Import] = []
    /// What isn't as it should be.
    public private(set) var findings: [Finding] = []
    /// Pickles that were looked through.
    public private(set) var pickleCount = 0

    private let limits: ReadLimits
    private var positions: [String: Int] = [:]
    /// All pickles of a file together may cost what one may.
    private var budget = 4_096

    /// Whether nothing was found that isn't harmless.
    public var isClean: Bool { findings.isEmpty }

    /// Looks through a file of any kind; HDF5 files hold no pickles.
    /// - Throws: ``ZooError`` when the file can't be read, is no checkpoint, or is an archive that is damaged.
    public init(_ source: ByteSource, limits: ReadLimits = ReadLimits()) throws(ZooError) {
        self.limits = limits
        kind = try FileKind.detect(source)
        try look(into: source, kind, place: "", depth: 0)
        imports.sort {
            ($1.judgement, $0.place, $0.byteOffset) < ($0.judgement, $1.place, $1.byteOffset)
        }
        for name in imports where name.judgement != .harmless {
            let verb = name.calls > 0 ? "calls" : "imports"
            findings.append(
                Finding(
                    text: name.judgement == .dangerous
                        ? "loading it \(verb) \(name.name), which can run anything"
                        : "loading it \(verb) \(name.name), which isn't known",
                    place: name.place, byteOffset: name.byteOffset))
        }
        if let tail = try Polyglot.hiddenEnd(source, kind) { find(tail.text, "", tail.byteOffset) }
    }

    private mutating func find(_ text: String, _ place: String, _ byteOffset: Int?) {
        guard findings.count < 1_000 else { return }
        findings.append(Finding(text: text, place: place, byteOffset: byteOffset))
    }

    // MARK: Kinds of files

    private mutating func look(
        into source: ByteSource, _ kind: FileKind, place: String, depth: Int
    ) throws(ZooError) {
        guard depth < 4 else { return find("archives are packed into each other too often", place, nil) }
        switch kind {
        case .pytorchZip, .torchScript, .torchExport, .kerasArchive, .zipOfOne, .npz, .zip:
            try lookIntoZip(source, kind, place: place, depth: depth)
        case .pytorchLegacy: lookThroughStream(source, place: place)
        case .torchTar:
            let files = try TarArchive(source, limits: limits).files
            for (name, file) in files.sorted(by: { $0.key < $1.key }) {
                let inside = place.isEmpty ? name : "\(place)/\(name)"
                if name == "pickle" {
                    lookThroughStream(file, place: inside)
                } else {
                    lookForPickles(file, inside)
                }
            }
        case .barePickle: lookThroughStream(source, place: place)
        case .gzip:
            let plain = ByteSource(bytes: try Gzip.decompress(source, limits: limits), path: source.path)
            try look(into: plain, try FileKind.detect(plain), place: place, depth: depth + 1)
        case .npy: lookIntoArray(source, place: place)
        case .safetensors, .hdf5, .json: break
        case .empty, .png, .jpeg, .gitLFSPointer, .html, .unknown:
            if let refusal = kind.refusal(path: source.path) { throw refusal }
        }
    }

    private mutating func lookIntoZip(
        _ source: ByteSource, _ kind: FileKind, place: String, depth: Int
    ) throws(ZooError) {
        let archive = try ZipArchive(source, limits: limits)
        for run in try archive.unclaimedBytes() {
            find(
                "\(run.count) bytes belong to no member of the archive", place, source.start + run.lowerBound)
        }
        for member in archive.members where !member.isFolder {
            let inside = place.isEmpty ? member.name : "\(place)/\(member.name)"
            let first = try member.prefix(512)
            // Storages are numbers, whatever they begin with.
            let isStorage = kind != .zip && isStorageName(member.name)
            if member.name.hasSuffix(".pkl") || member.name.hasSuffix(".pickle") {
                lookThroughStream(try member.source(), place: inside)
            } else if member.name.hasSuffix(".npy") {
                lookIntoArray(try member.source(), place: inside)
            } else if kind == .zipOfOne {
                let content = try member.source()
                try look(into: content, try FileKind.detect(content), place: inside, depth: depth + 1)
            } else if !isStorage, first.first == 0x80, first.count > 1, (2...5).contains(first[1]) {
                lookThroughStream(try member.source(), place: inside)
            }
        }
        if kind == .kerasArchive, let config = archive["config.json"] {
            for text in KerasConfigScan.findings(try config.bytes()) { find(text, "config.json", nil) }
        }
    }

    private func isStorageName(_ name: String) -> Bool {
        let parts = name.split(separator: "/")
        return parts.dropLast().contains("data") || parts.dropLast().contains("constants")
            || parts.contains("weights")
    }

    /// An array of Python objects is a pickle behind its header.
    private mutating func lookIntoArray(_ source: ByteSource, place: String) {
        guard let first = try? source.bytes(at: 0, count: min(source.count, 1_024)),
            String(decoding: first, as: UTF8.self).contains("|O")
        else { return }
        find("the array holds Python objects, which NumPy would unpickle", place, source.start)
        lookForPickles(source, place)
    }

    // MARK: Pickles

    /// Pickles one after another, as `torch.save`'s older format and people's scripts write them; what follows the
    /// last one isn't looked at (storages).
    private mutating func lookThroughStream(_ source: ByteSource, place: String) {
        var position = 0
        while position < source.count, budget > 0 {
            guard let first = try? source.bytes(at: position, count: 1), first == [0x80] || position == 0
            else {
                break
            }
            let (document, error) = PickleMachine.readPart(source, at: position, limits: limits)
            note(document, place)
            if let error {
                // Behind a pickle come numbers, which may look like one.
                let isPickle = position == 0 || !document.imports.isEmpty
                if isPickle {
                    find(
                        "the pickle can't be judged from here on: \(error.problem)", place,
                        error.byteOffset ?? source.start + position)
                }
                break
            }
            position = document.end
        }
    }

    /// Looks for pickles anywhere: where one begins that imports something.
    private mutating func lookForPickles(_ source: ByteSource, _ place: String) {
        guard let bytes = try? source.bytes(at: 0, count: min(source.count, 1 << 20)) else { return }
        var position = 0
        while let next = bytes[position...].firstIndex(of: 0x80), budget > 0 {
            position = next + 1
            guard next + 1 < bytes.count, (2...5).contains(bytes[next + 1]) else { continue }
            let (document, _) = PickleMachine.readPart(source, at: next, limits: limits)
            guard !document.imports.isEmpty else {
                budget -= 1
                continue
            }
            note(document, place)
            position = max(position, min(document.end, bytes.count))
        }
    }

    private mutating func note(_ document: PickleDocument, _ place: String) {
        budget -= 1
        pickleCount += 1
        var called: [PickleReference: Int] = [:]
        for object in document.allObjects { called[object.callable, default: 0] += 1 }
        for (reference, name) in document.imports {
            let key = "\(place)\n\(name)"
            let calls = called[reference] ?? 0
            if let known = positions[key] {
                imports[known].calls += calls
                continue
            }
            guard imports.count < 100_000 else { return }
            positions[key] = imports.count
            imports.append(
                Import(
                    name: String(quoted(name.description).dropFirst().dropLast()),
                    judgement: PickleJudgement(name), calls: calls, place: place,
                    byteOffset: document.byteOffset(reference)))
        }
    }
}
