import Foundation
import Testing
import ZooCheckpoints
import ZooCompute
import ZooConversion
import ZooHDF5Checkpoints
import ZooLayerGraphs
import ZooModels
import ZooTensors
import ZooTestSupport

/// The shipped Keras model against Keras, forward and backward.
@Suite(.serialized) struct KerasParityTests {
    private func model() throws -> (model: Model, report: ConversionReport) {
        let beside = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent().appending(
            path: "zoo"
        ).path
        let zoo = ProcessInfo.processInfo.environment["ZOO_EXECUTABLE"] ?? beside
        return try Goldens.convert(
            KerasHDF5Reader.read(
                path: TestFiles.path("zoo/weights/lenet-mnist.h5"), isolation: .helper(executable: zoo)))
    }

    @Test(arguments: Executors.allCases) func logitsAndLayers(kind: Executors) throws {
        let golden = try Goldens.file("lenet-mnist-keras")
        let (model, report) = try model()
        #expect(report.plan.assumptions.isEmpty)
        #expect(model.graph.input == InputShape(channels: 1, height: 28, width: 28))
        let executor = try kind.make(model)
        let layers = Set(model.graph.nodes.map(\.path))
        let result = try executor.forward(golden.tensor("input"), mode: .inference, keeping: layers)
        try ParityRule.expect(
            "logits", result.output, equals: golden.tensor("logits64"), single: golden.tensor("logits32"),
            within: 1e-5)
        for path in layers {
            var wanted = try golden.tensor("activation64/\(path)")
            // Keras flattens in H, W, C order.
            if path == "flatten" {
                wanted = try wanted.reshaped([2, 5, 5, 16]).permuted([0, 3, 1, 2]).reshaped([2, 400])
            }
            let activation = try #require(result.activations[path]).sliced(axis: 0, 0..<2)
            try ParityRule.expect(path, activation, equals: wanted, within: 1e-5)
        }
    }

    @Test(arguments: Executors.allCases) func gradients(kind: Executors) throws {
        let golden = try Goldens.file("lenet-mnist-keras")
        let (model, report) = try model()
        let executor = try kind.make(model)
        let input = try golden.tensor("input")
        let labels = try golden.tensor("gradient/labels").scalars(Int64.self)
        let (loss, outputGradient) = try Goldens.crossEntropy(
            logits: executor.forward(input).output, labels: labels)
        #expect(abs(loss - (try golden.tensor("loss64").doubles()[0])) < 1e-4 * loss)
        let result = try executor.gradients(input: input, outputGradient: outputGradient)
        // The golden gradients are in Keras' layout; the conversion's own transforms bring them into ours.
        var wanted: [String: Tensor] = [:]
        for entry in report.plan.entries {
            wanted[entry.path.description] = try entry.transform.toCanonical(
                golden.tensor("gradient64/\(entry.key)"))
        }
        try ParityRule.expectGradients(
            result.parameters.entries.map { ($0.path.description, $0.tensor) }, equal: wanted, within: 1e-4)
    }
}
