import ZooTensors

/// The calls of a Functional model in an order in which they can be computed: Keras' own where that is one.
struct KerasCallOrder {
    /// One call of one layer.
    struct CallName: Hashable {
        let layer: String
        let call: Int
    }

    /// All calls that the outputs depend on.
    private(set) var calls: [CallName] = []
    /// The layers by name.
    let layers: [String: KerasDescription.Layer]

    /// - Throws: ``ZooError`` when layers feed each other in a circle, or one reads what isn't there.
    init(_ description: KerasDescription, prefix: String) throws(ZooError) {
        var layers: [String: KerasDescription.Layer] = [:]
        for layer in description.layers { layers[layer.name] = layer }
        self.layers = layers
        let inputs = Set(description.inputs.map(\.layer))
        for reference in description.inputs where layers[reference.layer]?.isInput != true {
            throw KerasCallOrder.missing(reference, prefix: prefix)
        }
        // Depth first with a stack of its own: a chain may be thousands of layers long.
        var isDone: [CallName: Bool] = [:]
        var needed = Set<CallName>()
        var pending = description.outputs.map { CallName(layer: $0.layer, call: $0.call) }
        while let name = pending.popLast() {
            guard needed.insert(name).inserted else { continue }
            pending += try operands(of: name, inputs: inputs, prefix: prefix)
        }
        for layer in description.layers {
            for call in 0..<max(layer.calls.count, layer.isInput ? 1 : 0) {
                let start = CallName(layer: layer.name, call: call)
                guard needed.contains(start), isDone[start] == nil else { continue }
                var stack = [start]
                while let name = stack.last {
                    if isDone[name] == nil {
                        isDone[name] = false
                        for operand in try operands(of: name, inputs: inputs, prefix: prefix) {
                            switch isDone[operand] {
                            case true?: continue
                            case false?:
                                throw ZooError(
                                    .corrupt, "the layers of model_config feed each other in a circle",
                                    tensor: prefix.isEmpty ? operand.layer : "\(prefix).\(operand.layer)")
                            case nil: stack.append(operand)
                            }
                        }
                    } else {
                        stack.removeLast()
                        if isDone[name] == false {
                            isDone[name] = true
                            calls.append(name)
                        }
                    }
                }
            }
        }
    }

    private func operands(
        of name: CallName, inputs: Set<String>, prefix: String
    ) throws(ZooError) -> [CallName] {
        let reference = KerasDescription.Reference(layer: name.layer, call: name.call, result: 0)
        guard let layer = layers[name.layer] else { throw KerasCallOrder.missing(reference, prefix: prefix) }
        if layer.isInput {
            guard name.call == 0, inputs.contains(name.layer) else {
                throw KerasCallOrder.missing(reference, prefix: prefix)
            }
            return []
        }
        guard layer.calls.indices.contains(name.call) else {
            throw KerasCallOrder.missing(reference, prefix: prefix)
        }
        return layer.calls[name.call].operands.map { CallName(layer: $0.layer, call: $0.call) }
    }

    private static func missing(_ reference: KerasDescription.Reference, prefix: String) -> ZooError {
        ZooError(
            .corrupt, "model_config connects to a layer, or a call of one, that isn't there",
            tensor: prefix.isEmpty ? reference.layer : "\(prefix).\(reference.layer)",
            found: "call \(reference.call)")
    }
}
