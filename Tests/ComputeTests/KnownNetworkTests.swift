import Testing
import ZooCompute
import ZooLayerGraphs
import ZooTensors

/// Whole networks with numbers that anyone can make again, against PyTorch in float64.
@Suite struct KnownNetworkTests {
    /// What is known of a network's logits: some of them, their sum and their Euclidean norm.
    struct Known: Sendable, CustomTestStringConvertible {
        let name: String
        let graph: @Sendable () throws -> LayerGraph
        let first: [Double]
        let sum: Double
        let norm: Double

        var testDescription: String { name }
    }

    static let networks = [
        Known(
            name: "ResNet18", graph: { try KnownNetwork.resNet18(classes: 1000) },
            first: [5.098640, 37.058309, 318.174969, -92.577959, -186.481358, 185.873360], sum: 4873.84538,
            norm: 4623.36604),
        Known(
            name: "EfficientNet-B0", graph: KnownNetwork.efficientNetB0,
            first: [48.947115, 5.528960, -126.114723, 9.226179, -27.870546, 43.686726], sum: 856.75252,
            norm: 1870.33190),
    ]

    @Test("Logits are PyTorch's", arguments: networks)
    func logits(_ known: Known) throws {
        #expect(abs(DeterministicFilling.uniform(5, 1) - 0.3480919506) < 1e-10)
        let graph = try known.graph()
        let executor = try ReferenceExecutor(
            graph: graph, parameters: DeterministicFilling.parameters(graph))
        let logits = try executor.forward(DeterministicFilling.input([1, 3, 224, 224])).output.doubles()
        // As many digits as were written down.
        for (mine, theirs) in zip(logits, known.first) { #expect(abs(mine - theirs) < 1e-6) }
        #expect(abs(logits.reduce(0, +) - known.sum) < 1e-5)
        #expect(abs(dot(logits, logits).squareRoot() - known.norm) < 1e-5)
    }

    /// SGD with learning rate 0.001 and momentum 0.9, batch normalisation in training.
    @Test func trainingStepsOfResNet18() throws {
        let graph = try KnownNetwork.resNet18(classes: 10)
        var parameters = try DeterministicFilling.parameters(graph)
        for path in parameters.paths { parameters[path] = try parameters[path]?.converted(to: .f64) }
        let input = try DeterministicFilling.input([4, 3, 64, 64])
        var velocities: [ParameterPath: [Double]] = [:]
        for (step, wanted) in [2.42875754, 0.21486618, 0.04691091].enumerated() {
            let executor = try ReferenceExecutor(graph: graph, parameters: parameters)
            let mode = ExecutionMode.training(TrainingMoment(seed: 1, step: UInt64(step)))
            let result = try executor.forward(input, mode: mode, keeping: [])
            let (loss, gradient) = try crossEntropy(result.output)
            #expect(abs(loss - wanted) < 1e-8)
            if step == 0 {
                let mean = try #require(result.statistics[ParameterPath("bn1", .runningMean)]).doubles()
                let variance = try #require(result.statistics[ParameterPath("bn1", .runningVariance)])
                    .doubles()
                for (mine, theirs) in zip(mean, [-0.07390368, 0.01696944, -0.07089580]) {
                    #expect(abs(mine - theirs) < 1e-8)
                }
                for (mine, theirs) in zip(variance, [0.96468624, 1.12308977, 1.27291603]) {
                    #expect(abs(mine - theirs) < 1e-8)
                }
            }
            let gradients = try executor.gradients(input: input, outputGradient: gradient, mode: mode)
            for (path, tensor) in gradients.parameters.entries {
                let slope = try tensor.doubles()
                let velocity = velocities[path].map { zip($0, slope).map { 0.9 * $0 + $1 } } ?? slope
                velocities[path] = velocity
                let values = zip(try #require(parameters[path]).doubles(), velocity).map { $0 - 0.001 * $1 }
                parameters[path] = try Tensor(values, shape: tensor.shape)
            }
            for (path, tensor) in gradients.statistics.entries { parameters[path] = tensor }
        }
        let executor = try ReferenceExecutor(graph: graph, parameters: parameters)
        #expect(abs(try crossEntropy(executor.forward(input).output).loss - 21.93357645) < 1e-6)
    }

    @Test func gradientsOfEfficientNetAreTheLimitOfFiniteDifferences() throws {
        let graph = try KnownNetwork.efficientNetB0()
        let parameters = try DeterministicFilling.parameters(graph)
        let input = try DeterministicFilling.input([2, 3, 64, 64])
        let mode = ExecutionMode.training(TrainingMoment(seed: 1))
        func loss(_ parameters: ParameterTable) throws -> Double {
            let executor = try ReferenceExecutor(graph: graph, parameters: parameters)
            return try crossEntropy(executor.forward(input, mode: mode, keeping: []).output).loss
        }
        let executor = try ReferenceExecutor(graph: graph, parameters: parameters)
        let logits = try executor.forward(input, mode: mode, keeping: []).output
        let gradients = try executor.gradients(
            input: input, outputGradient: crossEntropy(logits).gradient, mode: mode
        ).parameters
        #expect(gradients.paths == parameters.paths.filter(\.role.isLearned))
        // All parameters at once, each in a direction of its own.
        let step = 1e-6
        var (up, down, slope) = (parameters, parameters, 0.0)
        for (path, gradient) in gradients.entries {
            let values = try #require(parameters[path]).doubles()
            let direction = try randomTensor(gradient.shape, name: path.description).doubles()
            slope += dot(try gradient.doubles(), direction)
            up[path] = try Tensor(zip(values, direction).map { $0 + step * $1 }, shape: gradient.shape)
            down[path] = try Tensor(zip(values, direction).map { $0 - step * $1 }, shape: gradient.shape)
        }
        let difference = try (loss(up) - loss(down)) / (2 * step)
        #expect(abs(slope - difference) <= 1e-5 * abs(slope))
    }

    /// The mean loss of samples whose classes are 0, 1, 2, …, and its gradient.
    private func crossEntropy(_ logits: Tensor) throws -> (loss: Double, gradient: Tensor) {
        let (batch, classes) = (logits.shape[0], logits.shape[1])
        let probabilities = try ReferenceExecutor(
            graph: LayerGraph(
                architecture: "custom", input: InputShape(channels: classes, height: 1, width: 1),
                chain: [("softmax", .softmax)]), parameters: ParameterTable()
        ).forward(logits.reshaped([batch, classes, 1, 1])).output.doubles()
        var (loss, gradient) = (0.0, probabilities)
        for sample in 0..<batch {
            loss -= naturalLogarithm(probabilities[sample * classes + sample]) / Double(batch)
            gradient[sample * classes + sample] -= 1
        }
        return (loss, try Tensor(gradient.map { $0 / Double(batch) }, shape: logits.shape))
    }
}
