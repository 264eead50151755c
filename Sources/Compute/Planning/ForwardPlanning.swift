import COneDNNShim
import CZooKernels
import ZooLayerGraphs
import ZooTensors

extension PlanBuilder {
    /// Adds a step's forward operations.
    func forward(_ step: LoweredGraph.Step) throws(ZooError) {
        do throws(ZooError) {
            if lowered.isIdentity(step) || lowered.flattening(step) != nil {
                return try alias(step)
            }
            switch step.operation {
            case .convolution(let layer): try convolution(step, layer)
            case .transposedConvolution(let layer): try transposedConvolution(step, layer)
            case .linear(let layer): try linear(step, layer)
            case .batchNormalization(let layer): try batchNormalization(step, layer)
            case .normalization, .rescaling: try channelScale(step)
            case .localResponseNormalization(let layer): try responseNormalization(step, layer)
            case .activation(let function): try activation(step, function)
            case .parametricReLU: try parametricReLU(step)
            case .softmax: try softmax(step)
            case .pooling(let layer): try pooling(step, layer)
            case .adaptivePooling(let layer): try adaptivePooling(step, layer)
            case .globalPooling(let layer): try globalPooling(step, layer)
            case .add, .multiply, .average: try combination(step)
            case .concatenate(let axis): try concatenation(step, axis: axis)
            case .padding(let sides): try window(step, sides, isPadding: true)
            case .cropping(let sides): try window(step, sides, isPadding: false)
            case .upsampling(let layer): try upsampling(step, layer)
            case .reshape(let layer): try reshape(step, layer.order)
            case .permute(let axes): try permute(step, axes)
            case .dropout(let probability): try dropout(step, probability, .elements)
            case .spatialDropout(let probability): try dropout(step, probability, .channels)
            case .stochasticDepth(let probability): try dropout(step, probability, .samples)
            case .flatten(let order): try reshape(step, order)
            }
        } catch {
            throw error.adding(tensor: step.path)
        }
    }

    /// Forward kernels of steps that a gradient passes through keep what it needs.
    func pass(_ step: LoweredGraph.Step) -> zoo_dnn_pass {
        learning.contains(step.output) ? .training : .inference
    }

    /// A step whose result is its operand, but that has a gradient of its own.
    private func alias(_ step: LoweredGraph.Step) throws(ZooError) {
        let value = try operand(of: step)
        values[step.output] = Value(
            dimensions: value.dimensions, order: lowered.flattening(step)?.order ?? value.order,
            layout: value.layout, descriptor: value.descriptor, buffer: value.buffer)
        traces[step.output] = Trace(sources: [value])
    }

    // MARK: Element by element

    private func activation(_ step: LoweredGraph.Step, _ function: Activation) throws(ZooError) {
        let source = try spread(operand(of: step), step)
        let result = makeValue(like: source)
        switch FunctionKernel(function) {
        case .library(let kernel):
            let operands = Operands(source: source.descriptor, destination: result.descriptor)
            guard let made = try program.activation(pass(step), kernel, operands) else {
                throw unsupported(step)
            }
            draft.cost += Double(result.count) * KernelCosts.factor(of: program.kernel(of: made))
            try addSimple(step, made, source, result)
        case .own(let kind, let numbers):
            let work = FunctionWork(
                kind: kind, numbers: numbers, map: FeatureMap(source.dimensions, layout: source.layout),
                source: source.buffer, destination: result.buffer)
            addOwn(step, work, [source], result)
        }
    }

    private func softmax(_ step: LoweredGraph.Step) throws(ZooError) {
        var source = try operand(of: step)
        let shape = try shape(of: step.path)
        if shape.count == 4 {
            source = try spread(source, step)
        } else {
            // Over all features at once, so they have to stand in one row; or over axis 1 of a longer row.
            source = try row(source, step)
            if shape.count > 2 {
                source = try reinterpreted(source, [shape[0], shape[1], shape.dropFirst(2).reduce(1, *), 1])
            }
        }
        let result = makeValue(like: source)
        let operands = Operands(source: source.descriptor, destination: result.descriptor)
        guard let made = try program.softmax(pass(step), operands) else { throw unsupported(step) }
        try addSimple(step, made, source, result)
        if shape.count > 4 || shape.count == 3 {
            values[step.output] = try reinterpreted(result, dimensions(of: step.path))
        }
    }

    private func dropout(
        _ step: LoweredGraph.Step, _ probability: Double, _ unit: zoo_dropout_unit
    ) throws(ZooError) {
        var source = try spread(operand(of: step), step)
        var map = FeatureMap(source.dimensions, layout: source.layout)
        if unit == .channels { (source, map) = try channels(of: step) }
        let result = makeValue(like: source)
        var work = DropoutWork(
            path: step.path, probability: probability, unit: unit, map: map, order: source.order,
            source: source.buffer, destination: result.buffer, mask: 0)
        work.mask = draft.allocate(byteCount: work.unitsPerSample * map.batch)
        addOwn(step, work, [source], result)
    }

    // MARK: Pooling

    private func pooling(_ step: LoweredGraph.Step, _ layer: Pooling) throws(ZooError) {
        let source = try spread(operand(of: step), step)
        let result = try makeValue(dimensions(of: step.path))
        try pooling(step, layer, source, result)
    }

    private func pooling(
        _ step: LoweredGraph.Step, _ layer: Pooling, _ source: Value, _ result: Value
    ) throws(ZooError) {
        guard let kind = zoo_dnn_pooling_kind(layer, operand: source.dimensions, result: result.dimensions)
        else {
            let work = AverageWork(
                layer: layer, sourceMap: FeatureMap(source.dimensions, layout: source.layout),
                destinationMap: FeatureMap(result.dimensions, layout: result.layout), source: source.buffer,
                destination: result.buffer)
            return addOwn(step, work, [source], result)
        }
        let window = zoo_dnn_window(layer, operand: source.dimensions, result: result.dimensions)
        let operands = Operands(source: source.descriptor, destination: result.descriptor)
        guard let made = try program.pooling(pass(step), kind, window, operands) else {
            throw unsupported(step)
        }
        let elements = Double(source.count)
        draft.cost += elements * KernelCosts.pooling * KernelCosts.factor(of: program.kernel(of: made))
        try addSimple(step, made, source, result)
    }

    private func adaptivePooling(_ step: LoweredGraph.Step, _ layer: AdaptivePooling) throws(ZooError) {
        let source = try spread(operand(of: step), step)
        let result = try makeValue(dimensions(of: step.path))
        if let same = layer.pooling(of: source.dimensions) { return try pooling(step, same, source, result) }
        let work = AdaptiveWork(
            kind: layer.operation, operandMap: FeatureMap(source.dimensions, layout: source.layout),
            resultMap: FeatureMap(result.dimensions, layout: result.layout), operand: source.buffer,
            result: result.buffer)
        addOwn(step, work, [source], result)
    }

    /// A window as large as the map. Without dimensions that are kept the result is `[N, C, 1, 1]` to kernels all
    /// the same, only flattened.
    private func globalPooling(_ step: LoweredGraph.Step, _ layer: GlobalPooling) throws(ZooError) {
        let source = try spread(operand(of: step), step)
        let result = try makeValue(
            source.dimensions.prefix(2) + [1, 1], order: layer.keepsDimensions ? nil : .channelsFirst)
        try pooling(step, layer.pooling(of: source.dimensions), source, result)
    }

    // MARK: What they share

    /// Adds a kernel of ours that gives a step's result.
    func addOwn(_ step: LoweredGraph.Step, _ work: any KernelWork, _ sources: [Value], _ result: Value) {
        add(work, part: .forward, step, step.title, like: result)
        values[step.output] = result
        traces[step.output] = Trace(kernel: work, sources: sources)
    }

    private func addSimple(
        _ step: LoweredGraph.Step, _ operation: OperationIndex, _ source: Value, _ result: Value
    ) throws(ZooError) {
        var trace = Trace(operation: operation, sources: [source])
        var bindings = [
            PlanDraft.Binding(argument: .source, descriptor: source.descriptor, buffer: source.buffer),
            PlanDraft.Binding(argument: .destination, descriptor: result.descriptor, buffer: result.buffer),
        ]
        if let workspace = try program.describe(.workspace, of: operation) {
            let buffer = draft.allocate(byteCount: program.byteCount(of: workspace))
            let binding = PlanDraft.Binding(argument: .workspace, descriptor: workspace, buffer: buffer)
            bindings.append(binding)
            trace.workspace = binding
        }
        try add(
            operation, part: .forward, paths: step.covers, title: step.title, bindings,
            layout: program.text(of: result.descriptor))
        values[step.output] = result
        traces[step.output] = trace
    }
}

extension GlobalPooling {
    /// The same as a pooling layer, for a map of this size.
    func pooling(of operand: [Int]) -> Pooling {
        Pooling(operation, window: Extent(operand[2], operand[3]))
    }
}

extension AdaptivePooling {
    /// The same as a pooling layer, for maps that the result's size divides.
    func pooling(of operand: [Int]) -> Pooling? {
        guard operand[2] % output.height == 0, operand[3] % output.width == 0 else { return nil }
        return Pooling(operation, window: Extent(operand[2] / output.height, operand[3] / output.width))
    }
}
