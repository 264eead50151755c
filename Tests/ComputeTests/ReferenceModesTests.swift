import Testing
import ZooCompute
import ZooLayerGraphs
import ZooTensors

@Suite struct ReferenceModesTests {
    private func dropoutGraph(_ probability: Double) throws -> LayerGraph {
        try single(.dropout(probability: probability), input: InputShape(channels: 3, height: 4, width: 5))
    }

    private func run(
        _ graph: LayerGraph, _ input: Tensor, _ mode: ExecutionMode, frozen: Set<String> = []
    ) throws -> [Double] {
        let executor = try ReferenceExecutor(graph: graph, parameters: ParameterTable(), frozen: frozen)
        return try executor.forward(input, mode: mode, keeping: []).output.doubles()
    }

    @Test func dropoutKeepsTheRightShareAndScale() throws {
        let input = try Tensor([Double](repeating: 3, count: 40 * 60), shape: [40, 3, 4, 5])
        let values = try run(dropoutGraph(0.25), input, .training(TrainingMoment(seed: 7)))
        #expect(Set(values) == [0, 4])
        let dropped = values.filter { $0 == 0 }.count
        // 2400 draws with p = 0.25: mean 600, standard deviation 21.
        #expect(abs(dropped - 600) < 100)
        #expect(try run(dropoutGraph(0.25), input, .inference) == input.doubles())
        #expect(try run(dropoutGraph(0), input, .training(TrainingMoment(seed: 7))) == input.doubles())
        #expect(try run(dropoutGraph(1), input, .training(TrainingMoment(seed: 7))).allSatisfy { $0 == 0 })
    }

    @Test func masksBelongToTheSampleNotToTheBatch() throws {
        let graph = try dropoutGraph(0.5)
        let input = try randomTensor([4, 3, 4, 5], name: "input")
        let whole = try run(graph, input, .training(TrainingMoment(seed: 7, step: 3)))
        var parts: [Double] = []
        for sample in 0..<4 {
            let moment = TrainingMoment(seed: 7, step: 3, firstSample: UInt64(sample))
            parts += try run(graph, input.sliced(axis: 0, sample..<(sample + 1)), .training(moment))
        }
        #expect(whole == parts)
        #expect(try whole != run(graph, input, .training(TrainingMoment(seed: 7, step: 4))))
        #expect(try whole != run(graph, input, .training(TrainingMoment(seed: 8, step: 3))))
    }

    @Test func dropoutGradientUsesTheSameMask() throws {
        let executor = try ReferenceExecutor(graph: dropoutGraph(0.5), parameters: ParameterTable())
        let ones = try Tensor([Double](repeating: 1, count: 60), shape: [1, 3, 4, 5])
        let mode = ExecutionMode.training(TrainingMoment(seed: 1))
        let gradients = try executor.gradients(
            input: ones, outputGradient: ones, mode: mode, request: GradientRequest(input: true))
        #expect(
            try gradients.input?.doubles()
                == executor.forward(ones, mode: mode, keeping: []).output.doubles())
    }

    @Test func frozenNodesNeitherDropNorLearn() throws {
        let graph = try LayerGraph(
            architecture: "custom", input: InputShape(channels: 2, height: 1, width: 1),
            chain: [
                ("flatten", .flatten(.channelsFirst)), ("drop", .dropout(probability: 0.9)),
                ("fc1", .linear(Linear(2, 3))), ("fc2", .linear(Linear(3, 2))),
            ])
        let executor = try ReferenceExecutor(
            graph: graph, parameters: randomParameters(for: graph), frozen: ["drop", "fc1"])
        let input = try randomTensor([5, 2, 1, 1], name: "input")
        let mode = ExecutionMode.training(TrainingMoment(seed: 1))
        #expect(
            try executor.forward(input, mode: mode, keeping: []).output.doubles()
                == executor.forward(input).output.doubles())
        let gradients = try executor.gradients(
            input: input, outputGradient: pattern([5, 2], 1), mode: mode)
        #expect(gradients.parameters.paths.map(\.description) == ["fc2.weight", "fc2.bias"])
    }

    @Test func keepsWhatIsAskedFor() throws {
        let graph = try LayerGraph(
            architecture: "custom", input: InputShape(channels: 1, height: 3, width: 3),
            chain: [
                ("relu", .activation(.relu)), ("tanh", .activation(.tanh)),
                ("sigmoid", .activation(.sigmoid)),
            ])
        let executor = try ReferenceExecutor(graph: graph, parameters: ParameterTable(), precision: .f32)
        let input = try pattern([2, 1, 3, 3], 1)
        let result = try executor.forward(input, keeping: ["relu", "input"])
        #expect(result.output.elementType == .f32)
        #expect(Set(result.activations.keys) == ["relu", "input"])
        #expect(try result.activations["relu"]?.doubles() == input.doubles().map { max($0, 0) })
        let gradients = try executor.gradients(
            input: input, outputGradient: input, mode: .inference,
            request: GradientRequest(input: true, activations: ["relu", "sigmoid"]))
        #expect(try gradients.activations["sigmoid"]?.doubles() == input.doubles())
        let through = try #require(try gradients.activations["relu"]?.doubles())
        let masked = zip(through, try input.doubles()).map { $1 > 0 ? $0 : 0 }
        #expect(try gradients.input?.doubles() == masked)
    }

    @Test func refusalsNameWhatIsWrong() throws {
        let layer = Layer.convolution(Convolution(3, 2, kernel: Extent(3)))
        let graph = try single(layer, input: InputShape(channels: 3, height: 8, width: 8))
        let executor = try ReferenceExecutor(graph: graph, parameters: randomParameters(for: graph))
        func failure(_ body: () throws -> Void) -> ZooError? {
            #expect(throws: ZooError.self) { try body() }
        }
        let input = try pattern([1, 3, 8, 8], 1)
        #expect(failure { _ = try executor.forward(pattern([3, 8, 8], 1)) }?.expected == "[N, 3, H, W]")
        #expect(failure { _ = try executor.forward(pattern([1, 1, 8, 8], 1)) }?.expected == "3")
        #expect(failure { _ = try executor.forward(pattern([0, 3, 8, 8], 1)) }?.code == .invalidArgument)
        #expect(failure { _ = try executor.forward(pattern([1, 3, 2, 8], 1)) }?.tensor == "layer")
        #expect(failure { _ = try executor.forward(input, keeping: ["lyer"]) }?.tensor == "lyer")
        let missing = failure { _ = try ReferenceExecutor(graph: graph, parameters: ParameterTable()) }
        #expect(missing?.code == .missingTensor)
        let wrong = failure { _ = try executor.gradients(input: input, outputGradient: pattern([1, 2], 1)) }
        #expect(wrong?.code == .mismatch)
        #expect(try executor.forward(pattern([2, 3, 11, 9], 1)).output.shape == [2, 2, 9, 7])
    }

    @Test func sizesFromStrangersAllocateNothing() throws {
        let huge = Convolution(1, 1, kernel: Extent(1), padding: Padding(1 << 24), hasBias: false)
        let graph = try single(.convolution(huge), input: InputShape(channels: 1, height: 4, width: 4))
        let executor = try ReferenceExecutor(graph: graph, parameters: randomParameters(for: graph))
        let error = #expect(throws: ZooError.self) { try executor.forward(pattern([1, 1, 4, 4], 1)) }
        #expect(error?.code == .limitExceeded)
        let blind = Pooling(.maximum, window: Extent(2), padding: Padding(2))
        let other = try single(.pooling(blind), input: InputShape(channels: 1, height: 4, width: 4))
        #expect(throws: ZooError.self) {
            try ReferenceExecutor(graph: other, parameters: ParameterTable()).forward(
                pattern([1, 1, 4, 4], 1))
        }
    }
}
