internal import ZooContainers
internal import ZooTensors
internal import ZooTestSupport

/// Damaged zip archives: fields that lie, and archives put together anew around damaged members.
struct ZipMutator {
    private let bytes: [UInt8]
    private let fields: [(place: Int, width: Int)]
    private let members: [(name: String, bytes: [UInt8])]
    /// What damages the HDF5 files in it, by name; finding their structures takes a while.
    private let hdf5: [String: HDF5Mutator]

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        fields = ZipMutator.fields(of: bytes)
        var members: [(name: String, bytes: [UInt8])] = []
        if let archive = try? ZipArchive(ByteSource(bytes: bytes)) {
            for member in archive.members {
                // Put together anew without compression, what is large would make the file so.
                guard member.byteCount <= 1 << 18 else { continue }
                if let content = try? member.bytes() { members.append((member.name, content)) }
            }
        }
        self.members = members
        let files = members.filter { $0.name.hasSuffix(".h5") }
        hdf5 = Dictionary(files.map { ($0.name, HDF5Mutator($0.bytes)) }) { first, _ in first }
    }

    /// Places and widths of the numbers in all headers.
    private static func fields(of bytes: [UInt8]) -> [(place: Int, width: Int)] {
        let local = [(4, 2), (6, 2), (8, 2), (14, 4), (18, 4), (22, 4), (26, 2), (28, 2)]
        let central = [
            (6, 2), (8, 2), (10, 2), (16, 4), (20, 4), (24, 4), (28, 2), (30, 2), (32, 2), (34, 2), (42, 4),
        ]
        let end = [(4, 2), (6, 2), (8, 2), (10, 2), (12, 4), (16, 4), (20, 2)]
        let wide = [(4, 8), (16, 4), (20, 4), (24, 8), (32, 8), (40, 8), (48, 8)]
        var fields: [(place: Int, width: Int)] = []
        for place in bytes.indices.dropLast(3) where bytes[place] == 0x50 && bytes[place + 1] == 0x4B {
            let known: [(Int, Int)] =
                switch (bytes[place + 2], bytes[place + 3]) {
                case (3, 4): local
                case (1, 2): central
                case (5, 6): end
                case (6, 6): wide
                case (6, 7): [(4, 4), (8, 8), (16, 4)]
                case (7, 8): [(4, 4), (8, 4), (12, 4)]
                default: []
                }
            fields += known.map { (place + $0.0, $0.1) }
            // Extra fields hold 64-bit sizes.
            if bytes[place + 2] == 1 || bytes[place + 2] == 3 {
                fields += [(place + 46, 8), (place + 54, 8)]
            }
        }
        return fields
    }

    func mutated(_ random: inout FuzzRandom) -> [UInt8] {
        switch random.below(8) {
        case 0...2:
            var result = bytes
            result.change(fields, &random)
            return result
        case 3:
            var result = bytes
            result.damage(&random)
            return result
        default: return (try? rebuilt(&random)) ?? bytes
        }
    }

    private func rebuilt(_ random: inout FuzzRandom) throws -> [UInt8] {
        guard !members.isEmpty else { return bytes }
        var members = members
        let place = random.below(members.count)
        switch random.below(10) {
        case 0: members.remove(at: place)
        case 1: members.append(members[place])
        case 2: members[place].name = members[random.below(members.count)].name
        case 3: members[place].bytes = members[random.below(members.count)].bytes
        default:
            // What is inside a pickle or an array's header matters most.
            let telling = members.indices.filter {
                members[$0].name.hasSuffix(".pkl") || members[$0].name.hasSuffix(".npy")
                    || members[$0].name.hasSuffix(".json")
            }
            let chosen = telling.isEmpty || random.once(in: 5) ? place : random.pick(telling)
            members[chosen].bytes = mutated(members[chosen], &random)
        }
        var result = try Rebuilt.zip(members, deflated: random.once(in: 4))
        if random.once(in: 8) { result.change(ZipMutator.fields(of: result), &random) }
        return result
    }

    private func mutated(
        _ member: (name: String, bytes: [UInt8]), _ random: inout FuzzRandom
    ) -> [UInt8] {
        if let file = hdf5[member.name] { return file.mutated(&random) }
        if member.name.hasSuffix(".pkl") {
            var tokens = PickleTokens(member.bytes)
            tokens.mutate(&random)
            return tokens.bytes
        }
        if member.name.hasSuffix(".npy") { return NPYMutator(member.bytes).mutated(&random) }
        if member.name.hasSuffix(".json"), let document = try? JSONParser.parse(member.bytes) {
            return Array(JSONMutator.mutated(document, &random).text(sortedKeys: false).utf8)
        }
        var result = member.bytes
        result.damage(&random)
        return result
    }
}
