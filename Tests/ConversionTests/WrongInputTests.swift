import Testing
import ZooCheckpoints
import ZooConversion
import ZooLayerGraphs
import ZooTensors
import ZooTestSupport

/// State dicts that aren't what somebody takes them for: the error names the tensor, what was expected and what was found.
@Suite struct WrongInputTests {
    private typealias Entries = [(name: String, shape: TensorShape)]

    private func entries(_ architecture: String) throws -> Entries {
        try #require(Structure.named(architecture, "torchvision")).entries
            .filter { !$0.name.hasSuffix("num_batches_tracked") }
    }

    private func failure(
        _ entries: Entries, values: [String: Float] = [:],
        _ change: (inout Converter.Options) -> Void = { _ in }
    ) throws -> ZooError? {
        let tensors = try entries.map { entry in
            var numbers = [Float](repeating: 0, count: entry.shape.elementCount)
            if let value = values[entry.name] { numbers[numbers.count / 2] = value }
            return CheckpointTensor(name: entry.name, tensor: try Tensor(numbers, shape: entry.shape))
        }
        let file = try Checkpoint(format: .pytorchZip, path: "model.pth", tensors: tensors)
        var options = Converter.Options()
        change(&options)
        do throws(ZooError) {
            _ = try Converter(options: options).convert(file)
            return nil
        } catch {
            return error
        }
    }

    @Test func anotherArchitecture() throws {
        let error = try failure(entries("resnet18")) { $0.architecture = "alexnet" }
        #expect(error?.problem.contains("alexnet") == true && error?.found?.contains("conv1.weight") == true)
    }

    @Test func oneMissingOneTransposedOneTooWide() throws {
        let whole = try entries("resnet18")
        let missing = try failure(whole.filter { $0.name != "layer2.0.conv1.weight" })
        #expect(missing?.tensor == "layer2.0.conv1.weight")
        let turned = try failure(whole.map { $0.name == "fc.weight" ? ($0.name, [512, 1_000]) : $0 })
        #expect(
            turned?.tensor == "fc.weight" && turned?.expected == "[1000, 512]"
                && turned?.found == "[512, 1000]")
        #expect(turned?.remedy?.contains("transposed") == true)
        // Seven rows, but a thousand biases.
        let classes = try failure(whole.map { $0.name == "fc.weight" ? ($0.name, [7, 512]) : $0 })
        #expect(
            classes?.tensor == "fc.weight" && classes?.expected == "[1000, 512]"
                && classes?.found == "[7, 512]")
        let labels = try failure(whole) { $0.labels = ["cat", "dog"] }
        #expect(labels?.expected == "1000" && labels?.found == "2")
    }

    @Test(arguments: [(Float.nan, "1 that are NaN, 0 infinite"), (-.infinity, "0 that are NaN, 1 infinite")])
    func numbersThatAreNotFinite(_ value: Float, _ found: String) throws {
        let values = ["layer3.1.bn2.running_var": value]
        let error = try failure(entries("resnet18"), values: values)
        #expect(error?.tensor == "layer3.1.bn2.running_var" && error?.found == found)
        #expect(error?.remedy?.contains("--allow-nonfinite") == true)
        #expect(try failure(entries("resnet18"), values: values) { $0.allowsNonFinite = true } == nil)
    }
}
