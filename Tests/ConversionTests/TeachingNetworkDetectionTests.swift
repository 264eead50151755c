import Testing
import ZooArchitectures
import ZooCheckpoints
import ZooConversion
import ZooLayerGraphs
import ZooModels
import ZooTensors

/// TinyVGG and autoencoders by the names and shapes of their state dicts.
@Suite struct TeachingNetworkDetectionTests {
    private func checkpoint(
        _ graph: LayerGraph, adding: [(String, TensorShape)] = [], renamed: (String) -> String? = { $0 }
    ) throws -> Checkpoint {
        var tensors: [CheckpointTensor] = []
        for parameter in graph.parameters {
            guard let node = renamed(parameter.path.node) else { continue }
            tensors.append(
                CheckpointTensor(
                    name: "\(node).\(parameter.path.role.rawValue)",
                    tensor: try Tensor(zeros: parameter.shape)))
        }
        for (name, shape) in adding {
            tensors.append(CheckpointTensor(name: name, tensor: try Tensor(zeros: shape)))
        }
        return try Checkpoint(format: .pytorchZip, path: "model.pth", tensors: tensors)
    }

    private func plan(
        _ checkpoint: Checkpoint, _ change: (inout Converter.Options) -> Void = { _ in }
    ) throws -> ConversionPlan {
        var options = Converter.Options()
        change(&options)
        return try Converter(options: options).plan(checkpoint)
    }

    private func padding(_ plan: ConversionPlan) -> Padding? {
        guard case .convolution(let layer)? = plan.graph.nodes.first?.layer else { return nil }
        return layer.padding
    }

    @Test func paddingFollowsFromTheLinearLayer() throws {
        for size in [64, 28] {
            for zeros in [0, 1] {
                var network = TinyVGG()
                (network.inputSize, network.padding) = (size, zeros)
                let plan = try plan(checkpoint(network.graph()))
                try plan.requireComplete(file: nil)
                #expect(plan.graph.input.height == size && padding(plan) == Padding(zeros))
                let evidence = plan.origin.evidence.joined(separator: "; ")
                #expect(evidence.contains("which pictures of \(size)×\(size) leave with padding \(zeros)"))
                #expect(plan.assumptions.contains { $0.contains("would give as many") })
            }
        }
        var other = TinyVGG()
        other.inputSize = 96
        let file = try checkpoint(other.graph())
        #expect { try plan(file) } throws: { error in
            let error = error as? ZooError
            return error?.code == .ambiguous && error?.remedy?.contains("--input-size 96") == true
                && error?.file == "model.pth"
        }
        let asked = try plan(file) { $0.inputSize = 108 }
        #expect(padding(asked) == Padding.none && asked.assumptions.isEmpty)
        // The same where no names lead to the network, but the user.
        let anonymous = try checkpoint(other.graph()) { "layer-\($0)" }
        #expect {
            try plan(anonymous) { $0.architecture = "tinyvgg" }
        } throws: {
            ($0 as? ZooError)?.code == .ambiguous
        }
        let sized = try plan(anonymous) { ($0.architecture, $0.inputSize) = ("tinyvgg", 96) }
        #expect(padding(sized) == Padding(1))
    }

    @Test func namesOfTheCourses() throws {
        let graph = try TinyVGG().graph()
        let blocks = try plan(checkpoint(graph) { $0.replacing("conv_", with: "") })
        #expect(blocks.origin.dialect?.name == "learnpytorch-blocks" && blocks.unused.isEmpty)
        let children = try plan(
            checkpoint(graph) {
                $0.replacing("conv_block_1", with: "0").replacing("conv_block_2", with: "1")
                    .replacing("classifier", with: "2")
            })
        #expect(children.origin.dialect?.name == "sequential" && children.graph.classCount == 3)
    }

    /// What comes from a file of one variant goes back under every name that the variant has.
    @Test func variantsKeepTheirNumbersOnTheWayOut() throws {
        var network = TinyVGG()
        (network.padding, network.hiddenChannels, network.inputSize) = (0, 6, 28)
        let (model, _) = try Converter().convert(checkpoint(network.graph()))
        let names = try Export.pytorch(model, names: .dialect("learnpytorch-blocks")).tensors.map(\.name)
        #expect(names.first == "block_1.0.weight" && names.last == "classifier.1.bias" && names.count == 10)
    }

    @Test func autoencodersOfAnyNumberOfStages() throws {
        for form in Autoencoder.Form.allCases {
            for channels in [[8], [8, 16], [8, 16, 24, 32]] {
                var network = Autoencoder(form)
                (network.channels, network.codeChannels, network.inputChannels) = (channels, nil, 3)
                let graph = try network.graph()
                let plan = try plan(checkpoint(graph))
                try plan.requireComplete(file: nil)
                #expect(plan.graph == graph && plan.origin.dialect?.name == "encoder-decoder", "\(channels)")
                #expect(plan.assumptions.contains { $0.contains("sigmoid at the end") })
                let numbered = try self.plan(
                    checkpoint(graph) { path in
                        let index = Int(path.split(separator: ".")[1]) ?? 0
                        let step = form == .strided || path.hasPrefix("decoder") ? 2 : 3
                        return (path.hasPrefix("decoder") ? "t_conv" : "conv") + "\(index / step + 1)"
                    })
                #expect(numbered.graph == graph && numbered.unused.isEmpty, "\(form) \(channels)")
            }
        }
    }

    @Test func encodersAlone() throws {
        let whole = try Autoencoder().graph()
        let body = try plan(checkpoint(whole)) { $0.isHeadless = true }
        try body.requireComplete(file: nil)
        #expect(body.graph.head == nil && body.unused.count == 6)
        #expect(try body.graph.shapes(batch: 2)[body.graph.output] == [2, 64])
        let encoder = try checkpoint(whole) { $0.hasPrefix("encoder") ? $0 : nil }
        #expect(try plan(encoder).graph == body.graph)
        // With a linear layer of any name behind it, it is a classifier.
        for form in Autoencoder.Form.allCases {
            let classifier = try Autoencoder(form).classifier(classes: 10)
            #expect(try plan(checkpoint(classifier)).graph == classifier)
            let renamed = try plan(checkpoint(classifier) { $0 == "classifier" ? "fc" : $0 })
            #expect(renamed.graph == classifier && renamed.missing.isEmpty)
            #expect(renamed.assumptions.contains { $0.contains("fc is the head") })
        }
    }

    @Test func whatIsWrongIsNamed() throws {
        let whole = try Autoencoder().graph()
        let lacking = try plan(checkpoint(whole) { $0 == "encoder.2" ? nil : $0 })
        #expect(lacking.nearMiss?.contains("autoencoder by") == true)
        #expect { try lacking.requireComplete(file: nil) } throws: {
            ($0 as? ZooError)?.tensor == "encoder.2.weight"
        }
        let changed = try checkpoint(
            whole, adding: [("decoder.2.weight", [16, 32, 3, 3]), ("decoder.2.bias", [16])]
        ) { $0 == "decoder.2" ? nil : $0 }
        #expect { try plan(changed).requireComplete(file: nil) } throws: { error in
            let error = error as? ZooError
            return error?.tensor == "decoder.2.weight" && error?.expected == "[32, 16, 3, 3]"
        }
        // Linear layers under the same names are another kind of network.
        let linear = try checkpoint(
            LayerGraph(
                architecture: "custom", input: InputShape(channels: 1, height: 28, width: 28),
                chain: [
                    ("flatten", .flatten(.channelsFirst)), ("encoder.0", .linear(Linear(784, 64))),
                    ("decoder.0", .linear(Linear(64, 784))),
                ]))
        #expect { try plan(linear) } throws: { ($0 as? ZooError)?.code == .unknownArchitecture }
    }
}
