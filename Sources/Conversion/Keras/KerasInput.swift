import ZooLayerGraphs
import ZooTensors

/// What goes into the model.
extension KerasGraphBuilder {
    /// Sets the size of the pictures, and gives what the first layer reads.
    mutating func inputValue(_ description: KerasDescription, inputSize: Int?) throws(ZooError) -> Value {
        guard description.inputs.count <= 1 else {
            throw ZooError(
                .unsupported, "the model has several inputs", found: "\(description.inputs.count)",
                remedy: "Only models of one picture are read.")
        }
        guard let (layer, stated) = statedShape(description) else {
            throw ZooError(
                .unsupported, "model_config doesn't state the size of its input",
                remedy: "Give the model an Input in Keras, or call it once, and save it again.")
        }
        let extents = try numbers(stated, layer: layer, inputSize: inputSize)
        switch extents.count {
        case 3:
            let canonical = canonicalExtents(extents)
            input = InputShape(channels: canonical[0], height: canonical[1], width: canonical[2])
            return Value(node: LayerGraph.inputPath, shape: input.shape(batch: 1))
        case 2: input = InputShape(channels: 1, height: extents[0], width: extents[1])
        default: input = InputShape(channels: extents[0], height: 1, width: 1)
        }
        // Pictures without an axis of channels, or vectors: the same numbers under the shape that the model states.
        let name = layer.nonempty ?? "input_shape"
        let described = KerasDescription.Layer(
            className: "InputLayer", name: name, path: name, outermost: name, module: nil, config: .null,
            isTrainable: true,
            store: "", calls: [], model: nil)
        let site = Site(
            layer: described, arguments: KerasArguments(described),
            path: name == LayerGraph.inputPath ? "input_shape" : name, owner: nil)
        return try emit(
            .reshape(Reshape(canonicalExtents(extents), order: dialect.order)),
            [Value(node: LayerGraph.inputPath, shape: input.shape(batch: 1))], at: site)
    }

    /// The name of the layer that states a shape, and the shape with the batch.
    private func statedShape(_ description: KerasDescription) -> (layer: String, shape: [JSONValue])? {
        func shape(_ layer: KerasDescription.Layer) -> [JSONValue]? {
            if let shape = (layer.config["batch_shape"] ?? layer.config["batch_input_shape"])?.arrayValue {
                return shape
            }
            return layer.config["input_dim"]?.intValue.map { [.null, .integer($0)] }
        }
        if let reference = description.inputs.first {
            guard let layer = description.layers.first(where: { $0.name == reference.layer }) else {
                return nil
            }
            return shape(layer).map { (layer.name, $0) }
        }
        guard let first = description.layers.first else { return nil }
        if let shape = shape(first) { return (first.isInput ? first.name : "", shape) }
        if let shape = description.inputShape?.arrayValue { return ("", shape) }
        // A Sequential that begins with a model takes what that takes.
        if let model = first.model { return statedShape(model.description).map { ("", $0.shape) } }
        return nil
    }

    /// The extents without the batch, with the size that was asked for where the model leaves it open.
    private func numbers(
        _ shape: [JSONValue], layer: String, inputSize: Int?
    ) throws(ZooError) -> [Int] {
        let stated = shape.dropFirst().map(KerasArguments.wholeNumber)
        let name = layer.nonempty
        guard (1...3).contains(stated.count) else {
            throw ZooError(
                .unsupported, "the model doesn't take pictures", tensor: name, expected: "[N, H, W, C]",
                found: JSONValue.array(shape).text())
        }
        let channel = dialect.order == .channelsLast ? stated.count - 1 : 0
        let isFixed = stated.enumerated().allSatisfy {
            $0.element != nil || (stated.count == 3 && $0.offset == channel)
        }
        if isFixed, let inputSize, stated.count > 1 {
            let sizes =
                stated.count == 3
                ? stated.enumerated().filter { $0.offset != channel }.map(\.element) : stated
            guard sizes.allSatisfy({ $0 == inputSize }) else {
                throw ZooError(
                    .mismatch, "the file's model_config states another picture size than the one asked for",
                    expected: "\(inputSize)",
                    found: sizes.map { $0.map(String.init) ?? "?" }.joined(separator: "×"),
                    remedy: "Leave --input-size out.")
            }
        }
        var result: [Int] = []
        for (axis, extent) in stated.enumerated() {
            let isSize = stated.count == 2 || (stated.count == 3 && axis != channel)
            guard let number = extent ?? (isSize ? inputSize : nil) else {
                throw ZooError(
                    .unsupported,
                    isSize
                        ? "the model takes pictures of any size, and its padding depends on it"
                        : "model_config leaves the number of channels or features open",
                    tensor: name, found: JSONValue.array(shape).text(),
                    remedy: isSize
                        ? "Say which: --input-size 224." : "Give the model an Input with channels in Keras.")
            }
            guard (1...65_536).contains(number) else {
                throw ZooError(
                    .corrupt, "an extent of the model's input is out of range", tensor: name,
                    found: "\(number)")
            }
            result.append(number)
        }
        return result
    }
}
