import COneDNNShim
import CZooKernels
import ZooLayerGraphs
import ZooTensors

// Operands of kernels of ours; what each computes is said in the kernels' header.

/// Dropout of elements, channels or samples.
struct DropoutWork: KernelWork {
    let path: String
    let probability: Double
    let unit: zoo_dropout_unit
    let map: FeatureMap
    let order: FlattenOrder?
    var source: PlanDraft.BufferIndex
    var destination: PlanDraft.BufferIndex
    var mask: PlanDraft.BufferIndex
    var isForward = true

    var buffers: [PlanDraft.BufferIndex] { [source, destination, mask] }

    /// Bytes of a sample's mask.
    var unitsPerSample: Int {
        switch unit {
        case .elements: map.channels * map.height * map.width
        case .channels: map.channels
        case .samples: 1
        }
    }

    func operation(_ maker: KernelMaker) throws(ZooError) -> OperationIndex {
        let call = try unsafe zoo_dropout(
            map: zoo_map(map), unit: unit, channels_last: order == .channelsLast,
            threshold: DropoutMask.threshold(probability), scale: Float(DropoutMask.scale(probability)),
            threads: maker.threads, key: (0, 0), step: 0, start: 0, source: maker.floats(source),
            destination: maker.floats(destination),
            mask: maker.region(mask).address.assumingMemoryBound(to: UInt8.self))
        return try unsafe maker.call(isForward ? zoo_dropout_forward : zoo_dropout_backward, call, self)
    }
}

/// Average pooling that oneDNN has no name for. Backward, source is the result's gradient.
struct AverageWork: KernelWork {
    let layer: Pooling
    var sourceMap: FeatureMap
    var destinationMap: FeatureMap
    var source: PlanDraft.BufferIndex
    var destination: PlanDraft.BufferIndex
    var isForward = true

    var buffers: [PlanDraft.BufferIndex] { [source, destination] }

    func operation(_ maker: KernelMaker) throws(ZooError) -> OperationIndex {
        let call = try unsafe zoo_average(
            source_map: zoo_map(sourceMap), destination_map: zoo_map(destinationMap),
            window: (Int64(layer.window.height), Int64(layer.window.width)),
            stride: (Int64(layer.stride.height), Int64(layer.stride.width)),
            before: (Int64(layer.padding.top), Int64(layer.padding.left)),
            after: (Int64(layer.padding.bottom), Int64(layer.padding.right)),
            counts_padding: layer.countsPadding, threads: maker.threads, source: maker.floats(source),
            destination: maker.floats(destination))
        return try unsafe maker.call(isForward ? zoo_average_forward : zoo_average_backward, call)
    }
}

/// A shift and a scale for each channel.
struct ChannelScaleWork: KernelWork {
    /// Numbers from the network's description, or from a buffer.
    enum Numbers {
        case none
        case constants([Double])
        case buffer(PlanDraft.BufferIndex)

        fileprivate var buffer: PlanDraft.BufferIndex? {
            if case .buffer(let index) = self { index } else { nil }
        }
        fileprivate var constants: [Double]? {
            if case .constants(let numbers) = self { numbers } else { nil }
        }
    }

    let map: FeatureMap
    /// How many numbers there are, one or one per channel.
    let channels: Int
    var centre = Numbers.none
    var scale = Numbers.none
    var offset = Numbers.none
    var variance = Numbers.none
    var source: PlanDraft.BufferIndex
    var destination: PlanDraft.BufferIndex

    var buffers: [PlanDraft.BufferIndex] {
        [source, destination] + [centre, scale, offset, variance].compactMap(\.buffer)
    }

    func operation(_ maker: KernelMaker) throws(ZooError) -> OperationIndex {
        func numbers(_ numbers: Numbers) throws(ZooError) -> UnsafePointer<Float>? {
            if let constants = unsafe maker.constants(numbers.constants) { return unsafe constants }
            return unsafe UnsafePointer(try maker.floats(numbers.buffer))
        }
        let call = try unsafe zoo_channel_scale(
            map: zoo_map(map), channels: Int64(channels), threads: maker.threads, centre: numbers(centre),
            scale: numbers(scale), offset: numbers(offset), variance: numbers(variance),
            source: maker.floats(source), destination: maker.floats(destination))
        return try unsafe maker.call(zoo_scale_channels, call)
    }
}

/// Weights that take a batch normalisation in.
struct FoldWork: KernelWork {
    let rows: Int
    let columns: Int
    let epsilon: Double
    var scale: PlanDraft.BufferIndex?
    var centre: PlanDraft.BufferIndex?
    let mean: PlanDraft.BufferIndex
    let variance: PlanDraft.BufferIndex
    let weights: PlanDraft.BufferIndex
    var bias: PlanDraft.BufferIndex?
    let folded: PlanDraft.BufferIndex
    let foldedBias: PlanDraft.BufferIndex

    var buffers: [PlanDraft.BufferIndex] {
        [scale, centre, mean, variance, weights, bias, folded, foldedBias].compactMap(\.self)
    }

    func operation(_ maker: KernelMaker) throws(ZooError) -> OperationIndex {
        let call = try unsafe zoo_fold(
            rows: Int64(rows), columns: Int64(columns), epsilon: epsilon, threads: maker.threads,
            scale: maker.floats(scale), centre: maker.floats(centre), mean: maker.floats(mean),
            variance: maker.floats(variance), weights: maker.floats(weights), bias: maker.floats(bias),
            folded: maker.floats(folded), folded_bias: maker.floats(foldedBias))
        return try unsafe maker.call(zoo_fold_normalization, call)
    }
}

/// Weights brought into the form that Winograd's kernels want.
struct WinogradWork: KernelWork {
    /// `[O, I, 3, 3]`.
    let shape: [Int]
    let blocks: zoo_dnn_winograd
    let weights: PlanDraft.BufferIndex
    let result: PlanDraft.BufferIndex

    var buffers: [PlanDraft.BufferIndex] { [weights, result] }

    func operation(_ maker: KernelMaker) throws(ZooError) -> OperationIndex {
        let call = try unsafe zoo_winograd(
            results: blocks.results, outputs: Int64(shape[0]), inputs: Int64(shape[1]),
            padded_outputs: blocks.outputs, padded_inputs: blocks.inputs, input_block: blocks.input_block,
            input_chunk: blocks.input_chunk, output_chunk: blocks.output_chunk,
            plane_stride: blocks.plane_stride, input_stride: blocks.input_stride,
            input_block_stride: blocks.input_block_stride, input_chunk_stride: blocks.input_chunk_stride,
            output_stride: blocks.output_stride, output_chunk_stride: blocks.output_chunk_stride,
            threads: maker.threads, weights: maker.floats(weights), result: maker.floats(result))
        return try unsafe maker.call(zoo_winograd_weights, call)
    }
}

/// A batch normalisation.
struct BatchNormWork: KernelWork {
    let layer: BatchNormalization
    let map: FeatureMap
    /// Whether the batch's statistics normalise.
    let isTraining: Bool
    var weight: PlanDraft.BufferIndex?
    var bias: PlanDraft.BufferIndex?
    let runningMean: PlanDraft.BufferIndex
    let runningVariance: PlanDraft.BufferIndex
    var nextMean: PlanDraft.BufferIndex?
    var nextVariance: PlanDraft.BufferIndex?
    /// The batch's statistics, from the forward to the backward pass.
    var saved: PlanDraft.BufferIndex?
    /// Scratch memory for sums.
    var sums: PlanDraft.BufferIndex?
    let source: PlanDraft.BufferIndex
    var resultGradient: PlanDraft.BufferIndex?
    /// The result, or backward the operand's gradient.
    var destination: PlanDraft.BufferIndex?
    var weightGradient: PlanDraft.BufferIndex?
    var biasGradient: PlanDraft.BufferIndex?

    var buffers: [PlanDraft.BufferIndex] {
        [
            weight, bias, runningMean, runningVariance, nextMean, nextVariance, saved, sums, source,
            resultGradient, destination, weightGradient, biasGradient,
        ].compactMap(\.self)
    }

    func operation(_ maker: KernelMaker) throws(ZooError) -> OperationIndex {
        let call = try unsafe zoo_batch_norm(
            map: zoo_map(map), epsilon: layer.epsilon, momentum: layer.momentum, is_training: isTraining,
            follows_biased: layer.usesBiasedVariance, threads: maker.threads, weight: maker.floats(weight),
            bias: maker.floats(bias), running_mean: maker.floats(runningMean),
            running_variance: maker.floats(runningVariance), next_mean: maker.floats(nextMean),
            next_variance: maker.floats(nextVariance), saved: maker.doubles(saved),
            sums: maker.doubles(sums), source: maker.floats(source),
            result_gradient: maker.floats(resultGradient), destination: maker.floats(destination),
            weight_gradient: maker.floats(weightGradient), bias_gradient: maker.floats(biasGradient))
        return try unsafe maker.call(
            resultGradient == nil ? zoo_batch_norm_forward : zoo_batch_norm_backward, call)
    }
}

/// A rectifier with a learned slope for each channel.
struct SlopesWork: KernelWork {
    let map: FeatureMap
    let slopes: PlanDraft.BufferIndex
    let source: PlanDraft.BufferIndex
    var resultGradient: PlanDraft.BufferIndex?
    var destination: PlanDraft.BufferIndex?
    var sums: PlanDraft.BufferIndex?
    var slopesGradient: PlanDraft.BufferIndex?

    var buffers: [PlanDraft.BufferIndex] {
        [slopes, source, resultGradient, destination, sums, slopesGradient].compactMap(\.self)
    }

    func operation(_ maker: KernelMaker) throws(ZooError) -> OperationIndex {
        let call = try unsafe zoo_slopes(
            map: zoo_map(map), threads: maker.threads, slopes: maker.floats(slopes),
            source: maker.floats(source), result_gradient: maker.floats(resultGradient),
            destination: maker.floats(destination), sums: maker.doubles(sums),
            slopes_gradient: maker.floats(slopesGradient))
        return try unsafe maker.call(zoo_slopes_run, call)
    }
}

/// A local response normalisation, of maps in canonical order.
struct ResponseWork: KernelWork {
    let layer: LocalResponseNormalization
    let map: FeatureMap
    let source: PlanDraft.BufferIndex
    var resultGradient: PlanDraft.BufferIndex?
    /// The result, or the operand's gradient.
    var destination: PlanDraft.BufferIndex
    let divisors: PlanDraft.BufferIndex
    var slopes: PlanDraft.BufferIndex?

    var buffers: [PlanDraft.BufferIndex] {
        [source, resultGradient, destination, divisors, slopes].compactMap(\.self)
    }

    func operation(_ maker: KernelMaker) throws(ZooError) -> OperationIndex {
        let call = try unsafe zoo_response(
            batch: Int64(map.batch), channels: Int64(map.channels), places: Int64(map.height * map.width),
            size: Int64(layer.size), alpha: layer.alpha, beta: layer.beta, k: layer.k,
            threads: maker.threads, source: maker.floats(source),
            result_gradient: maker.floats(resultGradient), destination: maker.floats(destination),
            divisors: maker.floats(divisors), slopes: maker.floats(slopes))
        return try unsafe maker.call(zoo_response_run, call)
    }
}

/// An element-wise function of ours.
struct FunctionWork: KernelWork {
    let kind: zoo_function_kind
    let numbers: [Double]
    let map: FeatureMap
    let source: PlanDraft.BufferIndex
    var resultGradient: PlanDraft.BufferIndex?
    var destination: PlanDraft.BufferIndex

    var buffers: [PlanDraft.BufferIndex] { [source, destination] + (resultGradient.map { [$0] } ?? []) }

    func operation(_ maker: KernelMaker) throws(ZooError) -> OperationIndex {
        func number(_ index: Int) -> Float { index < numbers.count ? Float(numbers[index]) : 0 }
        let call = try unsafe zoo_function(
            kind: kind, numbers: (number(0), number(1), number(2)), map: zoo_map(map),
            threads: maker.threads, source: maker.floats(source),
            result_gradient: maker.floats(resultGradient), destination: maker.floats(destination))
        return try unsafe maker.call(
            resultGradient == nil ? zoo_function_forward : zoo_function_backward, call)
    }
}

/// Pooling to a fixed size.
struct AdaptiveWork: KernelWork {
    let kind: Pooling.Operation
    let operandMap: FeatureMap
    let resultMap: FeatureMap
    let operand: PlanDraft.BufferIndex
    var result: PlanDraft.BufferIndex?
    var resultGradient: PlanDraft.BufferIndex?
    var operandGradient: PlanDraft.BufferIndex?

    var buffers: [PlanDraft.BufferIndex] {
        [operand, result, resultGradient, operandGradient].compactMap(\.self)
    }

    func operation(_ maker: KernelMaker) throws(ZooError) -> OperationIndex {
        let call = try unsafe zoo_adaptive(
            operand_map: zoo_map(operandMap), result_map: zoo_map(resultMap),
            is_maximum: kind == .maximum, threads: maker.threads, operand: maker.floats(operand),
            result: maker.floats(result), result_gradient: maker.floats(resultGradient),
            operand_gradient: maker.floats(operandGradient))
        return try unsafe maker.call(zoo_adaptive_run, call)
    }
}

/// Enlargement by linear interpolation; backward, the operand is the operand's gradient and the result the result's.
struct InterpolationWork: KernelWork {
    let alignsCorners: Bool
    let operandMap: FeatureMap
    let resultMap: FeatureMap
    var operand: PlanDraft.BufferIndex
    var result: PlanDraft.BufferIndex
    var isForward = true

    var buffers: [PlanDraft.BufferIndex] { [operand, result] }

    func operation(_ maker: KernelMaker) throws(ZooError) -> OperationIndex {
        let call = try unsafe zoo_interpolation(
            operand_map: zoo_map(operandMap), result_map: zoo_map(resultMap),
            aligns_corners: alignsCorners, is_backward: !isForward, threads: maker.threads,
            operand: maker.floats(operand), result: maker.floats(result))
        return try unsafe maker.call(zoo_interpolate, call)
    }
}
