import Testing
import ZooCompute
import ZooLayerGraphs
import ZooTensors

extension OnTheEngine {
    @Suite struct NativeExecutorTests {
        private func executors(
            _ graph: LayerGraph, frozen: Set<String> = [], mostly: PlanConfiguration? = nil
        ) throws -> (NativeExecutor, ReferenceExecutor) {
            let parameters = try randomParameters(for: graph)
            return (
                try NativeExecutor(
                    graph: graph, parameters: parameters, engine: sharedEngine.get(), frozen: frozen,
                    mostly: mostly),
                try ReferenceExecutor(graph: graph, parameters: parameters, frozen: frozen)
            )
        }

        @Test(
            "Single layers and small networks compute what the reference does, in every layout",
            arguments: LayerCase.all + LayerCase.masked, FeatureLayout.allCases)
        func layers(_ test: LayerCase, _ layout: FeatureLayout) throws {
            let graph = try test.graph()
            let parameters = try randomParameters(for: graph)
            let reference = try ReferenceExecutor(graph: graph, parameters: parameters)
            let input = try randomTensor(test.inputShape, name: "input")
            let wanted = try reference.forward(input, mode: test.mode, keeping: [])
            let cotangent = try randomTensor(wanted.output.shape, name: "cotangent")
            let request = GradientRequest(input: true)
            let theirs = try reference.gradients(
                input: input, outputGradient: cotangent, mode: test.mode, request: request)
            var configuration = PlanConfiguration(
                .training, batch: test.input[0], isTraining: test.trains, gradients: request)
            configuration.layout = layout
            let (chosen, engine) = (configuration, try sharedEngine.get())
            let moment: TrainingMoment? =
                if case .training(let moment) = test.mode { moment } else { nil }
            let (output, ours) = try engine.run { (context) throws(ZooError) in
                let plan = try ExecutionPlan.make(
                    graph, parameters: parameters, chosen, engine: engine, context)
                // Twice: nothing of the first run may be left in the second.
                _ = try plan.gradients(input: input, outputGradient: cotangent, moment, context)
                return (
                    try plan.forward(input, moment, context).output,
                    try plan.gradients(input: input, outputGradient: cotangent, moment, context)
                )
            }
            #expect(try forwardError(output, wanted.output) <= 1e-5)
            try expectGradients(ours.parameters, theirs.parameters, "\(test.name)")
            #expect(try forwardError(#require(ours.input), #require(theirs.input)) <= 1e-4)
            #expect(ours.statistics.paths == theirs.statistics.paths)
            for (path, tensor) in theirs.statistics.entries {
                #expect(try forwardError(#require(ours.statistics[path]), tensor) <= 1e-5)
            }
        }

        @Test("Networks compute what the reference does", arguments: Network.allCases, [1, 3, 64])
        func networks(_ name: Network, batch: Int) throws {
            let graph = try name.graph()
            let (native, reference) = try executors(graph)
            // The reference takes its time over large layers.
            let batch = name == .blocks ? min(batch, 8) : batch
            let input = try randomTensor(graph.input.shape(batch: batch), name: "input")
            let modes = [
                ExecutionMode.inference, .training(TrainingMoment(seed: 5, step: 2, firstSample: 17)),
            ]
            for mode in modes {
                let wanted = try reference.forward(input, mode: mode, keeping: [])
                let output = try native.forward(input, mode: mode, keeping: []).output
                #expect(try forwardError(output, wanted.output) <= 1e-5, "\(name), \(batch)")
                let cotangent = try randomTensor(wanted.output.shape, name: "cotangent")
                let request = GradientRequest(input: true)
                let ours = try native.gradients(
                    input: input, outputGradient: cotangent, mode: mode, request: request)
                let theirs = try reference.gradients(
                    input: input, outputGradient: cotangent, mode: mode, request: request)
                try expectGradients(ours.parameters, theirs.parameters, "\(name), \(batch)")
                #expect(
                    try forwardError(#require(ours.input), #require(theirs.input)) <= 1e-4,
                    "\(name), \(batch)")
            }
        }

        @Test("Every layer's result and gradient can be seen", arguments: Network.allCases)
        func activations(_ name: Network) throws {
            let graph = try name.graph()
            let (native, reference) = try executors(graph)
            let input = try randomTensor(graph.input.shape(batch: 2), name: "input")
            let mode = ExecutionMode.training(TrainingMoment(seed: 5))
            // Each alone, which changes the fewest fusions, and all together.
            let paths = graph.nodes.map(\.path) + [LayerGraph.inputPath]
            for asked in paths.map({ [$0] }) + [paths] {
                let asked = Set(asked)
                for mode in [ExecutionMode.inference, mode] {
                    let wanted = try reference.forward(input, mode: mode, keeping: asked)
                    let ours = try native.forward(input, mode: mode, keeping: asked)
                    #expect(Set(ours.activations.keys) == asked)
                    for (path, tensor) in wanted.activations {
                        let mine = try #require(ours.activations[path])
                        #expect(try forwardError(mine, tensor) <= 1e-5, "\(name), \(path)")
                    }
                }
                let cotangent = try randomTensor(try reference.forward(input).output.shape, name: "cotangent")
                let request = GradientRequest(activations: asked)
                let wanted = try reference.gradients(
                    input: input, outputGradient: cotangent, mode: mode, request: request)
                let ours = try native.gradients(
                    input: input, outputGradient: cotangent, mode: mode, request: request)
                #expect(Set(ours.activations.keys) == asked)
                for (path, tensor) in wanted.activations {
                    let mine = try #require(ours.activations[path])
                    #expect(try forwardError(mine, tensor) <= 1e-4, "\(name), gradient of \(path)")
                }
                try expectGradients(ours.parameters, wanted.parameters, "\(name), \(asked)")
            }
        }

        @Test("Any order of use gives the same numbers: training first, or inference first")
        func layoutsOfOthers() throws {
            for name in Network.allCases {
                let graph = try name.graph()
                let (native, reference) = try executors(
                    graph, mostly: PlanConfiguration(.training, batch: 32))
                let input = try randomTensor(graph.input.shape(batch: 5), name: "input")
                let wanted = try reference.forward(input).output
                #expect(try forwardError(native.forward(input).output, wanted) <= 1e-5, "\(name)")
                let cotangent = try randomTensor(wanted.shape, name: "cotangent")
                let ours = try native.gradients(input: input, outputGradient: cotangent)
                let theirs = try reference.gradients(input: input, outputGradient: cotangent)
                try expectGradients(ours.parameters, theirs.parameters, "\(name)")
            }
        }

        @Test func otherPictureSizes() throws {
            let graph = try LayerGraph(
                architecture: "custom", input: InputShape(channels: 3, height: 16, width: 16),
                chain: [
                    ("conv", .convolution(Convolution(3, 8, kernel: Extent(3)))),
                    ("relu", .activation(.relu)),
                    ("pool", .pooling(Pooling(.maximum, window: Extent(2)))),
                ])
            let (native, reference) = try executors(graph)
            for (height, width) in [(16, 16), (9, 31), (3, 4)] {
                let input = try randomTensor([2, 3, height, width], name: "input")
                guard height > 3 else {
                    #expect(throws: ZooError.self) { try native.forward(input) }
                    continue
                }
                let wanted = try reference.forward(input).output
                #expect(try forwardError(native.forward(input).output, wanted) <= 1e-5)
            }
        }
    }
}
