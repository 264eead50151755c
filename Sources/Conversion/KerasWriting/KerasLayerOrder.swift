/// The order in which Keras lists the layers of a Functional model (`map_graph` in `keras.src.ops.function`): by their
/// distance from the output, and at the same distance as a walk from the output meets them. Names of a `.weights.h5`
/// and the pairing of layers with those of an `.h5` follow it, so a file in another order would load other layers'
/// numbers.
struct KerasLayerOrder {
    /// A call of a layer.
    struct Call: Hashable {
        let layer: Int
        let call: Int
    }

    /// Places of the layers that the output depends on, in Keras' order.
    let layers: [Int]

    /// - Parameters:
    ///   - operands: of each call of each layer, in the order in which Keras sees them.
    ///   - output: the call that gives the model's result.
    init(_ operands: [[[Call]]], output: Call) {
        var met: [Int: Int] = [:]
        var finished: [Call] = []
        var state: [Call: Int] = [:]
        // Depth first with a stack of its own: how many operands of a call were entered stands in `state`.
        var stack = [output]
        while let call = stack.last {
            if state[call] == nil {
                state[call] = 0
                met[call.layer] = met[call.layer] ?? met.count
            }
            let inputs = operands[call.layer][call.call]
            let next = state[call] ?? 0
            if next < inputs.count {
                state[call] = next + 1
                if state[inputs[next]] == nil { stack.append(inputs[next]) }
            } else {
                finished.append(call)
                stack.removeLast()
            }
        }
        var callDepths: [Call: Int] = [:]
        var depths: [Int: Int] = [:]
        for call in finished.reversed() {
            let depth = max(callDepths[call] ?? 0, depths[call.layer] ?? 0)
            depths[call.layer] = depth
            callDepths[call] = depth
            for operand in operands[call.layer][call.call] {
                callDepths[operand] = max(depth + 1, callDepths[operand] ?? 0)
            }
        }
        self.layers = depths.keys.sorted { left, right in
            let (a, b) = (depths[left] ?? 0, depths[right] ?? 0)
            return a == b ? (met[left] ?? 0) < (met[right] ?? 0) : a > b
        }
    }
}
