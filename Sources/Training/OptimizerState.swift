internal import CZooKernels
package import ZooTensors

/// The optimizer's memory of one parameter, and the update itself, on plain memory in whatever layout the
/// parameter has: every rule works element by element, and keeps zeros zero.
package struct OptimizerState {
    /// Momentum buffer, or first and second moments, by slot name; empty until the first step.
    package private(set) var slots: [String: [Float]]
    /// Updates made to this parameter so far.
    package private(set) var updates: Int

    /// A memory, by default an empty one.
    package init(slots: [String: [Float]] = [:], updates: Int = 0) {
        self.slots = slots
        self.updates = updates
    }

    /// Changes `parameter` by `gradient`.
    package mutating func apply(_ update: OptimizerUpdate, to parameter: inout [Float], gradient: [Float]) {
        unsafe parameter.withUnsafeMutableBufferPointer { parameter in
            unsafe gradient.withUnsafeBufferPointer { unsafe apply(update, to: parameter, gradient: $0) }
        }
    }

    /// Changes `parameter` by `gradient`, where they lie.
    package mutating func apply(
        _ update: OptimizerUpdate, to parameter: UnsafeMutableBufferPointer<Float>,
        gradient: UnsafeBufferPointer<Float>
    ) {
        let count = min(parameter.count, gradient.count)
        guard let value = parameter.baseAddress, let slope = gradient.baseAddress else { return }
        updates += 1
        switch update.rule {
        case .sgd(let momentum, let dampening, let weightDecay, let nesterov):
            let rate = Float(update.learningRate)
            guard momentum != 0 else {
                unsafe zoo_sgd_update(value, slope, nil, count, rate, 0, 0, weightDecay, false, false)
                return
            }
            var buffer = slots.removeValue(forKey: "momentum_buffer") ?? []
            let isFirst = buffer.isEmpty
            if isFirst { buffer = [Float](repeating: 0, count: count) }
            unsafe zoo_sgd_update(
                value, slope, &buffer, count, rate, momentum, dampening, weightDecay, nesterov, isFirst)
            slots["momentum_buffer"] = buffer
        case .adam(let beta1, let beta2, let epsilon, let weightDecay):
            var first = slots.removeValue(forKey: "exp_avg") ?? [Float](repeating: 0, count: count)
            var second = slots.removeValue(forKey: "exp_avg_sq") ?? [Float](repeating: 0, count: count)
            let correction1 = 1 - power(beta1, updates)
            let correction2 = squareRoot(1 - power(beta2, updates))
            unsafe zoo_adam_update(
                value, slope, &first, &second, count, Float(1 - beta1), Float(beta2), Float(1 - beta2),
                Float(update.learningRate / correction1), Float(correction2), Float(epsilon), weightDecay)
            slots["exp_avg"] = first
            slots["exp_avg_sq"] = second
        }
    }

    /// The same memory with each slot's numbers brought into another layout.
    package func mappingSlots(
        _ transform: ([Float]) throws(ZooError) -> [Float]
    ) throws(ZooError) -> OptimizerState {
        var changed: [String: [Float]] = [:]
        for (name, values) in slots { changed[name] = try transform(values) }
        return OptimizerState(slots: changed, updates: updates)
    }
}

/// xⁿ as repeated squaring.
private func power(_ x: Double, _ n: Int) -> Double {
    var result = 1.0
    var base = x
    var rest = n
    while rest > 0 {
        if rest & 1 == 1 { result *= base }
        base *= base
        rest >>= 1
    }
    return result
}

extension OptimizerState {
    /// The memory as tensors: the slots in the parameter's shape, and the number of updates as a scalar `step`.
    package func tensors(shape: TensorShape) throws(ZooError) -> [String: Tensor] {
        var result = ["step": try Tensor([Float(updates)], shape: [])]
        for (name, values) in slots { result[name] = try Tensor(values, shape: shape) }
        return result
    }

    /// The memory that such tensors hold.
    package init(tensors: [String: Tensor]) throws(ZooError) {
        var slots: [String: [Float]] = [:]
        var updates = 0
        for (name, tensor) in tensors {
            let values = try tensor.floats()
            if name == "step" {
                guard let count = values.first, count >= 0, count < 16_777_216 else {
                    throw ZooError(.corrupt, "the optimizer's step count is no whole number")
                }
                updates = Int(count)
            } else {
                slots[name] = values
            }
        }
        self.init(slots: slots, updates: updates)
    }
}
