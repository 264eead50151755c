import Testing
import ZooCompute
import ZooLayerGraphs
import ZooTensors

@Suite struct ReferenceExecutorTests {
    @Test("Results, gradients and statistics are PyTorch's", arguments: LayerCase.all)
    func matchesPyTorch(_ test: LayerCase) throws {
        let golden = try #require(layerGoldens[test.name] ?? mapGoldens[test.name])
        let graph = try test.graph()
        var parameters = ParameterTable()
        for specification in graph.parameters {
            parameters[specification.path] = try patternParameter(specification)
        }
        let executor = try ReferenceExecutor(graph: graph, parameters: parameters)
        let input = try pattern(test.inputShape, 3)
        let result = try executor.forward(input, mode: test.mode, keeping: [])
        let gradients = try executor.gradients(
            input: input, outputGradient: pattern(result.output.shape, 6), mode: test.mode,
            request: GradientRequest(input: true))
        var ours = [try fingerprint(result.output), try fingerprint(#require(gradients.input))]
        ours += try gradients.parameters.entries.map { try fingerprint($0.tensor) }
        ours += try result.statistics.entries.map { try fingerprint($0.tensor) }
        #expect(ours.count == golden.count)
        // Both sides compute in double precision and differ in the order of sums only.
        for (mine, theirs) in zip(ours.joined(), golden.joined()) {
            #expect(abs(mine - theirs) <= 1e-11 * max(abs(theirs), 1))
        }
        let names = graph.parameters.filter { !$0.path.role.isLearned }.map(\.path)
        #expect(result.statistics.paths == (test.trains ? names : []))
        for (path, tensor) in gradients.statistics.entries {
            #expect(try result.statistics[path]?.doubles() == tensor.doubles())
        }
    }

    /// The parameters that make-layer-goldens.py has.
    private func patternParameter(_ specification: ParameterSpecification) throws -> Tensor {
        switch specification.path.role {
        case .weight: try pattern(specification.shape, 4)
        case .bias: try pattern(specification.shape, 5)
        case .runningMean: try pattern(specification.shape, 7)
        case .runningVariance:
            try Tensor(
                patternValues(specification.shape.elementCount, 8).map { $0 + 1 }, shape: specification.shape)
        }
    }

    @Test("Gradients are the limits of finite differences", arguments: LayerCase.all + LayerCase.masked)
    func finiteDifferences(_ test: LayerCase) throws {
        let graph = try test.graph()
        let parameters = try randomParameters(for: graph)
        let executor = try ReferenceExecutor(graph: graph, parameters: parameters)
        let input = try randomTensor(test.inputShape, name: "input").converted(to: .f64)
        let outputShape = try executor.forward(input, mode: test.mode, keeping: []).output.shape
        let cotangent = try randomTensor(outputShape, name: "cotangent").doubles()
        func loss(_ input: Tensor, _ parameters: ParameterTable) throws -> Double {
            let executor = try ReferenceExecutor(graph: graph, parameters: parameters)
            let output = try executor.forward(input, mode: test.mode, keeping: []).output
            return dot(try output.doubles(), cotangent)
        }
        func moved(_ tensor: Tensor, by step: Double) throws -> Tensor {
            let direction = try randomTensor(tensor.shape, name: "direction").doubles()
            let values = zip(try tensor.doubles(), direction).map { $0 + step * $1 }
            return try Tensor(values, shape: tensor.shape)
        }
        // Small enough that no window's maximum and no sign changes on the way, large enough for 10 digits.
        let step = 1e-5
        let gradients = try executor.gradients(
            input: input, outputGradient: Tensor(cotangent, shape: outputShape), mode: test.mode,
            request: GradientRequest(input: true))
        func check(_ gradient: Tensor, _ difference: Double) throws {
            let direction = try randomTensor(gradient.shape, name: "direction").doubles()
            let slope = dot(try gradient.doubles(), direction)
            #expect(abs(slope - difference / (2 * step)) <= 1e-7 * max(abs(slope), 1))
        }
        try check(
            #require(gradients.input),
            loss(moved(input, by: step), parameters) - loss(moved(input, by: -step), parameters))
        #expect(gradients.parameters.paths == parameters.paths.filter(\.role.isLearned))
        for (path, tensor) in parameters.entries where path.role.isLearned {
            var (up, down) = (parameters, parameters)
            up[path] = try moved(tensor, by: step)
            down[path] = try moved(tensor, by: -step)
            try check(#require(gradients.parameters[path]), loss(input, up) - loss(input, down))
        }
    }

    @Test func convolutionByHand() throws {
        // One row of padding above and one column to the right; the kernel's two elements lie two columns apart.
        let layer = Convolution(
            1, 1, kernel: Extent(1, 2), padding: Padding(top: 1, left: 0, bottom: 0, right: 1),
            dilation: Extent(1, 2))
        let graph = try single(.convolution(layer), input: InputShape(channels: 1, height: 1, width: 3))
        var parameters = ParameterTable()
        parameters[ParameterPath("layer", .weight)] = try Tensor([10.0, 1], shape: [1, 1, 1, 2])
        parameters[ParameterPath("layer", .bias)] = try Tensor([0.5], shape: [1])
        let executor = try ReferenceExecutor(graph: graph, parameters: parameters)
        let result = try executor.forward(Tensor([1.0, 2, 3], shape: [1, 1, 1, 3])).output
        #expect(result.shape == [1, 1, 2, 2])
        #expect(try result.doubles() == [0.5, 0.5, 13.5, 20.5])
    }

    @Test func averagesByHand() throws {
        // Five elements, windows of two: the last, partial one holds one element.
        let row = try Tensor([1.0, 2, 3, 4, 5], shape: [1, 1, 1, 5])
        func average(_ padding: Padding, ceilMode: Bool, countsPadding: Bool) throws -> [Double] {
            let layer = Pooling(
                .average, window: Extent(1, 2), padding: padding, ceilMode: ceilMode,
                countsPadding: countsPadding)
            let graph = try single(.pooling(layer), input: InputShape(channels: 1, height: 1, width: 5))
            return try ReferenceExecutor(graph: graph, parameters: ParameterTable()).forward(row).output
                .doubles()
        }
        #expect(try average(.none, ceilMode: false, countsPadding: true) == [1.5, 3.5])
        #expect(try average(.none, ceilMode: true, countsPadding: true) == [1.5, 3.5, 5])
        let left = Padding(top: 0, left: 1, bottom: 0, right: 0)
        #expect(try average(left, ceilMode: false, countsPadding: true) == [0.5, 2.5, 4.5])
        #expect(try average(left, ceilMode: false, countsPadding: false) == [1, 2.5, 4.5])
    }

    @Test func flattenOrders() throws {
        let input = try Tensor([1.0, 2, 3, 4, 5, 6], shape: [1, 2, 1, 3])
        func flat(_ order: FlattenOrder) throws -> [Double] {
            let graph = try single(.flatten(order), input: InputShape(channels: 2, height: 1, width: 3))
            return try ReferenceExecutor(graph: graph, parameters: ParameterTable()).forward(input).output
                .doubles()
        }
        #expect(try flat(.channelsFirst) == [1, 2, 3, 4, 5, 6])
        #expect(try flat(.channelsLast) == [1, 4, 2, 5, 3, 6])
    }
}
