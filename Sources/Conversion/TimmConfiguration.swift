import ZooLayerGraphs
public import ZooModels
public import ZooTensors

/// The `config.json` that timm writes beside weights (`save_for_hf`, `push_to_hf_hub`) and reads in
/// `create_model("local-dir:FOLDER")`.
public struct TimmConfiguration: Sendable {
    /// The document.
    public let json: JSONValue
    /// What of the model timm's document has no word for, one sentence each.
    public let notes: [String]

    /// Describes a model whose tensors have their canonical names.
    public init(_ model: Model) {
        let graph = model.graph
        let names = Dialect.of(graph.architecture).first { $0.name == "timm" }
        func name(_ path: String) -> JSONValue { .string(names?.pair(node: path)?.source ?? path) }
        let (preprocessing, notes) = TimmConfiguration.preprocessing(model.preprocessing, input: graph.input)
        var root: JSONObject = [
            "architecture": .string(graph.architecture.replacing("-", with: "_")),
            "num_classes": .integer(graph.classCount ?? 0),
        ]
        if let head = graph.head, case .linear(let layer)? = graph[head]?.layer {
            root["num_features"] = .integer(layer.inputFeatures)
        }
        if let labels = model.labels { root["label_names"] = .array(labels.map { .string($0) }) }
        root["model_args"] = [
            "num_classes": .integer(graph.classCount ?? 0), "in_chans": .integer(graph.input.channels),
        ]
        var trained: JSONObject = ["custom_load": false]
        trained["input_size"] = [
            .integer(graph.input.channels), .integer(graph.input.height), .integer(graph.input.width),
        ]
        // What flattens a feature map of more than one place can't take pictures of another size.
        trained["fixed_input_size"] = .bool(TimmConfiguration.isSizeFixed(graph))
        for (key, value) in preprocessing.members { trained[key] = value }
        trained["num_classes"] = .integer(graph.classCount ?? 0)
        trained["pool_size"] = .null
        let first = graph.nodes.first { if case .convolution = $0.layer { true } else { false } }
        trained["first_conv"] = first.map { name($0.path) } ?? .null
        trained["classifier"] = graph.head.map(name) ?? .null
        root["pretrained_cfg"] = .object(trained)
        json = .object(root)
        self.notes = notes
    }

    private static func isSizeFixed(_ graph: LayerGraph) -> Bool {
        graph.nodes.contains { node in
            guard case .flatten = node.layer else { return false }
            switch node.inputs.first.flatMap({ graph[$0]?.layer }) {
            case .adaptivePooling, .globalPooling: return false
            default: return true
            }
        }
    }

    /// timm resizes, takes the middle, brings pixels to 0…1 and normalises them.
    private static func preprocessing(
        _ source: Preprocessing, input: InputShape
    ) -> (members: JSONObject, notes: [String]) {
        var notes: [String] = []
        if source.padding != .none {
            notes.append("timm's config.json has no word for the pixels that are added around the picture")
        }
        if source.channels == .bgr {
            notes.append("timm's config.json has no word for the order blue, green, red of the channels")
        }
        // (x·s − m) / d with x = 255·t is (t − m / 255s) / (d / 255s).
        let range = source.scale * 255
        func perChannel(_ values: [Double], otherwise value: Double) -> JSONValue {
            let list = values.isEmpty ? [Double](repeating: value, count: input.channels) : values
            return .array(list.map { .number(abs(range - 1) < 1e-12 ? $0 : $0 / range) })
        }
        // Without a crop, straight to the size whatever the picture's proportions.
        let (share, mode) =
            source.shorterSide.flatMap { side in
                source.crop.map { (Double($0.height) / Double(max(side, 1)), "center") }
            } ?? (1.0, "squash")
        return (
            [
                "interpolation": .string(source.interpolation.rawValue),
                "crop_pct": .number(share), "crop_mode": .string(mode),
                "mean": perChannel(source.mean, otherwise: 0),
                "std": perChannel(source.standardDeviation, otherwise: 1),
            ], notes
        )
    }
}
