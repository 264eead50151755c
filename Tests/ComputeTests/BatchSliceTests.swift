import Testing
import ZooCompute
import ZooLayerGraphs
import ZooTensors

extension OnTheEngine {
    /// Plans whose batch is divided among threads, each of which takes its samples through the whole network.
    @Suite struct BatchSliceTests {
        private func plan(
            _ graph: LayerGraph, _ parameters: ParameterTable, _ configuration: PlanConfiguration,
            _ context: EngineContext
        ) throws(ZooError) -> ExecutionPlan {
            try ExecutionPlan.make(
                graph, parameters: parameters, configuration, engine: sharedEngine.get(), context)
        }

        @Test("Slices of unequal size give what the whole batch gives", arguments: Network.allCases)
        func unequalSlices(_ network: Network) throws {
            let graph = try network.graph()
            var configuration = PlanConfiguration(.training, batch: 19)
            // Also for networks that one thread would do.
            configuration.threads = 4
            let chosen = configuration
            let moment = TrainingMoment(seed: 5, step: 3, firstSample: 64)
            let input = try randomTensor(graph.input.shape(batch: 19), name: "input")
            let parameters = try randomParameters(for: graph)
            let reference = try ReferenceExecutor(graph: graph, parameters: parameters)
            let mode = ExecutionMode.training(moment)
            let output = try reference.forward(input, mode: mode, keeping: []).output
            let cotangent = try randomTensor(output.shape, name: "cotangent")
            let theirs = try reference.gradients(input: input, outputGradient: cotangent, mode: mode)
            let (count, ours, runs) = try sharedEngine.get().run { (context) throws(ZooError) in
                let plan = try self.plan(graph, parameters, chosen, context)
                var runs: [GradientResult] = []
                // Twice: nothing of the first run may be left in the second.
                for _ in 0..<2 {
                    runs.append(
                        try plan.gradients(input: input, outputGradient: cotangent, moment, context))
                }
                return (plan.sliceCount, try plan.forward(input, moment, context).output, runs)
            }
            #expect(count == 4)
            #expect(try forwardError(ours, output) <= 1e-5)
            for run in runs {
                try expectGradients(run.parameters, theirs.parameters, "\(network), in slices")
            }
        }

        @Test func equalRunsGiveEqualBits() throws {
            let graph = try Network.tutorial.graph()
            let parameters = try randomParameters(for: graph)
            let input = try randomTensor(graph.input.shape(batch: 64), name: "input")
            let cotangent = try randomTensor([64, 10], name: "cotangent")
            let runs = try sharedEngine.get().run { (context) throws(ZooError) in
                let plan = try self.plan(
                    graph, parameters, PlanConfiguration(.training, batch: 64), context)
                var found: [[Float]] = []
                for _ in 0..<5 {
                    let gradients = try plan.gradients(
                        input: input, outputGradient: cotangent, nil, context)
                    var numbers: [Float] = []
                    for entry in gradients.parameters.entries { numbers += try entry.tensor.floats() }
                    found.append(numbers)
                }
                return found
            }
            for run in runs.dropFirst() { #expect(run == runs[0]) }
        }

        @Test func aBatchIsDividedWhenThatIsOfUse() throws {
            let graph = try Network.tutorial.graph()
            let parameters = try randomParameters(for: graph)
            func slices(_ configuration: PlanConfiguration) throws -> Int {
                try sharedEngine.get().run { (context) throws(ZooError) in
                    try plan(graph, parameters, configuration, context).sliceCount
                }
            }
            #expect(try slices(PlanConfiguration(.training, batch: 64)) == 4)
            #expect(try slices(PlanConfiguration(.inference, batch: 64)) == 4)
            #expect(try slices(PlanConfiguration(.training, batch: 9)) == 2)
            #expect(try slices(PlanConfiguration(.inference, batch: 1)) == 1)
            #expect(try slices(PlanConfiguration(.inference, batch: 64, keeping: ["conv1"])) == 1)
            let request = GradientRequest(input: true)
            #expect(try slices(PlanConfiguration(.training, batch: 64, gradients: request)) == 1)
        }
    }
}
