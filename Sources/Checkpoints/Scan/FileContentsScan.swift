internal import ZooContainers
internal import ZooTensors

/// Walks through a file, and through what is packed into it, to every pickle that some loader would load.
struct FileContentsScan {
    private(set) var findings: [CheckpointScan.Finding] = []
    private(set) var pickles: PickleScan
    private let limits: ReadLimits

    init(limits: ReadLimits) {
        self.limits = limits
        self.pickles = PickleScan(limits: limits)
    }

    private mutating func find(_ text: String, _ place: String, _ byteOffset: Int?) {
        guard findings.count < 1_000 else { return }
        findings.append(CheckpointScan.Finding(text: text, place: place, byteOffset: byteOffset))
    }

    // MARK: Kinds of files

    mutating func look(
        into source: ByteSource, _ kind: FileKind, place: String, depth: Int
    ) throws(ZooError) {
        guard depth < 4 else { return find("archives are packed into each other too often", place, nil) }
        let changedBefore = pickles.changed.count
        defer {
            for entry in pickles.changed.dropFirst(changedBefore) {
                find("loading it sets attributes of \(entry.name)", entry.place, entry.byteOffset)
            }
            if pickles.isExhausted { find("more stands there than is looked through", place, nil) }
        }
        switch kind {
        case .pytorchZip, .torchScript, .torchExport, .kerasArchive, .zipOfOne, .npz, .zip:
            try lookIntoZip(source, kind, place: place, depth: depth)
        case .pytorchLegacy:
            // torch.load takes five pickles and then storages; what isn't so may be read otherwise by others.
            lookThroughPickles(source, place, count: 5)
            do throws(ZooError) {
                _ = try PyTorchLegacyFile(source, limits: limits)
            } catch {
                find(unlike: error, place)
            }
        case .torchTar: try lookIntoTar(source, place)
        case .barePickle: lookThroughPickles(source, place, count: .max)
        case .gzip:
            let plain = ByteSource(bytes: try Gzip.decompress(source, limits: limits), path: source.path)
            try look(into: plain, try FileKind.detect(plain), place: place, depth: depth + 1)
        case .npy: try lookIntoArray(source, place)
        case .safetensors: try lookIntoSafetensors(source, place)
        case .hdf5, .json, .kerasShards: break
        case .png: try lookBehindPicture(source, place)
        case .jpeg, .empty, .gitLFSPointer, .html, .unknown:
            // A pickle of protocol 0 has no signature; whoever unpickles the file finds it all the same.
            _ = pickles.try(at: 0, in: source, place, isLoose: false)
            if let refusal = kind.refusal(path: source.path) { throw refusal }
        }
    }

    /// Bytes of the file that belong to no tensor are a finding, a header that is no header is an error.
    private mutating func lookIntoSafetensors(_ source: ByteSource, _ place: String) throws(ZooError) {
        do throws(ZooError) {
            _ = try SafetensorsReader.read(source, options: CheckpointReadOptions(limits: limits))
        } catch {
            let data = 8 + Int(clamping: try source.littleEndian(UInt32.self, at: 0))
            guard error.code == .corrupt, let offset = error.byteOffset, offset - source.start >= data else {
                throw error
            }
            find("the file breaks its format's rules: \(error.problem)", place, offset)
        }
    }

    /// A file that isn't wholly of its format may be read otherwise by others.
    private mutating func find(unlike error: ZooError, _ place: String) {
        find("the file can't be judged from here on: \(error.problem)", place, error.byteOffset)
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
            if member.name.hasSuffix(".pkl") || member.name.hasSuffix(".pickle") {
                lookThroughPickles(try member.pickle(), inside, count: 1)
            } else if first.starts(with: NPYHeader.magic) || member.name.hasSuffix(".npy") {
                try lookIntoArray(try member.source(), inside)
            } else if kind == .zipOfOne {
                let content = try member.file()
                try look(into: content, try FileKind.detect(content), place: inside, depth: depth + 1)
            } else if !isStorage(member.name, of: kind) {
                try lookIntoMember(member, first, place: inside, depth: depth)
            }
        }
        if kind == .kerasArchive, let config = archive["config.json"] {
            for text in KerasConfigScan.findings(try config.bytes()) { find(text, "config.json", nil) }
        }
    }

    /// A member whose name says nothing: a pickle, or a checkpoint of its own.
    private mutating func lookIntoMember(
        _ member: ZipMember, _ first: [UInt8], place: String, depth: Int
    ) throws(ZooError) {
        if PyTorchLegacyFile.matches(first) || first.starts(with: [0x50, 0x4B, 3, 4]) || Gzip.matches(first) {
            let content = try member.file()
            do throws(ZooError) {
                try look(into: content, try FileKind.detect(content), place: place, depth: depth + 1)
            } catch {
                find("the archive in the archive can't be read: \(error.problem)", place, error.byteOffset)
            }
        } else if first.first == 0x80, first.count > 1, (2...5).contains(first[1]) {
            lookThroughPickles(try member.pickle(), place, count: .max)
        }
    }

    /// Storages are numbers, whatever they begin with; no loader unpickles them.
    private func isStorage(_ name: String, of kind: FileKind) -> Bool {
        guard kind == .pytorchZip || kind == .torchScript else { return false }
        let folders = name.split(separator: "/").dropLast()
        return folders.contains("data") || folders.contains("constants")
    }

    private mutating func lookIntoTar(_ source: ByteSource, _ place: String) throws(ZooError) {
        let archive = try TarArchive(source, limits: limits)
        for name in archive.others { find("the archive holds \(quoted(name))", place, nil) }
        for (name, file) in archive.files.sorted(by: { $0.key < $1.key }) {
            let inside = place.isEmpty ? name : "\(place)/\(name)"
            switch name {
            case "pickle", "sys_info": lookThroughPickles(file, inside, count: 1)
            case "storages", "tensors": lookForPickles(file, inside)
            default:
                find("the archive holds \(quoted(name)), which no checkpoint has", place, file.start)
                lookForPickles(file, inside)
            }
        }
        do throws(ZooError) {
            _ = try PyTorchTarFile(source, limits: limits)
        } catch {
            find(unlike: error, place)
        }
    }

    /// An array of Python objects is a pickle behind its header.
    private mutating func lookIntoArray(_ source: ByteSource, _ place: String) throws(ZooError) {
        let first = try source.bytes(at: 0, count: min(source.count, NPYHeader.maximumByteCount))
        do throws(ZooError) {
            _ = try NPYHeader(parsing: first, start: source.start, file: source.path)
        } catch {
            // NumPy knows the type by more than one name, also within records.
            let text = String(decoding: first.dropFirst(10), as: UTF8.self)
            let description = text.prefix { $0 != "\n" }
            guard description.contains("O") || description.contains("object") else { throw error }
            find("the array holds Python objects, which NumPy would unpickle", place, source.start)
            let headerCount = 10 + description.utf8.count + 1
            if let body = try? source.suffix(from: min(headerCount, source.count)) {
                lookForPickles(body, place)
            }
        }
    }

    private mutating func lookBehindPicture(_ source: ByteSource, _ place: String) throws(ZooError) {
        guard let end = try Polyglot.endOfPNG(source), end < source.count else {
            if let refusal = FileKind.png.refusal(path: source.path) { throw refusal }
            return
        }
        find("\(source.count - end) bytes follow the picture", place, source.start + end)
        lookForPickles(try source.suffix(from: end), place)
    }

    // MARK: Pickles

    /// Pickles one after another, up to a number that the format has; what follows is looked at when it can be one.
    private mutating func lookThroughPickles(_ source: ByteSource, _ place: String, count: Int) {
        var position = 0
        var left = count
        while position < source.count, left > 0, !pickles.isExhausted {
            switch pickles.look(at: position, in: source, place) {
            case .pickle(let end):
                position = end
                left -= 1
            case .broken(let error):
                let what = position == 0 ? "the pickle" : "what follows the pickle"
                return find(
                    "\(what) can't be judged from here on: \(error.problem)", place,
                    error.byteOffset ?? source.start + position)
            }
        }
        guard count == 1, position < source.count else { return }
        find("\(source.count - position) bytes follow the pickle", place, source.start + position)
        if let rest = try? source.suffix(from: position) { lookForPickles(rest, place) }
    }

    /// Looks for pickles anywhere: where one begins that imports something.
    mutating func lookForPickles(_ source: ByteSource, _ place: String) {
        guard let bytes = try? source.bytes(at: 0, count: min(source.count, 4 << 20)) else { return }
        var position = pickles.try(at: 0, in: source, place, isLoose: false) ?? 0
        while position < bytes.count, let next = bytes[position...].firstIndex(of: 0x80) {
            guard !pickles.isExhausted else { return }
            position = next + 1
            guard next + 1 < bytes.count, (2...5).contains(bytes[next + 1]) else { continue }
            position = max(position, pickles.try(at: next, in: source, place, isLoose: true) ?? position)
        }
    }
}
