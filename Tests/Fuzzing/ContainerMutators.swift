internal import ZooContainers
internal import ZooTensors
internal import ZooTestSupport

/// Damaged safetensors files; of native ones also the document in the metadata.
struct SafetensorsMutator {
    private let bytes: [UInt8]
    private let header: JSONValue?
    private let data: [UInt8]

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        let count = min(Int(clamping: bytes.number(at: 0, width: 8)), max(bytes.count - 8, 0))
        header = try? JSONParser.parse(Array(bytes.dropFirst(8).prefix(count)))
        data = Array(bytes.dropFirst(8 + count))
    }

    func mutated(_ random: inout FuzzRandom) -> [UInt8] {
        guard let header, !random.once(in: 12) else {
            var result = bytes
            result.damage(&random)
            return result
        }
        var changed = header
        for _ in 0..<random.few() { changed = mutated(changed, &random) }
        var text = Array(changed.text(sortedKeys: false).utf8)
        if random.once(in: 12) { text.damage(&random) }
        if random.once(in: 12), text.count > 2 {
            // The first member stands twice.
            let member = text[1..<(text.count / 2)]
            text.insert(contentsOf: member + [0x2C], at: 1)
        }
        var count = UInt64(text.count)
        if random.once(in: 12) { count = random.number(near: count) }
        var data = data
        if random.once(in: 12) { data.damage(&random) }
        return [UInt8](count, width: 8) + text + data
    }

    private func mutated(_ header: JSONValue, _ random: inout FuzzRandom) -> JSONValue {
        guard case .object(var members) = header, case .object(var metadata)? = members["__metadata__"],
            random.once(in: 2), !metadata.keys.isEmpty
        else { return JSONMutator.mutated(header, &random) }
        let key = random.pick(metadata.keys)
        if let text = metadata[key]?.stringValue, let document = try? JSONParser.parse(text) {
            metadata[key] = .string(JSONMutator.mutated(document, &random).text(sortedKeys: false))
        } else {
            metadata[key] = "x"
        }
        members["__metadata__"] = .object(metadata)
        return .object(members)
    }
}

/// Damaged NumPy arrays.
struct NPYMutator {
    private let bytes: [UInt8]
    private let header: String
    private let dataStart: Int

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        let start = bytes.count > 6 && bytes[6] == 1 ? 10 : 12
        let count = Int(bytes.number(at: 8, width: start - 8))
        dataStart = min(start + count, bytes.count)
        header = String(decoding: bytes[min(start, dataStart)..<dataStart], as: UTF8.self)
    }

    private static let types = [
        "<f4", ">f8", "|b1", "<i8", "=u2", "<f2", "|O", "<c16", "|S5", "<U3", "<f16", "f4", "<f99999999999",
        "", "<M8[s]",
    ]
    private static let shapes = [
        "()", "(1,)", "(-1,)", "(0, 7)", "(4L, 4L)", "(18446744073709551616,)", "(4611686018427387904, 4)",
        "(1, 2",
        "(1 2)", "((1,),)", "(" + String(repeating: "1, ", count: 70) + ")", "(99999999, 99999999)",
    ]

    func mutated(_ random: inout FuzzRandom) -> [UInt8] {
        var text = header
        var data = Array(bytes[dataStart...])
        switch random.below(8) {
        case 0, 1: text = replacing(text, between: "'descr': '", and: "'", by: random.pick(Self.types))
        case 2, 3:
            let shape =
                random.once(in: 3)
                ? "(\(Int64(bitPattern: random.number())), \(random.below(9)))" : random.pick(Self.shapes)
            text = replacing(text, between: "'shape': ", and: ", }", by: shape)
        case 4: text = text.contains("False") ? text.replacing("False", with: "True") : text + "'"
        case 5: data.damage(&random)
        case 6:
            var raw = Array(text.utf8)
            raw.damage(&random)
            text = String(decoding: raw, as: UTF8.self)
        default:
            var result = bytes
            result.change([(6, 1), (7, 1), (8, 2), (8, 4), (0, 1)], &random)
            return result
        }
        let raw = Array(text.utf8)
        let version: UInt8 = random.once(in: 3) ? random.pick([1, 2, 3]) : 1
        return NPYHeader.magic + [version, 0] + [UInt8](UInt64(raw.count), width: version == 1 ? 2 : 4) + raw
            + data
    }

    private func replacing(_ text: String, between start: String, and end: String, by value: String) -> String
    {
        guard let first = text.firstRange(of: start),
            let last = text[first.upperBound...].firstRange(of: end)
        else { return text + value }
        return String(text[..<first.upperBound]) + value + text[last.lowerBound...]
    }
}

/// Damaged gzip files: their own fields, and what is packed in them.
struct GzipMutator {
    private let plain: [UInt8]
    private let inner: any Mutator

    init(_ bytes: [UInt8], inner: any Mutator) {
        plain = bytes
        self.inner = inner
    }

    func mutated(_ random: inout FuzzRandom) -> [UInt8] {
        guard var result = try? Gzip.compress(random.once(in: 2) ? inner.mutated(&random) : plain) else {
            return plain
        }
        switch random.below(8) {
        case 0:
            // Optional parts that the flags announce: extra, name, comment, checksum of the header.
            let flags = UInt8(random.below(32))
            let parts: [UInt8] = [4, 0, 1, 2, 3, 4, 0x61, 0, 0x62, 0, 0, 0]
            result[3] = flags
            result.insert(contentsOf: parts.prefix(random.below(parts.count + 1)), at: 10)
        case 1: result.change([(2, 1), (3, 1), (result.count - 8, 4), (result.count - 4, 4)], &random)
        case 2: result += result
        case 3: result += [UInt8](repeating: 0, count: random.below(600)) + (random.once(in: 2) ? [1] : [])
        case 4, 5: result.damage(&random)
        default: break
        }
        return result
    }
}

/// Damaged tar archives, their checksums right.
struct TarMutator {
    private let bytes: [UInt8]
    private let headers: [Int]

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        var headers: [Int] = []
        var position = 0
        while position + 512 <= bytes.count, bytes[position] != 0 {
            headers.append(position)
            let digits = String(decoding: bytes[(position + 124)..<(position + 135)], as: UTF8.self)
            position += 512 + ((Int(digits, radix: 8) ?? 0) + 511) / 512 * 512
        }
        self.headers = headers
    }

    func mutated(_ random: inout FuzzRandom) -> [UInt8] {
        guard !headers.isEmpty else { return bytes }
        var result = bytes
        let header = random.pick(headers)
        switch random.below(8) {
        case 0:
            let size = String(random.number(near: 512), radix: 8)
            let field = String(repeating: "0", count: max(0, 11 - size.count)) + size.suffix(11) + " "
            result.replaceSubrange((header + 124)..<(header + 136), with: Array(field.utf8))
        case 1: result[header + 156] = random.pick(Array("01234567LKxgS\u{0}".utf8))
        case 2:
            let other = random.pick(headers)
            result.replaceSubrange(header..<(header + 100), with: bytes[other..<(other + 100)])
        case 3: result[header + random.below(512)] = UInt8(truncatingIfNeeded: random.next())
        case 4: result.damage(&random)
        default: mutateContent(&result, at: header + 512, &random)
        }
        for header in headers where header + 512 <= result.count && !random.once(in: 20) {
            var sum = 0
            for index in 0..<512 { sum += (148..<156).contains(index) ? 0x20 : Int(result[header + index]) }
            let digits = String(sum, radix: 8)
            let field = String(repeating: "0", count: max(0, 6 - digits.count)) + digits + "\u{0} "
            result.replaceSubrange((header + 148)..<(header + 156), with: Array(field.utf8))
        }
        return result
    }

    /// Pickles keep their place: what is longer is cut, what is shorter is padded.
    private func mutateContent(_ result: inout [UInt8], at start: Int, _ random: inout FuzzRandom) {
        let starts = result.indices.dropLast().filter {
            $0 >= start && result[$0] == 0x80 && result[$0 + 1] == 2
        }
        if random.once(in: 3) || starts.isEmpty {
            let place = start + random.below(400)
            let old = result.number(at: place, width: 8)
            result.put(random.number(near: old), at: place, width: random.pick([1, 4, 8]))
            return
        }
        let place = random.pick(starts.map { $0 })
        var tokens = PickleTokens(result, from: place)
        let end = tokens.end
        tokens.mutate(&random)
        let pickle = tokens.pickle
        guard place < end else { return }
        if random.once(in: 2) {
            let fitted = (pickle + [UInt8](repeating: 0x4E, count: max(0, end - place - pickle.count)))
                .prefix(end - place)
            result.replaceSubrange(place..<end, with: fitted)
        } else {
            result.replaceSubrange(place..<end, with: pickle)
        }
    }
}

/// Damaged files of PyTorch's older stream format, and bare pickles.
struct StreamMutator {
    private let pickles: [[UInt8]]
    private let storages: [UInt8]

    init(_ bytes: [UInt8]) {
        var pickles: [[UInt8]] = []
        var position = 0
        while pickles.count < 5, position < bytes.count {
            let tokens = PickleTokens(bytes, from: position)
            guard tokens.end > position else { break }
            pickles.append(tokens.pickle)
            position = tokens.end
        }
        self.pickles = pickles
        storages = Array(bytes[position...])
    }

    func mutated(_ random: inout FuzzRandom) -> [UInt8] {
        var pickles = pickles
        var storages = storages
        switch random.below(10) {
        case 0 where !storages.isEmpty:
            storages.put(random.number(near: storages.number(at: 0, width: 8)), at: 0, width: 8)
        case 1: storages.damage(&random)
        case 2:
            var all = pickles.flatMap { $0 } + storages
            all.damage(&random)
            return all
        default:
            guard !pickles.isEmpty else { return storages }
            // The fourth is the object.
            let place = pickles.count > 3 && !random.once(in: 4) ? 3 : random.below(pickles.count)
            var tokens = PickleTokens(pickles[place])
            tokens.mutate(&random)
            pickles[place] = tokens.bytes
        }
        return pickles.flatMap { $0 } + storages
    }
}

/// Makes damaged variants of one file.
protocol Mutator {
    func mutated(_ random: inout FuzzRandom) -> [UInt8]
}

extension ZipMutator: Mutator {}
extension SafetensorsMutator: Mutator {}
extension NPYMutator: Mutator {}
extension GzipMutator: Mutator {}
extension TarMutator: Mutator {}
extension StreamMutator: Mutator {}
