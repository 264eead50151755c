import COneDNNShim
import CZooKernels
import ZooLayerGraphs
import ZooTensors

// Layers that work channel by channel.
extension PlanBuilder {
    // MARK: Batch normalisation

    func batchNormalization(_ step: LoweredGraph.Step, _ layer: BatchNormalization) throws(ZooError) {
        let (source, map) = try channels(of: step)
        guard let mean = positions[ParameterPath(step.owner, .runningMean)],
            let variance = positions[ParameterPath(step.owner, .runningVariance)]
        else { throw unsupported(step) }
        let result = makeValue(like: source)
        let isTraining = lowered.usesBatchStatistics(step)
        // A layer in two places moves its statistics twice.
        let moved = isTraining ? draft.statistics : [:]
        var work = BatchNormWork(
            layer: layer, map: map, isTraining: isTraining, weight: parameter(step, .weight),
            bias: parameter(step, .bias),
            runningMean: moved[mean] ?? draft.external(.parameter(mean)),
            runningVariance: moved[variance] ?? draft.external(.parameter(variance)),
            source: source.buffer, destination: result.buffer)
        if isTraining {
            guard map.batch * map.height * map.width > 1 else {
                throw ZooError(
                    .invalidArgument,
                    "a batch normalisation in training has one value per channel, and no variance",
                    expected: "more than one value per channel",
                    found: lowered.shapes[step.input]?.description,
                    remedy: "Use a larger batch, or freeze the layer.")
            }
            let doubles = MemoryLayout<Double>.stride * 2 * map.channels
            work.saved = draft.allocate(byteCount: doubles)
            work.sums = draft.allocate(byteCount: doubles * map.batch)
            work.nextMean = newStatistic(mean, count: map.channels)
            work.nextVariance = newStatistic(variance, count: map.channels)
        }
        addOwn(step, work, [source], result)
    }

    /// Adds the gradients of the weights and, if it's needed, of the operand.
    func batchNormalizationBackward(_ step: LoweredGraph.Step, _ flow: Flow, _ trace: Trace) throws(ZooError)
    {
        guard var work = trace.kernel as? BatchNormWork, let source = trace.sources.first else {
            throw unsupported(step)
        }
        var targets: [GradientTarget] = []
        if lowered.learns(step) {
            if let target = gradientTarget(step, .weight) {
                work.weightGradient = target.buffer
                targets.append(target)
            }
            if let target = gradientTarget(step, .bias) {
                work.biasGradient = target.buffer
                targets.append(target)
            }
        }
        let gradient = needsGradient(of: step.input) ? writable(flow) : nil
        guard gradient != nil || !targets.isEmpty else { return }
        work.sums = draft.allocate(
            byteCount: MemoryLayout<Double>.stride * 2 * work.map.channels * work.map.batch)
        work.resultGradient = flow.value.buffer
        work.destination = gradient?.buffer
        work.nextMean = nil
        work.nextVariance = nil
        add(work, part: .backward, step, "\(step.title), gradient", like: source)
        finish(targets, step)
        if let gradient { try deliver(gradient, to: step) }
    }

    private func newStatistic(_ position: Int, count: Int) -> PlanDraft.BufferIndex {
        let buffer = draft.allocate(byteCount: MemoryLayout<Float>.stride * count)
        draft.keepForever(buffer)
        draft.statistics[position] = buffer
        return buffer
    }

    private func parameter(_ step: LoweredGraph.Step, _ role: ParameterRole) -> PlanDraft.BufferIndex? {
        positions[ParameterPath(step.owner, role)].map { draft.external(.parameter($0)) }
    }

    // MARK: Fixed numbers

    /// Normalisation and rescaling.
    func channelScale(_ step: LoweredGraph.Step) throws(ZooError) {
        let (source, map) = try channels(of: step)
        let result = makeValue(like: source)
        var work = ChannelScaleWork(
            map: map, channels: map.channels, source: source.buffer, destination: result.buffer)
        switch step.operation {
        case .normalization(let layer):
            if let constants = layer.constants {
                work.centre = .constants(constants.mean)
                work.variance = .constants(constants.variance)
            } else if let mean = parameter(step, .runningMean),
                let variance = parameter(step, .runningVariance)
            {
                work.centre = .buffer(mean)
                work.variance = .buffer(variance)
            }
        case .rescaling(let layer):
            work.scale = .constants(layer.scale.spread(over: map.channels))
            work.offset = .constants(layer.offset.spread(over: map.channels))
        default: throw unsupported(step)
        }
        addOwn(step, work, [source], result)
    }

    func channelScaleBackward(_ step: LoweredGraph.Step, _ flow: Flow, _ trace: Trace) throws(ZooError) {
        guard var work = trace.kernel as? ChannelScaleWork, let source = trace.sources.first else {
            throw unsupported(step)
        }
        let gradient = writable(flow)
        work.centre = .none
        work.offset = .none
        work.source = flow.value.buffer
        work.destination = gradient.buffer
        add(work, part: .backward, step, "\(step.title), gradient", like: source)
        try deliver(gradient, to: step)
    }

    // MARK: Neighbouring channels

    func responseNormalization(
        _ step: LoweredGraph.Step, _ layer: LocalResponseNormalization
    ) throws(ZooError) {
        let source = try row(operand(of: step), step)
        let result = makeValue(like: source)
        let work = ResponseWork(
            layer: layer, map: FeatureMap(channelsOf: try shape(of: step.input)), source: source.buffer,
            destination: result.buffer, divisors: makeValue(like: source).buffer)
        addOwn(step, work, [source], result)
        values[step.output] = try unrolled(result, as: step.path, step)
    }

    func responseNormalizationBackward(
        _ step: LoweredGraph.Step, _ flow: Flow, _ trace: Trace
    ) throws(ZooError) {
        guard var work = trace.kernel as? ResponseWork, let source = trace.sources.first else {
            throw unsupported(step)
        }
        let gradient = makeValue(like: source)
        work.resultGradient = try row(flow.value, step, part: .backward).buffer
        work.destination = gradient.buffer
        work.slopes = makeValue(like: source).buffer
        add(work, part: .backward, step, "\(step.title), gradient", like: gradient)
        try deliver(gradient, to: step)
    }

    // MARK: Learned slopes

    func parametricReLU(_ step: LoweredGraph.Step) throws(ZooError) {
        let (source, map) = try channels(of: step)
        guard let slopes = parameter(step, .weight) else { throw unsupported(step) }
        let result = makeValue(like: source)
        let work = SlopesWork(map: map, slopes: slopes, source: source.buffer, destination: result.buffer)
        addOwn(step, work, [source], result)
    }

    func parametricReLUBackward(_ step: LoweredGraph.Step, _ flow: Flow, _ trace: Trace) throws(ZooError) {
        guard var work = trace.kernel as? SlopesWork, let source = trace.sources.first else {
            throw unsupported(step)
        }
        let target = lowered.learns(step) ? gradientTarget(step, .weight) : nil
        if let target {
            let count = work.map.channels * work.map.batch
            work.sums = draft.allocate(byteCount: MemoryLayout<Double>.stride * count)
            work.slopesGradient = target.buffer
        }
        let gradient = needsGradient(of: step.input) ? writable(flow) : nil
        work.resultGradient = flow.value.buffer
        work.destination = gradient?.buffer
        add(work, part: .backward, step, "\(step.title), gradient", like: source)
        if let target { finish([target], step) }
        if let gradient { try deliver(gradient, to: step) }
    }
}

extension [Double] {
    /// One number for each channel, where there may be one for all.
    fileprivate func spread(over channels: Int) -> [Double] {
        count == 1 ? [Double](repeating: self[0], count: channels) : self
    }
}
