import Testing
import ZooArchitectures
import ZooCheckpoints
import ZooConversion
import ZooLayerGraphs
import ZooTensors

/// Which network a checkpoint is taken for, and why.
@Suite struct DetectionTests {
    /// A state dict with a network's shapes under other names.
    private func checkpoint(
        _ network: LeNet, names: [String: String] = [:], without: Set<String> = [], adding: [String] = []
    ) throws -> Checkpoint {
        var tensors: [CheckpointTensor] = []
        for parameter in try network.graph().parameters {
            let name = "\(names[parameter.path.node] ?? parameter.path.node).\(parameter.path.role.rawValue)"
            if without.contains(name) { continue }
            tensors.append(CheckpointTensor(name: name, tensor: try Tensor(zeros: parameter.shape)))
        }
        for name in adding { tensors.append(CheckpointTensor(name: name, tensor: try Tensor(zeros: [3]))) }
        return try Checkpoint(format: .pytorchZip, path: "model.pth", tensors: tensors)
    }

    private func plan(
        _ checkpoint: Checkpoint, architecture: String? = nil, inputSize: Int? = nil
    ) throws -> ConversionPlan {
        var options = Converter.Options()
        options.architecture = architecture
        options.inputSize = inputSize
        return try Converter(options: options).plan(checkpoint)
    }

    @Test(arguments: LeNet.Variant.allCases)
    func ownNamesDecide(variant: LeNet.Variant) throws {
        let plan = try plan(checkpoint(LeNet(variant, classes: 7, inputChannels: 3)))
        #expect(plan.architecture.name == variant.rawValue)
        #expect(plan.graph.classCount == 7)
        #expect(plan.graph.input.channels == 3)
        #expect(plan.missing.isEmpty && plan.unused.isEmpty && plan.mismatched.isEmpty)
        #expect(plan.assumptions.contains { $0.contains("activation and pooling") })
    }

    @Test func namesThatPeopleUse() throws {
        let d2l = ["net.0": "0", "net.3": "3", "net.7": "7", "net.9": "9", "net.11": "11"]
        #expect(try plan(checkpoint(LeNet(.d2l), names: d2l)).architecture.name == "lenet-d2l")
        let reshape = ["net.0": "1", "net.3": "4", "net.7": "8", "net.9": "10", "net.11": "12"]
        #expect(try plan(checkpoint(LeNet(.d2l), names: reshape)).architecture.name == "lenet-d2l")
        let paper = [
            "feature_extractor.0": "c1", "feature_extractor.3": "c3", "feature_extractor.6": "c5",
            "classifier.0": "f6", "classifier.2": "f7",
        ]
        #expect(try plan(checkpoint(LeNet(.classic), names: paper)).architecture.name == "lenet-classic")
    }

    @Test func unknownNamesAreAskedFor() throws {
        let odd = ["conv1": "a", "conv2": "b", "fc1": "c", "fc2": "d", "fc3": "e"]
        let file = try checkpoint(LeNet(), names: odd)
        #expect {
            try plan(file)
        } throws: { error in
            let error = error as? ZooError
            return error?.code == .ambiguous && error?.problem.contains("lenet-d2l") == true
                && error?.remedy?.contains("--architecture") == true && error?.file == "model.pth"
        }
        let asked = try plan(file, architecture: "lenet-d2l")
        #expect(asked.architecture.name == "lenet-d2l")
        #expect(asked.assumptions.contains { $0.contains("by its place and shape") })
    }

    @Test func pictureSizes() throws {
        #expect(try plan(checkpoint(LeNet())).graph.input.height == 32)
        let small = try plan(checkpoint(LeNet()), inputSize: 28)
        #expect(small.graph.input.height == 28)
        guard case .convolution(let layer)? = small.graph["conv1"]?.layer else { return #expect(Bool(false)) }
        #expect(layer.padding == Padding(2))
        var network = LeNet()
        network.inputSize = 28
        #expect(network.featureSize == 4)
        let unpadded = try plan(checkpoint(network))
        #expect(unpadded.graph.input.height == 28)
        #expect(unpadded.assumptions.contains { $0.contains("256 features") })
        #expect(throws: ZooError.self) { try plan(checkpoint(network), inputSize: 40) }
    }

    @Test func strictByDefault() throws {
        let missing = try checkpoint(LeNet(), without: ["fc2.bias"], adding: ["fc2.bais"])
        #expect {
            try Converter().convert(missing)
        } throws: { error in
            let error = error as? ZooError
            return error?.code == .missingTensor && error?.tensor == "fc2.bias"
                && error?.remedy?.contains("fc2.bais") == true
        }
        let extra = try checkpoint(LeNet(), adding: ["fc4.bias"])
        #expect { try Converter().convert(extra) } throws: { ($0 as? ZooError)?.tensor == "fc4.bias" }
    }

    @Test func partialConversionsListWhatWasLeft() throws {
        var options = Converter.Options()
        options.allowPartial = true
        let file = try checkpoint(LeNet(), without: ["fc2.bias"], adding: ["epoch.mark"])
        let (model, report) = try Converter(options: options).convert(file)
        #expect(report.initialised.map(\.description) == ["fc2.bias"])
        #expect(report.plan.unused == ["epoch.mark"])
        #expect(model.parameters.count == 10)
    }

    @Test func strangersAreRefusedWithTheirTensors() throws {
        let tensors = try ["a.weight", "b.weight"].map {
            CheckpointTensor(name: $0, tensor: try Tensor(zeros: [2, 2]))
        }
        let file = try Checkpoint(format: .safetensors, path: nil, tensors: tensors)
        #expect { try plan(file) } throws: { ($0 as? ZooError)?.found?.contains("a.weight [2, 2]") == true }
    }

    @Test func numbersAreWidenedAndNarrowedAndSaidSo() throws {
        var tensors: [CheckpointTensor] = []
        for parameter in try LeNet().graph().parameters {
            let half = try Tensor(
                [Float](repeating: 0.5, count: parameter.shape.elementCount), shape: parameter.shape)
            tensors.append(
                CheckpointTensor(name: parameter.path.description, tensor: try half.converted(to: .bf16)))
        }
        let (model, report) = try Converter().convert(
            Checkpoint(format: .pytorchZip, path: nil, tensors: tensors))
        #expect(report.plan.entries.allSatisfy { $0.sourceType == .bf16 })
        #expect(try model.parameters.entries.allSatisfy { try $0.tensor.floats().allSatisfy { $0 == 0.5 } })
    }
}
