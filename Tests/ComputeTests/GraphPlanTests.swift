import Testing
import ZooCompute
import ZooLayerGraphs
import ZooTensors

extension OnTheEngine {
    /// What plans have to get right where a result is read several times, and where parameters are shared.
    @Suite struct GraphPlanTests {
        private let moment = TrainingMoment(seed: 7, step: 3, firstSample: 5)

        /// Compares everything that both executors hand out; every result and every gradient is asked for.
        private func compare(
            _ graph: LayerGraph, batch: Int = 3, frozen: Set<String> = [], isTraining: Bool = false,
            mostly: PlanConfiguration? = nil, _ sizes: [InputShape?] = [nil]
        ) throws {
            let parameters = try randomParameters(for: graph)
            let native = try NativeExecutor(
                graph: graph, parameters: parameters, engine: sharedEngine.get(), frozen: frozen,
                mostly: mostly)
            let reference = try ReferenceExecutor(graph: graph, parameters: parameters, frozen: frozen)
            let mode: ExecutionMode = isTraining ? .training(moment) : .inference
            let paths = graph.nodes.map(\.path)
            for size in sizes {
                let input = try randomTensor((size ?? graph.input).shape(batch: batch), name: "input")
                for asked in [[], Set(paths)] + paths.map({ [$0] }) {
                    let wanted = try reference.forward(input, mode: mode, keeping: asked)
                    let found = try native.forward(input, mode: mode, keeping: asked)
                    #expect(try forwardError(found.output, wanted.output) <= 1e-5)
                    for (path, tensor) in wanted.activations {
                        #expect(try forwardError(#require(found.activations[path]), tensor) <= 1e-5)
                    }
                    let cotangent = try randomTensor(wanted.output.shape, name: "cotangent")
                    let request = GradientRequest(input: true, activations: asked)
                    let theirs = try reference.gradients(
                        input: input, outputGradient: cotangent, mode: mode, request: request)
                    let ours = try native.gradients(
                        input: input, outputGradient: cotangent, mode: mode, request: request)
                    try expectGradients(ours.parameters, theirs.parameters, "\(asked)")
                    #expect(try forwardError(#require(ours.input), #require(theirs.input)) <= 1e-4)
                    for (path, tensor) in theirs.activations {
                        let mine = try #require(ours.activations[path])
                        #expect(try forwardError(mine, tensor) <= 1e-4, "gradient of \(path), \(asked)")
                    }
                    #expect(ours.statistics.paths == theirs.statistics.paths)
                    for (path, tensor) in theirs.statistics.entries {
                        #expect(try forwardError(#require(ours.statistics[path]), tensor) <= 1e-5)
                        #expect(try forwardError(#require(found.statistics[path]), tensor) <= 1e-5)
                    }
                }
            }
        }

        private func convolution(_ inputs: Int, _ outputs: Int) -> Layer {
            .convolution(Convolution(inputs, outputs, kernel: Extent(3), padding: Padding(1)))
        }

        /// Layers that change nothing, between readers of the same result: each has a gradient of its own.
        @Test func gradientsAtViewsAreTheirOwn() throws {
            try compare(
                LayerGraph(
                    architecture: "custom", input: InputShape(channels: 3, height: 4, width: 5),
                    nodes: [
                        Node("conv", convolution(3, 20), inputs: ["input"]),
                        Node("relu", .activation(.relu), inputs: ["conv"]),
                        Node("drop", .dropout(probability: 0.5), inputs: ["relu"]),
                        Node("inner", .add, inputs: ["drop"]),
                        Node("square", .multiply, inputs: ["inner", "relu"]),
                        Node("flat", .flatten(.channelsLast), inputs: ["drop"]),
                        Node("flatter", .flatten(.channelsFirst), inputs: ["flat"]),
                        Node("first", .linear(Linear(400, 6)), inputs: ["flatter"]),
                        Node("row", .flatten(.channelsFirst), inputs: ["square"]),
                        Node("second", .linear(Linear(400, 6)), inputs: ["row"]),
                        Node("both", .add, inputs: ["first", "second"]),
                    ]))
        }

        /// A convolution's result that two layers read isn't overwritten by the function that one of them is.
        @Test func functionsAreNotFusedIntoWhatOthersRead() throws {
            let graph = try LayerGraph(
                architecture: "custom", input: InputShape(channels: 4, height: 6, width: 6),
                nodes: [
                    Node("conv", convolution(4, 16), inputs: ["input"]),
                    Node("relu", .activation(.relu), inputs: ["conv"]),
                    Node("pool", .pooling(Pooling(.maximum, window: Extent(2))), inputs: ["relu"]),
                    Node("other", .pooling(Pooling(.average, window: Extent(2))), inputs: ["relu"]),
                    Node("tanh", .activation(.tanh), inputs: ["conv"]),
                    Node("small", .pooling(Pooling(.average, window: Extent(2))), inputs: ["tanh"]),
                    Node("sum", .add, inputs: ["pool", "other", "small"]),
                ])
            try compare(graph)
            let native = try NativeExecutor(
                graph: graph, parameters: randomParameters(for: graph), engine: sharedEngine.get())
            let plan = try native.plan(for: PlanConfiguration(.inference, batch: 1))
            let titles = plan.json["operations"]?.arrayValue?.compactMap { $0["operation"]?.stringValue }
            #expect(titles?.contains("Conv2d") == true && titles?.contains("ReLU") == true)
        }

        /// Moving layers between a map and the vector that it becomes with its channels last.
        @Test func layersBeforeAFlattenWithChannelsLast() throws {
            let moves: [Layer] = [
                .permute(axes: [0, 1, 3, 2]), .reshape(Reshape([5, 12, 6], order: .channelsLast)),
                .localResponseNormalization(LocalResponseNormalization(size: 3)), .softmax,
            ]
            for move in moves {
                try compare(
                    LayerGraph(
                        architecture: "custom", input: InputShape(channels: 3, height: 6, width: 4),
                        chain: [
                            ("conv", convolution(3, 15)), ("move", move), ("tanh", .activation(.tanh)),
                            ("flat", .flatten(.channelsLast)), ("fc", .linear(Linear(360, 4))),
                        ]))
            }
        }

        /// One matrix for maps of several proportions, flattened in both orders, and for a vector.
        @Test func sharedLinearLayers() throws {
            let shared = Layer.linear(Linear(24, 24))
            try compare(
                LayerGraph(
                    architecture: "custom", input: InputShape(channels: 2, height: 3, width: 4),
                    nodes: [
                        Node("flat", .flatten(.channelsFirst), inputs: ["input"]),
                        Node("fc", shared, inputs: ["flat"]),
                        Node("turned", .permute(axes: [0, 2, 1, 3]), inputs: ["input"]),
                        Node("last", .flatten(.channelsLast), inputs: ["turned"]),
                        Node("again", shared, inputs: ["last"], sharing: "fc"),
                        Node("sum", .add, inputs: ["fc", "again"]),
                        Node("third", shared, inputs: ["sum"], sharing: "fc"),
                    ]))
        }

        /// A picture of other proportions with the same number of features.
        @Test func linearLayersBehindMapsOfOtherProportions() throws {
            try compare(
                LayerGraph(
                    architecture: "custom", input: InputShape(channels: 3, height: 4, width: 8),
                    chain: [
                        ("conv", convolution(3, 16)), ("flat", .flatten(.channelsFirst)),
                        ("fc", .linear(Linear(512, 5))),
                    ]), mostly: PlanConfiguration(.training, batch: 8),
                [
                    nil, InputShape(channels: 3, height: 8, width: 4),
                    InputShape(channels: 3, height: 2, width: 16),
                ])
        }

        @Test func sharedLayersAreFrozenTogether() throws {
            let norm = Layer.batchNormalization(BatchNormalization(18))
            let graph = try LayerGraph(
                architecture: "custom", input: InputShape(channels: 18, height: 5, width: 5),
                nodes: [
                    Node("conv", convolution(18, 18), inputs: ["input"]), Node("bn", norm, inputs: ["conv"]),
                    Node("relu", .activation(.relu), inputs: ["bn"]),
                    Node("twice", convolution(18, 18), inputs: ["relu"], sharing: "conv"),
                    Node("again", norm, inputs: ["twice"], sharing: "bn"),
                ])
            for frozen: Set<String> in [[], ["bn"], ["again"], ["conv"], ["twice", "bn"]] {
                try compare(graph, frozen: frozen, isTraining: true)
            }
        }

        /// Values of other ranks than maps and vectors have, and layers that work channel by channel on them.
        @Test func sequences() throws {
            try compare(
                LayerGraph(
                    architecture: "custom", input: InputShape(channels: 6, height: 4, width: 5),
                    chain: [
                        ("sequence", .reshape(Reshape([6, 20]))),
                        ("norm", .batchNormalization(BatchNormalization(6))),
                        ("slopes", .parametricReLU(channels: 6)),
                        ("soft", .softmax), ("turned", .permute(axes: [0, 2, 1])),
                        ("scaled", .rescaling(Rescaling(scale: [3], offset: [0.5]))),
                        ("drop", .spatialDropout(probability: 0.3)),
                        ("map", .reshape(Reshape([5, 4, 6], order: .channelsLast))),
                        ("response", .localResponseNormalization(LocalResponseNormalization(size: 3))),
                        ("deep", .reshape(Reshape([2, 5, 3, 2, 2]))),
                        ("gelu", .activation(.gelu(approximate: false))),
                        ("flat", .flatten(.channelsLast)), ("fc", .linear(Linear(120, 4))),
                    ]), isTraining: true)
        }

        /// Windows of odd and even sizes, cut off at both ends, over maps that are divided among threads.
        @Test(arguments: [0.5, 0.75, 1, 0.6])
        func localResponseNormalizations(_ beta: Double) throws {
            let chain = [4, 5, 47].map { size in
                (
                    "response\(size)",
                    Layer.localResponseNormalization(
                        LocalResponseNormalization(size: size, alpha: 0.8, beta: beta, k: 1.5))
                )
            }
            try compare(
                LayerGraph(
                    architecture: "custom", input: InputShape(channels: 24, height: 19, width: 17),
                    chain: chain))
        }

        /// Output padding that reaches further than the stride: rows that only the bias reaches.
        @Test(arguments: [(3, 1), (1, 3), (3, 3)])
        func transposedConvolutionsWithMuchOutputPadding(_ dilation: (Int, Int)) throws {
            let (height, width) = dilation
            for (groups, padding) in [(1, Padding(0)), (2, Padding(1))] {
                let layer = TransposedConvolution(
                    6, 20, kernel: Extent(2, 3), padding: padding,
                    outputPadding: Extent(height - 1, width - 1), dilation: Extent(height, width),
                    groups: groups)
                try compare(
                    single(
                        .transposedConvolution(layer), input: InputShape(channels: 6, height: 5, width: 4)))
            }
        }

        @Test func oneValuePerChannelHasNoVariance() throws {
            let norm = Layer.batchNormalization(BatchNormalization(3))
            let graph = try LayerGraph(
                architecture: "custom", input: InputShape(channels: 3, height: 1, width: 1),
                chain: [("bn1", norm), ("relu", .activation(.relu)), ("bn2", norm)])
            let parameters = try randomParameters(for: graph)
            func native(_ frozen: Set<String>) throws -> NativeExecutor {
                try NativeExecutor(
                    graph: graph, parameters: parameters, engine: sharedEngine.get(), frozen: frozen)
            }
            let input = try randomTensor([1, 3, 1, 1], name: "input")
            let mode = ExecutionMode.training(moment)
            let error = #expect(throws: ZooError.self) {
                try native(["bn1"]).forward(input, mode: mode, keeping: [])
            }
            #expect(error?.tensor == "bn2" && error?.found == "[1, 3, 1, 1]")
            #expect(throws: Never.self) { try native([]).forward(input) }
            #expect(throws: Never.self) {
                try native(["bn1", "bn2"]).forward(input, mode: mode, keeping: [])
            }
        }

        /// Statistics are the whole batch's, so its samples aren't divided among threads.
        @Test func batchesWithStatisticsAreNotDivided() throws {
            let graph = try LayerGraph(
                architecture: "custom", input: InputShape(channels: 3, height: 32, width: 32),
                chain: [
                    ("conv", convolution(3, 16)),
                    ("bn", .batchNormalization(BatchNormalization(16))), ("relu", .activation(.relu)),
                    ("pool", .globalPooling(GlobalPooling(.average))), ("fc", .linear(Linear(16, 10))),
                ])
            let parameters = try randomParameters(for: graph)
            func slices(_ configuration: PlanConfiguration) throws -> Int {
                let engine = try sharedEngine.get()
                return try engine.run { (context) throws(ZooError) in
                    try ExecutionPlan.make(
                        graph, parameters: parameters, configuration, engine: engine, context
                    ).sliceCount
                }
            }
            #expect(try slices(PlanConfiguration(.training, batch: 64)) == 1)
            #expect(try slices(PlanConfiguration(.training, batch: 64, isTraining: false)) == 4)
            #expect(try slices(PlanConfiguration(.training, batch: 64, frozen: ["bn"])) == 4)
            #expect(try slices(PlanConfiguration(.inference, batch: 64)) == 4)
            #expect(try slices(PlanConfiguration(.inference, batch: 64, isTraining: true)) == 1)
            try compare(graph, batch: 19, isTraining: true)
        }

        @Test func equalRunsGiveEqualBits() throws {
            let graph = try KnownNetwork.efficientNetB0()
            let parameters = try DeterministicFilling.parameters(graph)
            let input = try randomTensor([4, 3, 64, 64], name: "input")
            let cotangent = try randomTensor([4, 1000], name: "cotangent")
            let native = try NativeExecutor(
                graph: graph, parameters: parameters, engine: sharedEngine.get(),
                mostly: PlanConfiguration(.training, batch: 4))
            var runs: [[Float]] = []
            for _ in 0..<3 {
                let result = try native.gradients(
                    input: input, outputGradient: cotangent, mode: .training(moment))
                var numbers: [Float] = []
                for entry in result.parameters.entries { numbers += try entry.tensor.floats() }
                for entry in result.statistics.entries { numbers += try entry.tensor.floats() }
                runs.append(numbers)
            }
            // Millions of numbers, which a failure need not show.
            let areEqual = runs.dropFirst().allSatisfy { $0 == runs[0] }
            #expect(areEqual)
        }
    }
}
