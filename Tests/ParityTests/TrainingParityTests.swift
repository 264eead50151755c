import Foundation
import Testing
import ZooCheckpoints
import ZooConversion
import ZooDatasets
import ZooHDF5Checkpoints
import ZooImages
import ZooLayerGraphs
import ZooModels
import ZooTensors
import ZooTestSupport
import ZooTraining

/// Twenty steps of SGD with momentum on fixed batches, against each framework.
@Suite(.serialized) struct TrainingParityTests {
    private func backend(_ kind: Executors, _ model: Model) throws -> any TrainingBackend {
        switch kind {
        case .reference: try ReferenceBackend(graph: model.graph, parameters: model.parameters)
        case .plan:
            try NativeBackend(
                graph: model.graph, parameters: model.parameters, batch: 16, seed: 0, threads: 2)
        }
    }

    private func kerasModel() throws -> (model: Model, report: ConversionReport) {
        let beside = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent().appending(
            path: "zoo"
        ).path
        let zoo = ProcessInfo.processInfo.environment["ZOO_EXECUTABLE"] ?? beside
        return try Goldens.convert(
            KerasHDF5Reader.read(
                path: TestFiles.path("zoo/weights/lenet-mnist.h5"), isolation: .helper(executable: zoo)))
    }

    @Test(arguments: ["pytorch", "keras"], Executors.allCases)
    func twentySteps(framework: String, kind: Executors) throws {
        let golden = try Goldens.file("lenet-mnist-\(framework)")
        let (model, report) = try framework == "keras" ? kerasModel() : Goldens.pytorchModel()
        let isPyTorch = framework == "pytorch"
        let preparation = try PreprocessingExecutor(
            Preprocessing(
                channels: .grey, resize: Extent(28), padding: Padding(isPyTorch ? 2 : 0),
                mean: isPyTorch ? [0.1307] : [], standardDeviation: isPyTorch ? [0.3081] : []))
        let side = isPyTorch ? 32 : 28
        let rate = try golden.tensor("steps/learning-rate").doubles()[0]
        let momentum = Float(try golden.tensor("steps/momentum").doubles()[0])
        let update = OptimizerUpdate(rule: .sgd(momentum: momentum), learningRate: rate)
        // Both frameworks had the same ones.
        let pictures = try Goldens.file("lenet-mnist-pytorch").tensor("steps/pictures").scalars(UInt8.self)
        let labels = try golden.tensor("steps/labels").scalars(Int64.self).map { Int32($0) }
        let backend = try backend(kind, model)
        var losses: [Double] = []
        for step in 0..<20 {
            var input: [Float] = []
            for picture in 0..<16 {
                let start = (step * 16 + picture) * 784
                input += try preparation.floats(
                    Picture(
                        width: 28, height: 28, channels: 1, pixels: Array(pictures[start..<(start + 784)])))
            }
            let batchLabels = Array(labels[(step * 16)..<(step * 16 + 16)])
            try backend.step(Tensor(input, shape: [16, 1, side, side]), update: update) {
                (logits) throws(ZooError) in
                let result = try CrossEntropy.evaluate(logits: logits, classes: 10, labels: batchLabels)
                losses.append(result.loss)
                return result.gradient
            }
        }
        try ParityRule.expect(
            "losses", Tensor(losses, shape: [20]), equals: golden.tensor("losses64"),
            single: golden.tensor("losses32"), within: 1e-4)
        let after = try backend.parameters()
        for entry in report.plan.entries {
            let wanted = try entry.transform.toCanonical(golden.tensor("after64/\(entry.key)"))
            try ParityRule.expect(
                "after/\(entry.path)", #require(after[entry.path]), equals: wanted, within: 1e-4)
        }
    }
}
