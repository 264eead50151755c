internal import ZooTensors

/// Damaged tables of Keras files that keep their form: names, attributes, links, types, shapes and places change, and
/// the configuration inside an attribute.
struct KerasMutator: Mutator {
    private let prefix: [UInt8]
    private let table: TableRecords
    /// Names, paths and values that occur in the file.
    private let texts: [[UInt8]]

    /// - Parameter prefix: what stands before the table and stays.
    init?(_ bytes: [UInt8], prefix: [UInt8]) {
        guard let table = TableRecords(bytes), !table.records.isEmpty else { return nil }
        self.table = table
        self.prefix = prefix
        let fields = table.records.flatMap { $0.fields + ($0.items ?? []).joined() }
        let found: [[UInt8]] = fields.compactMap { if case .text(let text) = $0 { text } else { nil } }
        let usual = [
            "", "/", "/layers", "/vars/0", "layer_names", "weight_names", "model_config", "keras_version",
            "backend", "dtype", "bfloat16", "/optimizer_weights", "/model_weights", "a/b", "..", "é",
        ]
        texts = found.filter { $0.count < 200 } + usual.map { Array($0.utf8) } + [[0xFF, 0xFE], [0x61, 0]]
    }

    func mutated(_ random: inout FuzzRandom) -> [UInt8] {
        var table = table
        for _ in 0..<random.few() where !table.records.isEmpty { change(&table.records, &random) }
        return prefix + table.bytes
    }

    private func change(_ records: inout [TableRecords.Record], _ random: inout FuzzRandom) {
        let place = random.below(records.count)
        switch random.below(16) {
        case 0: records.remove(at: place)
        case 1: records.insert(random.pick(records), at: place)
        case 2: records.swapAt(place, random.below(records.count))
        case 3: records.insert(refusal(&random), at: place)
        case 4:
            // Attributes that other objects have.
            let others = records.filter { $0.kind == UInt8(ascii: "A") }
            if !others.isEmpty { records.insert(random.pick(others), at: place) }
        case 5: records.removeSubrange(place..<min(records.count, place + 1 + random.below(6)))
        default: change(&records[place], &random)
        }
    }

    /// A link of each kind that isn't followed, or a failure.
    private func refusal(_ random: inout FuzzRandom) -> TableRecords.Record {
        TableRecords.Record(
            random.once(in: 4) ? "X" : "L",
            [.number(UInt64(random.below(8))), .text(random.pick(texts))])
    }

    private func change(_ record: inout TableRecords.Record, _ random: inout FuzzRandom) {
        if let items = record.items, !items.isEmpty, !random.once(in: 3) {
            record.items = changed(items, &random)
            return
        }
        let place = random.below(record.fields.count)
        if random.once(in: 6) {
            // Extents, offsets and sizes change places.
            record.fields.swapAt(place, random.below(record.fields.count))
        } else {
            record.fields[place] = changed(record.fields[place], &random)
        }
    }

    private func changed(
        _ items: [[TableRecords.Field]], _ random: inout FuzzRandom
    ) -> [[TableRecords.Field]] {
        var items = items
        let place = random.below(items.count)
        switch random.below(8) {
        case 0: items.remove(at: place)
        case 1: items.insert(items[place], at: random.below(items.count + 1))
        case 2: items.swapAt(place, random.below(items.count))
        case 3: items.removeLast(random.below(items.count))
        default:
            guard !items[place].isEmpty else { return items }
            let field = random.below(items[place].count)
            items[place][field] = changed(items[place][field], &random)
        }
        return items
    }

    private func changed(_ field: TableRecords.Field, _ random: inout FuzzRandom) -> TableRecords.Field {
        switch field {
        case .number(let value): return .number(random.number(near: value))
        case .text(var text):
            if text.first == UInt8(ascii: "{"), let document = try? JSONParser.parse(text),
                !random.once(in: 8)
            {
                var changed = document
                for _ in 0..<random.few() { changed = JSONMutator.mutated(changed, &random) }
                return .text(Array(changed.text(sortedKeys: false).utf8))
            }
            if random.once(in: 3) { text.damage(&random) } else { text = random.pick(texts) }
            return .text(text)
        }
    }
}
