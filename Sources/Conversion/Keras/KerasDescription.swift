import ZooCheckpoints
import ZooTensors

/// A Keras model as its `model_config` describes it, in any version's dialect: layers, and which calls of them feed
/// which. Nothing is known of what the layers do yet.
struct KerasDescription {
    /// A result of a call: of which layer, its how manieth call, and which of the results.
    struct Reference: Hashable {
        let layer: String
        let call: Int
        let result: Int
    }

    /// One use of a layer.
    struct Call {
        /// Where the operands come from, in order.
        var operands: [Reference]
        /// Whether something else than tensors of the model is an operand, such as a constant.
        var hasConstants = false
        /// Whether it is made to do what it does while training.
        var isTraining = false
    }

    /// A layer, or a model in a layer's place.
    struct Layer {
        let className: String
        let name: String
        /// Names of the models around it and its own, joined by dots.
        let path: String
        /// Name of the outermost model around it; its own in none.
        let outermost: String
        /// The Python module that the class is from, where the file says it.
        let module: String?
        let config: JSONValue
        /// Whether it learns, by its own setting and those of the models around it.
        let isTrainable: Bool
        /// Where a `.weights.h5` keeps its variables: `layers/functional/layers/conv2d_1`.
        let store: String
        var calls: [Call]
        /// The layers of a model.
        let model: Box?

        var isInput: Bool { className == "InputLayer" }
    }

    /// Breaks the circle of a structure that holds itself.
    final class Box: Sendable {
        let description: KerasDescription
        init(_ description: KerasDescription) { self.description = description }
    }

    let name: String
    let isSequential: Bool
    /// The shape of the input without the batch where a Sequential without an InputLayer states one.
    let inputShape: JSONValue?
    let layers: [Layer]
    let inputs: [Reference]
    let outputs: [Reference]
}

/// Reads a ``KerasDescription``.
struct KerasDescriptionReader {
    /// Bounds for configurations from strangers.
    private static let mostLayers = 20_000
    private static let mostReferences = 200_000
    private static let deepest = 24
    /// Bytes of all paths: each repeats the names of the models around its layer.
    private static let mostPathBytes = 4 << 20

    private var layerCount = 0
    private var pathBytes = 0
    private var referenceCount = 0

    /// Reads what stands under `model_config`, or in an archive's `config.json`.
    /// - Throws: ``ZooError`` for documents that describe no Sequential or Functional model.
    static func read(_ json: JSONValue) throws(ZooError) -> KerasDescription {
        var reader = KerasDescriptionReader()
        return try reader.model(
            json, at: Place(path: "", outermost: nil, store: "", isTrainable: true), depth: 0)
    }

    /// What the models around a layer say about it.
    private struct Place {
        let path: String
        /// Name of the outermost model below the whole; `nil` outside.
        let outermost: String?
        let store: String
        let isTrainable: Bool
    }

    /// Whether a layer's entry is a model.
    private static func isModel(_ json: JSONValue) -> Bool {
        json["config"]?["layers"]?.arrayValue != nil
            || (json["class_name"]?.stringValue == "Sequential" && json["config"]?.arrayValue != nil)
    }

    private mutating func model(_ json: JSONValue, at place: Place, depth: Int) throws(ZooError)
        -> KerasDescription
    {
        guard depth <= Self.deepest else {
            throw ZooError(
                .limitExceeded, "the models in model_config are nested too deep", tensor: place.path.nonempty,
                expected: "at most \(Self.deepest) levels")
        }
        let json = try KerasHubResNet.expanded(json)
        guard let className = json["class_name"]?.stringValue, let config = json["config"] else {
            throw ZooError(
                .corrupt, "a model of model_config has no class_name or config", tensor: place.path.nonempty)
        }
        // Keras 1 and 2.0 write a Sequential as a bare list.
        guard let entries = config["layers"]?.arrayValue ?? config.arrayValue, !entries.isEmpty else {
            throw ZooError(
                .unsupported, "model_config describes neither a Sequential nor a Functional model",
                tensor: place.path.nonempty, found: className,
                remedy: "A model that is a Python class of its own can be rebuilt in Keras with layers alone."
            )
        }
        let isSequential =
            className == "Sequential"
            || config["input_layers"] == nil && entries.allSatisfy { $0["inbound_nodes"] == nil }
        var layers: [KerasDescription.Layer] = []
        var names = Set<String>()
        var uses: [String: Int] = [:]
        for entry in entries {
            let layer = try layer(entry, in: place, isSequential: isSequential, uses: &uses, depth: depth)
            guard names.insert(layer.name).inserted else {
                throw ZooError(.corrupt, "two layers of model_config have the same name", tensor: layer.path)
            }
            layers.append(layer)
        }
        var inputs: [KerasDescription.Reference] = []
        var outputs: [KerasDescription.Reference] = []
        if !isSequential {
            inputs = try references(config["input_layers"] ?? .null, path: place.path)
            outputs = try references(config["output_layers"] ?? .null, path: place.path)
            try number(&layers, outputs: &outputs, isOlder: !entries.contains(where: Self.hasNewerCalls))
        }
        return KerasDescription(
            name: config["name"]?.stringValue ?? className, isSequential: isSequential,
            inputShape: config["build_input_shape"] ?? json["build_config"]?["input_shape"], layers: layers,
            inputs: inputs, outputs: outputs)
    }

    private mutating func layer(
        _ json: JSONValue, in place: Place, isSequential: Bool, uses: inout [String: Int], depth: Int
    ) throws(ZooError) -> KerasDescription.Layer {
        layerCount += 1
        guard layerCount <= Self.mostLayers else {
            throw ZooError(.limitExceeded, "model_config has more than \(Self.mostLayers) layers")
        }
        let json = try KerasHubResNet.expanded(json)
        guard let className = json["class_name"]?.stringValue, let config = json["config"] else {
            throw ZooError(
                .corrupt, "a layer of model_config has no class or configuration", tensor: place.path.nonempty
            )
        }
        guard let name = json["name"]?.stringValue ?? config["name"]?.stringValue ?? Self.fallbackName(json),
            !name.isEmpty
        else {
            throw ZooError(
                .corrupt, "a layer of model_config has no name", tensor: place.path.nonempty, found: className
            )
        }
        let path = place.path.isEmpty ? name : "\(place.path).\(name)"
        // A Sequential's InputLayer isn't among its layers, a Functional model's is.
        var store = ""
        if !(isSequential && className == "InputLayer") {
            let base = KerasSnakeCase.name(className)
            let count = uses[base, default: 0]
            uses[base] = count + 1
            let parent = place.store.isEmpty ? "layers" : "\(place.store)/layers"
            store = "\(parent)/\(count == 0 ? base : "\(base)_\(count)")"
        }
        pathBytes += path.utf8.count + store.utf8.count
        guard pathBytes <= Self.mostPathBytes else {
            throw ZooError(
                .limitExceeded, "the names in model_config are too long for models in models",
                expected: "at most \(Self.mostPathBytes) bytes with the names around them")
        }
        let isTrainable = place.isTrainable && config["trainable"]?.boolValue != false
        var box: KerasDescription.Box?
        if Self.isModel(json) {
            let inner = Place(
                path: path, outermost: place.outermost ?? name, store: store, isTrainable: isTrainable)
            box = KerasDescription.Box(try model(json, at: inner, depth: depth + 1))
        }
        var calls: [KerasDescription.Call] = []
        for node in isSequential ? [] : json["inbound_nodes"]?.arrayValue ?? [] {
            calls.append(try call(node, path: path))
        }
        return KerasDescription.Layer(
            className: className, name: name, path: path, outermost: place.outermost ?? name,
            module: json["module"]?.stringValue, config: config, isTrainable: isTrainable, store: store,
            calls: calls, model: box)
    }

    /// Keras 1's Sequential in a Sequential has a bare list for its configuration, and no name.
    private static func fallbackName(_ json: JSONValue) -> String? {
        json["config"]?.arrayValue == nil ? nil : "sequential"
    }

    // MARK: Calls

    /// Whether a layer's calls are written as Keras 3 does it.
    private static func hasNewerCalls(_ json: JSONValue) -> Bool {
        json["inbound_nodes"]?.arrayValue?.contains { $0["args"] != nil } == true
    }

    /// One entry of `inbound_nodes`: `[["conv", 0, 0, {}], …]`, or `{"args": …, "kwargs": …}` with tensors anywhere
    /// in the arguments.
    private mutating func call(_ json: JSONValue, path: String) throws(ZooError) -> KerasDescription.Call {
        var call = KerasDescription.Call(operands: [])
        if let list = json.arrayValue {
            for entry in list {
                call.operands.append(try reference(entry, path: path))
                call.isTraining =
                    call.isTraining || entry.arrayValue?.dropFirst(3).first?["training"]?.boolValue == true
            }
            return call
        }
        guard let arguments = json["args"]?.arrayValue else {
            throw ZooError(.corrupt, "a call of a layer in model_config isn't understood", tensor: path)
        }
        for argument in arguments { try collect(argument, into: &call, path: path, depth: 0) }
        call.isTraining = json["kwargs"]?["training"]?.boolValue == true
        for (name, value) in json["kwargs"]?.objectValue?.members ?? [] {
            var other = KerasDescription.Call(operands: [])
            try collect(value, into: &other, path: path, depth: 0)
            guard other.operands.isEmpty else {
                throw ZooError(
                    .unsupported, "a layer gets a tensor by the argument \"\(name)\"", tensor: path,
                    remedy: "Only layers that are called with their inputs alone are read.")
            }
        }
        return call
    }

    private mutating func collect(
        _ json: JSONValue, into call: inout KerasDescription.Call, path: String, depth: Int
    ) throws(ZooError) {
        guard depth < 8 else {
            throw ZooError(.corrupt, "a call's arguments are nested too deep", tensor: path)
        }
        if json["class_name"]?.stringValue == "__keras_tensor__" {
            guard let history = json["config"]?["keras_history"] else {
                throw ZooError(.corrupt, "an operand of a layer has no history", tensor: path)
            }
            call.operands.append(try reference(history, path: path))
        } else if let list = json.arrayValue {
            for element in list { try collect(element, into: &call, path: path, depth: depth + 1) }
        } else if json != .null, json != .bool(false) {
            call.hasConstants = true
        }
    }

    /// `["conv", 0, 0]`, with what Keras 2 appends.
    private mutating func reference(_ json: JSONValue, path: String) throws(ZooError)
        -> KerasDescription.Reference
    {
        referenceCount += 1
        guard referenceCount <= Self.mostReferences else {
            throw ZooError(.limitExceeded, "model_config has more than \(Self.mostReferences) connections")
        }
        guard let parts = json.arrayValue, parts.count >= 3, let layer = parts[0].stringValue,
            let call = parts[1].intValue, let result = parts[2].intValue,
            (0...Self.mostReferences).contains(call), (0...Self.mostReferences).contains(result)
        else {
            throw ZooError(.corrupt, "a connection in model_config isn't understood", tensor: path.nonempty)
        }
        return KerasDescription.Reference(layer: layer, call: call, result: result)
    }

    /// One reference, or a list or dictionary of them.
    private mutating func references(
        _ json: JSONValue, path: String
    ) throws(ZooError) -> [KerasDescription.Reference] {
        if let parts = json.arrayValue, parts.first?.stringValue != nil {
            return [try reference(json, path: path)]
        }
        var result: [KerasDescription.Reference] = []
        for entry in json.arrayValue ?? json.objectValue?.members.map(\.value) ?? [] {
            result.append(try reference(entry, path: path))
        }
        guard !result.isEmpty else {
            throw ZooError(
                .corrupt, "model_config doesn't say where the model begins or ends", tensor: path.nonempty)
        }
        return result
    }

    /// Counts the calls of models from 0. A model's own making counts as its first call in Keras 1 and 2, and in
    /// Keras 3 where outputs are listed.
    private func number(
        _ layers: inout [KerasDescription.Layer], outputs: inout [KerasDescription.Reference], isOlder: Bool
    ) throws(ZooError) {
        var models: [String: Int] = [:]
        for layer in layers where layer.model != nil { models[layer.name] = layer.calls.count }
        guard !models.isEmpty else { return }
        var shifts: [String: Int] = [:]
        if isOlder {
            var last: [String: Int] = [:]
            for reference in layers.flatMap({ $0.calls.flatMap(\.operands) }) + outputs
            where models[reference.layer] != nil {
                last[reference.layer] = max(last[reference.layer] ?? 0, reference.call)
            }
            // Every call is used by something, so the highest number tells where counting began.
            for (name, number) in last { shifts[name] = max(number - (models[name] ?? 0) + 1, 0) }
        }
        func shifted(_ reference: KerasDescription.Reference, by shift: Int) -> KerasDescription.Reference {
            KerasDescription.Reference(
                layer: reference.layer, call: max(reference.call - shift, 0), result: reference.result)
        }
        for (name, shift) in shifts where shift > 1 {
            throw ZooError(.corrupt, "model_config uses a call of a model that it doesn't list", tensor: name)
        }
        for position in layers.indices {
            for call in layers[position].calls.indices {
                layers[position].calls[call].operands = layers[position].calls[call].operands.map {
                    shifted($0, by: shifts[$0.layer] ?? 0)
                }
            }
        }
        let functional = Set(layers.filter { $0.model?.description.isSequential == false }.map(\.name))
        outputs = outputs.map {
            shifted($0, by: isOlder ? shifts[$0.layer] ?? 0 : functional.contains($0.layer) ? 1 : 0)
        }
    }
}

extension String {
    /// `nil` for no text, which errors leave out.
    var nonempty: String? { isEmpty ? nil : self }
}
