import Testing
import ZooConversion
import ZooTensors
import ZooTestSupport

/// Configurations that can't become a graph: each is one error that names the layer.
@Suite struct KerasRefusalTests {
    private func layer(_ kind: String, _ name: String, _ config: JSONObject = [:], from: [String])
        -> JSONValue
    {
        var config = config
        config["name"] = .string(name)
        let calls: [JSONValue] = from.map { [.string($0), 0, 0, [:]] }
        return [
            "class_name": .string(kind), "name": .string(name), "config": .object(config),
            "inbound_nodes": from.isEmpty ? [] : [.array(calls)],
        ]
    }

    private func model(
        _ layers: [JSONValue], shape: JSONValue = [.null, 8, 8, 3], output: String, version: String? = "3.0.0"
    ) throws -> KerasNetwork {
        let input: JSONValue = [
            "class_name": "InputLayer", "name": "in", "config": ["name": "in", "batch_shape": shape],
            "inbound_nodes": [],
        ]
        let config: JSONValue = [
            "class_name": "Functional",
            "config": [
                "name": "m", "layers": .array([input] + layers), "input_layers": [["in", 0, 0]],
                "output_layers": [[.string(output), 0, 0]],
            ],
        ]
        return try KerasNetwork(modelConfig: config, version: version)
    }

    private func expect(
        _ code: ZooError.Code, at path: String?, mentioning word: String = "",
        sourceLocation: SourceLocation = #_sourceLocation,
        _ body: () throws -> KerasNetwork
    ) {
        #expect(sourceLocation: sourceLocation) {
            _ = try body()
        } throws: { error in
            guard let error = error as? ZooError else { return false }
            return error.code == code && error.tensor == path
                && (word.isEmpty || error.description.contains(word))
        }
    }

    @Test func everyUnknownLayerIsNamed() throws {
        let inner: JSONValue = [
            "class_name": "Sequential",
            "config": [
                "name": "body",
                "layers": [
                    ["class_name": "InputLayer", "config": ["name": "i", "batch_shape": [.null, 8, 8, 3]]],
                    ["class_name": "Lambda", "config": ["name": "scale"]],
                ],
            ],
            "name": "body", "inbound_nodes": [[["in", 0, 0, [:]]]],
        ]
        expect(.unsupported, at: "body.scale", mentioning: "Attention (att)") {
            try model([inner, layer("Attention", "att", from: ["body"])], output: "att")
        }
    }

    @Test func graphsThatCannotBe() throws {
        expect(.corrupt, at: "a", mentioning: "circle") {
            try model(
                [layer("ReLU", "a", from: ["b"]), layer("ReLU", "b", from: ["a"])], output: "b")
        }
        expect(.corrupt, at: "nowhere") { try model([layer("ReLU", "a", from: ["nowhere"])], output: "a") }
        expect(.corrupt, at: "gone") { try model([layer("ReLU", "a", from: ["in"])], output: "gone") }
        expect(.corrupt, at: "a", mentioning: "same name") {
            try model([layer("ReLU", "a", from: ["in"]), layer("ReLU", "a", from: ["in"])], output: "a")
        }
        expect(.corrupt, at: "a", mentioning: "number of inputs") {
            try model([layer("ReLU", "a", from: ["in", "in"])], output: "a")
        }
        expect(.unsupported, at: nil, mentioning: "no layer that computes") { try model([], output: "in") }
    }

    @Test func numbersThatAreNotRead() throws {
        let cases: [(String, JSONObject, String)] = [
            ("Conv2D", ["filters": 2], "kernel_size"),
            ("Conv2D", ["filters": 2, "kernel_size": [3]], "kernel_size"),
            ("Conv2D", ["filters": 2, "kernel_size": 3, "padding": "causal"], "padding"),
            ("Conv2D", ["filters": 2, "kernel_size": 3, "activation": "mish"], "activation"),
            ("Conv2D", ["filters": 2, "kernel_size": 3, "use_bias": "no"], "use_bias"),
            ("BatchNormalization", ["axis": 1], "axis"), ("BatchNormalization", ["renorm": true], "renorm"),
            ("UpSampling2D", ["interpolation": "bicubic"], "interpolation"),
            ("Reshape", ["target_shape": [-1, -1]], "target_shape"),
            ("Permute", ["dims": [1, 1, 2]], "dims"),
            ("Dropout", ["rate": 1], "rate"),
            ("Dropout", ["rate": 0.5, "noise_shape": [1, .null, .null, .null]], "noise_shape"),
            ("Rescaling", ["scale": "big"], "scale"), ("Normalization", ["invert": true], "invert"),
            ("ZeroPadding2D", ["padding": [1, 2, 3]], "padding"), ("Merge", ["mode": "cos"], "mode"),
        ]
        for (kind, config, member) in cases {
            expect(.unsupported, at: "odd", mentioning: member) {
                try model([layer(kind, "odd", config, from: ["in"])], output: "odd")
            }
        }
        expect(.unsupported, at: "odd", mentioning: "shared_axes") {
            try model([layer("PReLU", "odd", from: ["in"])], output: "odd")
        }
        expect(.mismatch, at: "odd") {
            try model(
                [layer("Conv2D", "odd", ["filters": 2, "kernel_size": 9], from: ["in"])], output: "odd")
        }
        expect(.corrupt, at: "odd") {
            try model(
                [layer("Conv2D", "odd", ["filters": 0, "kernel_size": 3], from: ["in"])], output: "odd")
        }
        expect(.mismatch, at: "odd") {
            try model(
                [layer("MaxPooling2D", "a", from: ["in"]), layer("Add", "odd", from: ["a", "in"])],
                output: "odd")
        }
    }

    @Test func layoutsAreNotMixed() throws {
        expect(.unsupported, at: "b", mentioning: "channels_first") {
            try model(
                [
                    layer("MaxPooling2D", "a", ["data_format": "channels_last"], from: ["in"]),
                    layer("MaxPooling2D", "b", ["data_format": "channels_first"], from: ["a"]),
                ], output: "b")
        }
        // In channels_first the last axis isn't the channels.
        for (kind, config) in [
            ("Dense", ["units": 2]), ("Softmax", [:]), ("Activation", ["activation": "softmax"]),
        ] as [(String, JSONObject)] {
            expect(.unsupported, at: "odd") {
                try model(
                    [
                        layer("MaxPooling2D", "a", ["data_format": "channels_first"], from: ["in"]),
                        layer(kind, "odd", config, from: ["a"]),
                    ], output: "odd")
            }
        }
    }

    @Test func inputsThatAreNotPictures() throws {
        let relu = layer("ReLU", "a", from: ["in"])
        expect(.unsupported, at: "in") { try model([relu], shape: [.null, 2, 8, 8, 3], output: "a") }
        expect(.unsupported, at: "in") { try model([relu], shape: [.null, 8, 8, .null], output: "a") }
        expect(.corrupt, at: "in") { try model([relu], shape: [.null, 8, 0, 3], output: "a") }
        expect(.corrupt, at: "in") {
            try model([relu], shape: [.null, 8, .integer(1 << 40), 3], output: "a")
        }
    }

    @Test func trainingIsNotForced() throws {
        let drop: JSONValue = [
            "class_name": "Dropout", "name": "drop", "config": ["name": "drop", "rate": 0.5],
            "inbound_nodes": [[["in", 0, 0, ["training": true]]]],
        ]
        expect(.unsupported, at: "drop") { try model([drop], output: "drop", version: "2.4.0") }
        #expect(
            try model([drop], output: "drop").assumptions.contains {
                $0.contains("drop is called with training=True")
            })
    }

    /// Configurations from strangers: wrong types, giant counts, references to anywhere. None traps or hangs.
    @Test(arguments: ["everything", "nested_keras2", "keras1", "channels_first_h5"])
    func damagedConfigurations(_ name: String) throws {
        let entry = try #require(KerasNetworkTests.entries[name])
        let bytes = Array(entry.config.text(sortedKeys: false).utf8)
        var mutations = Mutations(of: bytes, seed: 20)
        var total = mutations.run(1_500) { (bytes) throws(ZooError) in
            let json = try JSONParser.parse(bytes)
            _ = try KerasNetwork(modelConfig: json, version: entry.version)
        }
        // Damage that leaves the document valid: values in the place of others.
        var random = ValueDamage(state: 7)
        for _ in 0..<1_500 {
            do throws(ZooError) {
                _ = try KerasNetwork(modelConfig: random.damaged(entry.config), version: entry.version)
                total.results += 1
            } catch {
                total.errors += 1
            }
        }
        #expect(total.results + total.errors == 3_000)
        #expect(total.errors > 1_000, "\(total)")
    }

    @Test func modelsInModelsHaveAnEnd() throws {
        var inner: JSONValue = ["class_name": "ReLU", "config": ["name": "end"]]
        for depth in 0..<60 {
            inner = [
                "class_name": "Sequential",
                "config": ["name": .string("s\(depth)"), "layers": [inner]],
            ]
        }
        #expect { try KerasNetwork(modelConfig: inner) } throws: { ($0 as? ZooError)?.code == .limitExceeded }
        // Sharing can double at every level: 2²⁰ layers from twenty descriptions.
        func doubled(_ body: JSONValue, _ name: String) -> JSONValue {
            [
                "class_name": "Functional", "name": .string(name),
                "config": [
                    "name": .string(name),
                    "layers": [
                        [
                            "class_name": "InputLayer", "name": "in",
                            "config": ["name": "in", "batch_shape": [.null, 8, 8, 3]], "inbound_nodes": [],
                        ],
                        body,
                    ],
                    "input_layers": [["in", 0, 0]], "output_layers": [["body", 2, 0]],
                ],
                "inbound_nodes": [[["in", 0, 0, [:]]], [["body", 1, 0, [:]]]],
            ]
        }
        var body = layer("ReLU", "body", from: ["in"])
        for _ in 0..<20 { body = doubled(body, "body") }
        #expect(throws: ZooError.self) { try KerasNetwork(modelConfig: body) }
        // Also when there is nothing inside.
        var empty = doubled(layer("ReLU", "unused", from: ["in"]), "body")
        empty = replacing("output_layers", by: [["in", 0, 0]], in: empty)
        for _ in 0..<22 { empty = doubled(empty, "body") }
        expect(.limitExceeded, at: nil, mentioning: "multiply") { try KerasNetwork(modelConfig: empty) }
    }

    private func replacing(_ key: String, by value: JSONValue, in model: JSONValue) -> JSONValue {
        guard case .object(var members) = model, case .object(var config)? = members["config"] else {
            return model
        }
        config[key] = value
        members["config"] = .object(config)
        return .object(members)
    }

    /// Each path repeats the names around it: fifteen of ten thousand letters, a thousand times.
    @Test func longNamesMultiply() {
        let name = String(repeating: "x", count: 10_000)
        func sequential(_ layers: [JSONValue]) -> JSONValue {
            let input: JSONValue = [
                "class_name": "InputLayer", "config": ["name": "i", "batch_shape": [.null, 8, 8, 3]],
            ]
            return [
                "class_name": "Sequential",
                "config": ["name": .string(name), "layers": .array([input] + layers)],
            ]
        }
        var body = sequential((0..<1000).map { layer("ReLU", "r\($0)", from: []) })
        for _ in 0..<15 { body = sequential([body]) }
        expect(.limitExceeded, at: nil, mentioning: "too long") { try KerasNetwork(modelConfig: body) }
    }
}

/// Puts values of a document in the place of others, and numbers that break arithmetic.
private struct ValueDamage {
    var state: UInt64

    private mutating func below(_ bound: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int((state >> 33) % UInt64(max(bound, 1)))
    }

    mutating func damaged(_ document: JSONValue) -> JSONValue {
        var count = 0
        Self.visit(document) { _ in count += 1 }
        var targets = Set<Int>()
        for _ in 0...below(3) { targets.insert(below(count)) }
        var pool: [JSONValue] = [
            .null, .bool(true), .integer(0), .integer(-1), .integer(1), .integer(.max), .integer(.min),
            .integer(1 << 24),
            .integer(1 << 40), .number(1e300), .number(-0.5), .string(""), .string("same"), .array([]),
            .object([:]),
        ]
        let chosen = below(count)
        var index = 0
        Self.visit(document) { value in
            if index == chosen { pool.append(value) }
            index += 1
        }
        var position = 0
        return replaced(document, at: targets, &position, pool)
    }

    private static func visit(_ value: JSONValue, _ body: (JSONValue) -> Void) {
        body(value)
        for element in value.arrayValue ?? [] { visit(element, body) }
        for (_, member) in value.objectValue?.members ?? [] { visit(member, body) }
    }

    private mutating func replaced(
        _ value: JSONValue, at targets: Set<Int>, _ position: inout Int, _ pool: [JSONValue]
    ) -> JSONValue {
        let isTarget = targets.contains(position)
        position += 1
        if isTarget { return pool[below(pool.count)] }
        if let list = value.arrayValue {
            var result: [JSONValue] = []
            for element in list { result.append(replaced(element, at: targets, &position, pool)) }
            return .array(result)
        }
        guard let object = value.objectValue else { return value }
        var result = JSONObject()
        for (key, member) in object.members { result[key] = replaced(member, at: targets, &position, pool) }
        return .object(result)
    }
}
