internal import ZooContainers
public import ZooTensors

/// What a Keras model's configuration would have Python run.
public enum KerasConfigScan {
    /// One sentence for each layer or function that carries code, that reads other files, or that is made by code
    /// outside Keras.
    public static func findings(_ config: [UInt8]) -> [String] {
        var options = JSONParser.Options()
        options.acceptsNonFiniteNumbers = true
        do throws(ZooError) {
            return findings(try JSONParser.parse(config, options: options))
        } catch {
            // Python may read it all the same.
            return ["the configuration can't be judged: \(error.problem)"]
        }
    }

    /// The same of a document that was read already.
    public static func findings(_ document: JSONValue) -> [String] {
        var result: [String] = []
        look(into: document, &result)
        return result
    }

    /// Layers that carry code, or run what lies elsewhere.
    private static let layersWithCode: Set<String> = [
        "Lambda", "TFOpLambda", "SlicingOpLambda", "TorchModuleWrapper", "TFSMLayer", "JaxLayer", "FlaxLayer",
    ]
    /// Modules of Keras whose functions compute and do nothing else.
    private static let harmlessModules: Set<String> = [
        "activations", "losses", "metrics", "initializers", "regularizers", "constraints", "ops", "nn",
        "backend", "layers", "optimizers", "dtype_policies", "quantizers", "random",
    ]
    private static let harmlessBuiltins: Set<String> = [
        "dict", "list", "tuple", "int", "float", "str", "bool", "slice", "set", "complex", "bytes",
        "Ellipsis",
        "NoneType",
    ]

    private static func look(into value: JSONValue, _ result: inout [String]) {
        guard result.count < 100 else { return }
        switch value {
        case .array(let items): for item in items { look(into: item, &result) }
        case .object(let members):
            if let name = members["class_name"]?.stringValue { judge(name, members, &result) }
            for (_, member) in members.members { look(into: member, &result) }
        default: break
        }
    }

    private static func judge(_ name: String, _ members: JSONObject, _ result: inout [String]) {
        let config = members["config"]
        if layersWithCode.contains(name) {
            let layer = config?["name"]?.stringValue ?? "?"
            add(
                "the layer \(quoted(layer)) is a \(name), which runs code from the file or beside it", &result
            )
        } else if name == "__lambda__" {
            add("a function's code is stored in the file, and loading it runs it", &result)
        }
        if let vocabulary = config?["vocabulary"]?.stringValue {
            add("a \(quoted(name)) reads the file \(quoted(vocabulary))", &result)
        }
        guard let module = members["module"]?.stringValue else { return }
        // A function is named by its config.
        let isFunction = name == "function"
        let what = isFunction ? config?.stringValue ?? name : name
        let full = module + "." + what
        if !isOfKeras(module, what) {
            add("loading it imports \(quoted(full)), which isn't Keras'", &result)
        } else if isFunction,
            !harmlessModules.contains(where: { module.split(separator: ".").contains(Substring($0)) })
        {
            add("loading it takes \(quoted(full)), which is more than a layer's function", &result)
        }
    }

    private static func isOfKeras(_ module: String, _ name: String) -> Bool {
        if module == "builtins" { return harmlessBuiltins.contains(name) }
        let parts = module.split(separator: ".")
        if parts.count > 1, parts[0] == "tensorflow" { return parts[1] == "keras" }
        return parts.first.map { ["keras", "keras_core", "tf_keras"].contains($0) } ?? true
    }

    private static func add(_ text: String, _ result: inout [String]) {
        if !result.contains(text) { result.append(text) }
    }
}
