import Testing
import ZooCompute
import ZooLayerGraphs
import ZooTensors

extension OnTheEngine {
    @Suite struct ExecutionPlanTests {
        private func executor(
            _ graph: LayerGraph, frozen: Set<String> = [], mostly: PlanConfiguration? = nil
        ) throws -> NativeExecutor {
            try NativeExecutor(
                graph: graph, parameters: randomParameters(for: graph), engine: sharedEngine.get(),
                frozen: frozen,
                mostly: mostly)
        }

        private func operations(_ plan: ExecutionPlan, _ pass: String) -> [JSONValue] {
            (plan.json["operations"]?.arrayValue ?? []).filter { $0["pass"]?.stringValue == pass }
        }

        private func titles(_ plan: ExecutionPlan, _ pass: String) -> [String] {
            operations(plan, pass).compactMap { $0["operation"]?.stringValue }
        }

        @Test func activationsAreFusedAndNothingIsReordered() throws {
            let native = try executor(Network.tutorial.graph())
            let plan = try native.plan(for: PlanConfiguration(.inference, batch: 64))
            #expect(
                titles(plan, "forward") == [
                    "Conv2d + ReLU", "MaxPool2d", "Conv2d + ReLU", "MaxPool2d", "Linear + ReLU",
                    "Linear + ReLU",
                    "Linear",
                ])
            #expect(plan.json["schema"]?.stringValue == "menagerie/plan/1")
            #expect(plan.json["threads"]?.intValue == 4)
            #expect(operations(plan, "forward")[0]["layers"]?.arrayValue == ["conv1", "act1"])
            let kernels = operations(plan, "forward").compactMap { $0["kernel"]?.stringValue }
            if plan.json["instruction_set"]?.stringValue?.hasPrefix("avx") ?? false {
                #expect(kernels.allSatisfy { !$0.hasPrefix("ref") })
            }
            // Asking for what a fusion would swallow undoes that one.
            let seeing = try native.plan(for: PlanConfiguration(.inference, batch: 64, keeping: ["conv2"]))
            #expect(titles(seeing, "forward").filter { $0 == "ReLU" }.count == 1)
            #expect(titles(seeing, "forward").contains("Conv2d + ReLU"))
        }

        @Test("The library is the one that tools/test-onednn3 says, if it says one")
        func version() throws {
            let native = try executor(Network.padded.graph())
            let plan = try native.plan(for: PlanConfiguration(.inference, batch: 1))
            let library = try #require(plan.json["library"]?.stringValue)
            let expected = environment("ZOO_EXPECT_ONEDNN") ?? ""
            #expect(library.hasPrefix("oneDNN \(expected)"))
        }

        @Test func dropoutVanishesFromInference() throws {
            let native = try executor(Network.awkward.graph())
            let plan = try native.plan(for: PlanConfiguration(.inference, batch: 4))
            #expect(!titles(plan, "forward").contains("Dropout"))
            let training = try native.plan(for: PlanConfiguration(.training, batch: 4))
            #expect(titles(training, "forward").filter { $0 == "Dropout" }.count == 2)
        }

        @Test func smallRunsStayOnOneThread() throws {
            let native = try executor(Network.padded.graph())
            #expect(try native.plan(for: PlanConfiguration(.inference, batch: 1)).threads == 1)
            #expect(try native.plan(for: PlanConfiguration(.inference, batch: 64)).threads == 4)
        }

        @Test func theInputsGradientIsComputedOnlyWhenAskedFor() throws {
            let native = try executor(Network.padded.graph())
            func gradientsOfOperands(_ request: GradientRequest) throws -> [[JSONValue]] {
                let plan = try native.plan(for: PlanConfiguration(.training, batch: 8, gradients: request))
                return operations(plan, "backward").filter {
                    $0["operation"]?.stringValue?.hasSuffix("gradient of operand") ?? false
                }.compactMap { $0["layers"]?.arrayValue }
            }
            #expect(try !gradientsOfOperands(GradientRequest()).contains(["conv1", "act1"]))
            #expect(try gradientsOfOperands(GradientRequest(input: true)).contains(["conv1", "act1"]))
        }

        @Test func nothingIsComputedBelowTheLowestLayerThatLearns() throws {
            let graph = try Network.awkward.graph()
            let frozen: Set<String> = ["conv1", "conv2", "drop1", "conv3", "fc1"]
            let native = try executor(graph, frozen: frozen)
            let plan = try native.plan(for: PlanConfiguration(.training, batch: 3))
            #expect(titles(plan, "backward") == ["Softmax, gradient", "Linear, gradient of weights"])
            let reference = try ReferenceExecutor(
                graph: graph, parameters: randomParameters(for: graph), frozen: frozen)
            let input = try randomTensor(graph.input.shape(batch: 3), name: "input")
            let mode = ExecutionMode.training(TrainingMoment(seed: 9))
            let cotangent = try randomTensor([3, 7], name: "cotangent")
            let ours = try native.gradients(input: input, outputGradient: cotangent, mode: mode)
            let theirs = try reference.gradients(input: input, outputGradient: cotangent, mode: mode)
            #expect(ours.parameters.paths.map(\.description) == ["fc2.weight"])
            try expectGradients(ours.parameters, theirs.parameters, "frozen")
        }

        @Test("Every layout computes the same", arguments: Network.allCases, FeatureLayout.allCases)
        func layouts(_ network: Network, _ layout: FeatureLayout) throws {
            let graph = try network.graph()
            let parameters = try randomParameters(for: graph)
            var configuration = PlanConfiguration(
                .training, batch: 2, gradients: GradientRequest(input: true, activations: ["flatten"]))
            configuration.layout = layout
            let engine = try sharedEngine.get()
            let chosen = configuration
            let input = try randomTensor(graph.input.shape(batch: 2), name: "input")
            let mode = ExecutionMode.training(TrainingMoment(seed: 2))
            let reference = try ReferenceExecutor(graph: graph, parameters: parameters)
            let cotangent = try randomTensor(try reference.forward(input).output.shape, name: "cotangent")
            let theirs = try reference.gradients(
                input: input, outputGradient: cotangent, mode: mode, request: configuration.gradients)
            let ours = try engine.run { (context) throws(ZooError) in
                let plan = try ExecutionPlan.make(
                    graph, parameters: parameters, chosen, engine: engine, context)
                return try plan.gradients(
                    input: input, outputGradient: cotangent, TrainingMoment(seed: 2), context)
            }
            try expectGradients(ours.parameters, theirs.parameters, "\(network), \(layout)")
            #expect(try forwardError(#require(ours.input), #require(theirs.input)) <= 1e-4)
            let flat = try #require(theirs.activations["flatten"])
            #expect(try forwardError(#require(ours.activations["flatten"]), flat) <= 1e-4)
        }

        @Test func parametersComeBackAsTheyWentIn() throws {
            for network in Network.allCases {
                let graph = try network.graph()
                let parameters = try randomParameters(for: graph)
                for purpose in [PlanConfiguration.Purpose.inference, .training] {
                    let native = try executor(graph, mostly: PlanConfiguration(purpose, batch: 16))
                    let back = try native.store.read()
                    #expect(back.paths == parameters.paths)
                    for (path, tensor) in parameters.entries {
                        #expect(try back[path]?.floats() == tensor.floats(), "\(network), \(path)")
                    }
                }
            }
        }

        @Test func newParametersCountFromTheNextRunOn() throws {
            let graph = try Network.blocks.graph()
            // Made for training with many pictures, so that plans for one may hold repacked copies.
            let native = try executor(graph, mostly: PlanConfiguration(.training, batch: 16))
            let input = try randomTensor(graph.input.shape(batch: 1), name: "input")
            _ = try native.forward(input)
            let others = try randomParameters(for: graph, seed: 99)
            try native.store.write(others)
            let wanted = try ReferenceExecutor(graph: graph, parameters: others).forward(input).output
            #expect(try forwardError(native.forward(input).output, wanted) <= 1e-5)
            var wrong = ParameterTable()
            wrong[ParameterPath("fc", .bias)] = try Tensor([Float](repeating: 1, count: 3), shape: [3])
            #expect(throws: ZooError.self) { try native.store.write(wrong) }
        }

        @Test func refusalsNameWhatIsWrong() throws {
            let graph = try Network.tutorial.graph()
            let native = try executor(graph)
            func failure(_ body: () throws -> Void) -> ZooError? {
                #expect(throws: ZooError.self) { try body() }
            }
            #expect(failure { _ = try native.forward(pattern([1, 3, 32, 32], 1)) }?.expected == "1")
            #expect(failure { _ = try native.forward(pattern([1, 1, 40, 40], 1)) }?.tensor == "fc1")
            let image = try pattern([1, 1, 32, 32], 1)
            #expect(failure { _ = try native.forward(image, keeping: ["fc4"]) }?.tensor == "fc4")
            #expect(
                failure { _ = try native.gradients(input: image, outputGradient: pattern([1, 3], 1)) }?.code
                    == .mismatch)
            let missing = failure {
                _ = try NativeExecutor(graph: graph, parameters: ParameterTable(), engine: sharedEngine.get())
            }
            #expect(missing?.code == .missingTensor)
            let huge = Convolution(1, 1, kernel: Extent(1), padding: Padding(1 << 24), hasBias: false)
            let other = try single(.convolution(huge), input: InputShape(channels: 1, height: 4, width: 4))
            #expect(failure { _ = try executor(other) }?.code == .limitExceeded)
        }

        @Test func memoryIsReused() throws {
            let native = try executor(Network.blocks.graph())
            let plan = try native.plan(for: PlanConfiguration(.inference, batch: 16))
            let all = try GraphSummary(Network.blocks.graph(), batch: 16).activationBytes
            #expect(plan.memoryByteCount < all / 2)
        }
    }
}
