import Testing
import ZooCompute
import ZooLayerGraphs
import ZooTensors

/// What layers do while training, and where networks aren't chains.
@Suite struct ReferenceTrainingTests {
    private let moment = TrainingMoment(seed: 7, step: 3, firstSample: 5)

    private func run(_ layer: Layer, _ input: Tensor, frozen: Set<String> = []) throws -> [Double] {
        let size = InputShape(channels: input.shape[1], height: input.shape[2], width: input.shape[3])
        let executor = try ReferenceExecutor(
            graph: single(layer, input: size), parameters: ParameterTable(), frozen: frozen)
        return try executor.forward(input, mode: .training(moment), keeping: []).output.doubles()
    }

    @Test func masksOfChannelsAndSamples() throws {
        let input = try Tensor([Double](repeating: 3, count: 40 * 6 * 4), shape: [40, 6, 2, 2])
        let stream = RandomStream(seed: 7, name: "dropout/layer", step: 3)
        func factor(_ index: Int) -> Double { stream.uniform(at: UInt64(index)) < 0.25 ? 0 : 4 }
        let channels = try run(.spatialDropout(probability: 0.25), input)
        let samples = try run(.stochasticDepth(probability: 0.25), input)
        for position in 0..<input.elementCount {
            let (sample, channel) = (position / 24, position / 4 % 6)
            #expect(channels[position] == factor((5 + sample) * 6 + channel))
            #expect(samples[position] == factor(5 + sample))
        }
        #expect(Set(channels) == [0, 4] && Set(samples) == [0, 4])
        for layer in [Layer.spatialDropout(probability: 0.25), .stochasticDepth(probability: 0.25)] {
            #expect(try run(layer, input, frozen: ["layer"]) == input.doubles())
        }
        #expect(try run(.stochasticDepth(probability: 1), input).allSatisfy { $0 == 0 })
    }

    private func normalized(_ shape: InputShape) throws -> (LayerGraph, ParameterTable) {
        let graph = try LayerGraph(
            architecture: "custom", input: shape,
            chain: [
                ("bn1", .batchNormalization(BatchNormalization(shape.channels))),
                ("relu", .activation(.relu)),
                ("bn2", .batchNormalization(BatchNormalization(shape.channels))),
            ])
        return (graph, try randomParameters(for: graph))
    }

    @Test func frozenNormalizationsStayAsTheyAre() throws {
        let (graph, parameters) = try normalized(InputShape(channels: 3, height: 2, width: 5))
        let executor = try ReferenceExecutor(graph: graph, parameters: parameters, frozen: ["bn1"])
        let input = try randomTensor([2, 3, 2, 5], name: "input")
        let inference = try executor.forward(input, keeping: ["bn1", "bn2"])
        let training = try executor.forward(input, mode: .training(moment), keeping: ["bn1", "bn2"])
        #expect(
            try training.activations["bn1"]?.doubles() == inference.activations["bn1"]?.doubles())
        #expect(
            try training.activations["bn2"]?.doubles() != inference.activations["bn2"]?.doubles())
        let moved = ["bn2.running_mean", "bn2.running_var"]
        #expect(training.statistics.paths.map(\.description) == moved)
        #expect(inference.statistics.paths.isEmpty)
        let gradients = try executor.gradients(
            input: input, outputGradient: pattern([2, 3, 2, 5], 1), mode: .training(moment))
        #expect(gradients.parameters.paths.map(\.description) == ["bn2.weight", "bn2.bias"])
        #expect(gradients.statistics.paths.map(\.description) == moved)
    }

    @Test func oneValuePerChannelHasNoVariance() throws {
        let (graph, parameters) = try normalized(InputShape(channels: 3, height: 1, width: 1))
        let input = try randomTensor([1, 3, 1, 1], name: "input")
        let mode = ExecutionMode.training(moment)
        let executor = try ReferenceExecutor(graph: graph, parameters: parameters, frozen: ["bn1"])
        let error = #expect(throws: ZooError.self) { try executor.forward(input, mode: mode, keeping: []) }
        #expect(error?.tensor == "bn2" && error?.found == "[1, 3, 1, 1]")
        #expect(throws: Never.self) { try executor.forward(input) }
        let frozen = try ReferenceExecutor(graph: graph, parameters: parameters, frozen: ["bn1", "bn2"])
        #expect(throws: Never.self) { try frozen.forward(input, mode: mode, keeping: []) }
        let two = try randomTensor([2, 3, 1, 1], name: "input")
        #expect(throws: Never.self) { try executor.forward(two, mode: mode, keeping: []) }
    }

    @Test func freezingALayerFreezesItInAllItsPlaces() throws {
        let norm = Layer.batchNormalization(BatchNormalization(2))
        let graph = try LayerGraph(
            architecture: "custom", input: InputShape(channels: 2, height: 3, width: 3),
            nodes: [Node("bn", norm, inputs: ["input"]), Node("again", norm, inputs: ["bn"], sharing: "bn")])
        let parameters = try randomParameters(for: graph)
        let input = try randomTensor([2, 2, 3, 3], name: "input")
        func run(_ frozen: Set<String>, _ mode: ExecutionMode) throws -> (ForwardResult, GradientResult) {
            let executor = try ReferenceExecutor(graph: graph, parameters: parameters, frozen: frozen)
            return (
                try executor.forward(input, mode: mode, keeping: ["bn"]),
                try executor.gradients(input: input, outputGradient: input, mode: mode)
            )
        }
        let (still, none) = try run(["bn"], .training(moment))
        #expect(try still.output.doubles() == run([], .inference).0.output.doubles())
        #expect(still.statistics.count == 0 && none.parameters.count == 0)
        // The second place alone: it takes the running statistics, and only the first one learns.
        let (half, one) = try run(["again"], .training(moment))
        #expect(try half.output.doubles() != still.output.doubles())
        #expect(half.statistics.count == 2 && one.parameters.count == 2)
    }

    @Test func normalizationByZeroVariance() throws {
        let layer = Layer.normalization(Normalization(2, constants: .init(mean: [1, 2], variance: [0, 4])))
        #expect(try run(layer, Tensor([1.5, 3.0], shape: [1, 2, 1, 1])) == [0.5 / 1e-7, 0.5])
    }

    @Test func gradientsOfResultsInABranch() throws {
        let graph = try LayerGraph(
            architecture: "custom", input: InputShape(channels: 1, height: 1, width: 2),
            nodes: [
                Node("double", .rescaling(Rescaling(scale: [2])), inputs: ["input"]),
                Node("unread", .activation(.tanh), inputs: ["double"]),
                Node("square", .multiply, inputs: ["double", "double"]),
                Node("sum", .add, inputs: ["square", "double", "input"]),
            ])
        let executor = try ReferenceExecutor(graph: graph, parameters: ParameterTable())
        let input = try Tensor([3.0, -1], shape: [1, 1, 1, 2])
        let result = try executor.gradients(
            input: input, outputGradient: Tensor([1.0, 10], shape: [1, 1, 1, 2]), mode: .inference,
            request: GradientRequest(input: true, activations: ["double", "unread", "square"]))
        // y = (2x)² + 2x + x.
        #expect(try executor.forward(input).output.doubles() == [45, 1])
        #expect(try result.input?.doubles() == [27, -50])
        #expect(try result.activations["double"]?.doubles() == [13, -30])
        #expect(try result.activations["square"]?.doubles() == [1, 10])
        #expect(try result.activations["unread"]?.doubles() == [0, 0])
    }
}
