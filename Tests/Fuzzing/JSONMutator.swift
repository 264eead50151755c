internal import ZooTensors

/// Changes values of a JSON document: numbers, texts, members that go missing or stand twice.
enum JSONMutator {
    static let texts = [
        "", "F32", "F64", "BF16", "F8_E4M3", "I64", "BOOL", "U8", "F4", "weight", "conv", "linear", "relu",
        "pt", "same", "../x", "\u{0}", "é\u{1F418}",
    ]

    /// The document with a change somewhere; `texts` are what its strings may become.
    static func mutated(
        _ value: JSONValue, _ random: inout FuzzRandom, texts: [String] = JSONMutator.texts
    ) -> JSONValue {
        switch value {
        case .object(var members) where members.count > 0 && !random.once(in: 10):
            let key = random.pick(members.keys)
            guard let old = members[key] else { return value }
            switch random.below(12) {
            case 0: members[key] = nil
            case 1: members[random.pick(texts)] = old
            case 2: members[key] = members[random.pick(members.keys)]
            default: members[key] = mutated(old, &random, texts: texts)
            }
            return .object(members)
        case .array(var elements) where !elements.isEmpty && !random.once(in: 10):
            let place = random.below(elements.count)
            switch random.below(10) {
            case 0: elements.remove(at: place)
            case 1: elements.insert(elements[place], at: place)
            case 2: elements.swapAt(place, random.below(elements.count))
            default: elements[place] = mutated(elements[place], &random, texts: texts)
            }
            return .array(elements)
        case .integer(let number) where !random.once(in: 8):
            return .integer(Int(truncatingIfNeeded: random.number(near: UInt64(bitPattern: Int64(number)))))
        case .string where random.once(in: 2): return .string(random.pick(texts))
        default: return other(&random)
        }
    }

    private static func other(_ random: inout FuzzRandom) -> JSONValue {
        switch random.below(7) {
        case 0: .null
        case 1: .bool(random.once(in: 2))
        case 2: .integer(Int(truncatingIfNeeded: random.number()))
        case 3: .number(random.pick([0.5, -1e300, 1e-300, 1e19, -0.0]))
        case 4: .string(random.pick(texts))
        case 5: .array([.integer(1), .integer(Int(truncatingIfNeeded: random.number()))])
        default: .object(["a": 1])
        }
    }
}

/// Damaged descriptions of Keras networks.
struct ConfigurationMutator: Mutator {
    private let configuration: JSONValue
    /// What texts become: what stands elsewhere in the description, and usual values.
    private let texts: [String]

    init(_ configuration: JSONValue) {
        self.configuration = configuration
        var found: Set<String> = []
        ConfigurationMutator.collect(configuration, &found)
        texts = found.sorted() + ConfigurationMutator.usual
    }

    private static let usual = [
        "", "Conv2D", "SeparableConv2D", "DepthwiseConv2D", "Dense", "Flatten", "Add", "Concatenate",
        "BatchNormalization", "GlobalAveragePooling2D", "MaxPooling2D", "ZeroPadding2D", "Activation",
        "Dropout", "Reshape", "Rescaling", "Sequential", "Functional", "InputLayer", "ReLU", "Lambda",
        "same", "valid", "causal", "channels_first", "channels_last", "relu6", "softmax", "float16",
        "mixed_bfloat16", "__keras_tensor__", "\u{0}",
    ]

    private static func collect(_ value: JSONValue, _ found: inout Set<String>) {
        switch value {
        case .object(let members):
            for (key, member) in members.members {
                found.insert(key)
                collect(member, &found)
            }
        case .array(let elements): elements.forEach { collect($0, &found) }
        case .string(let text): found.insert(text)
        default: break
        }
    }

    func mutated(_ random: inout FuzzRandom) -> [UInt8] {
        var changed = configuration
        for _ in 0..<random.few() { changed = JSONMutator.mutated(changed, &random, texts: texts) }
        return Array(changed.text(sortedKeys: false).utf8)
    }
}
