import Testing
import ZooCheckpoints
import ZooConversion
import ZooLayerGraphs
import ZooTensors

/// Documents proposed for state dicts of unknown networks.
@Suite struct GraphDraftTests {
    private typealias Entries = [(name: String, shape: TensorShape)]

    private func checkpoint(_ entries: Entries, format: CheckpointFormat = .pytorchZip) throws -> Checkpoint {
        let tensors = try entries.map {
            CheckpointTensor(name: $0.name, tensor: try Tensor(zeros: $0.shape))
        }
        return try Checkpoint(format: format, path: "model.pth", tensors: tensors)
    }

    private func layer(_ name: String, _ weight: TensorShape, bias: Int? = nil) -> Entries {
        [("\(name).weight", weight), ("\(name).bias", [bias ?? weight[0]])]
    }

    private var digits: Entries {
        layer("conv1", [10, 1, 5, 5]) + layer("conv2", [20, 10, 5, 5]) + layer("fc1", [50, 320])
            + layer("fc2", [10, 50])
    }

    @Test func whatTensorsDoNotShowIsBlank() throws {
        let draft = try GraphDraft(checkpoint(digits))
        #expect(
            draft.explanations.first?.sentence
                == "28×28 pictures, no padding, 2×2 pooling behind each convolution: 20×4×4 = 320 features")
        #expect(draft.explanations.count > 3 && draft.remarks.isEmpty)
        let blanks = try draft.blanks()
        #expect(blanks["operation"] == ["conv1_pool", "conv2_pool"])
        #expect(blanks["function"] == ["conv1_activation", "conv2_activation", "fc1_activation"])
        let error = #expect(throws: ZooError.self) {
            try GraphDocument.read(JSONParser.parse(Array(draft.text().utf8)))
        }
        #expect(error?.tensor == "conv1_activation" && error?.expected?.contains("leaky_relu") == true)
    }

    @Test func aFilledDraftTakesTheTensors() throws {
        let file = try checkpoint(digits)
        let draft = try GraphDraft(file)
        var choices = GraphDraft.Choices()
        choices.activation = .relu
        choices.pooling = .maximum
        #expect(try draft.blanks(explanation: 0, choices).isEmpty)
        for place in draft.explanations.indices {
            let hasPooling = try draft.blanks(explanation: place)["operation"] != nil
            choices.pooling = hasPooling ? .maximum : nil
            let text = try draft.text(explanation: place, choices)
            let document = try GraphDocument.read(JSONParser.parse(Array(text.utf8)))
            let (model, report) = try Converter().convert(file, to: document)
            #expect(report.plan.missing.isEmpty && report.plan.unused.isEmpty)
            #expect(model.graph.head == "fc2" && model.graph.classCount == 10)
        }
        #expect(throws: ZooError.self) { try draft.text(explanation: draft.explanations.count) }
    }

    /// Numbers in names say how many layers have no tensors: no place for a pooling between 0 and 2.
    @Test func numberedNamesTellWherePoolingsAre() throws {
        let blocks =
            layer("0", [10, 3, 3, 3]) + layer("2", [10, 10, 3, 3]) + layer("5", [10, 10, 3, 3])
            + layer("7", [10, 10, 3, 3]) + layer("11", [3, 2_560])
        let draft = try GraphDraft(checkpoint(blocks))
        #expect(
            draft.explanations.first?.sentence.contains("64×64 pictures, padding that keeps the size") == true
        )
        #expect(try draft.blanks()["operation"] == ["4", "9"])
        // Where the size is known, nothing else is proposed.
        let known = try GraphDraft(checkpoint(blocks), size: Extent(32))
        #expect(known.explanations.allSatisfy { $0.input.height == 32 } && !known.explanations.isEmpty)
    }

    @Test func strangeShapes() throws {
        // Pictures that aren't square, and convolutions of one channel each.
        let wide = layer("c1", [8, 1, 3, 3]) + layer("c2", [8, 1, 3, 3]) + layer("fc", [4, 8 * 5 * 10])
        let draft = try GraphDraft(checkpoint(wide), size: Extent(20, 40))
        #expect(draft.explanations.first?.sentence.hasSuffix("8×5×10 = 400 features") == true)
        #expect(try draft.text().contains("\"groups\": 8"))
        // Nothing usual explains 321 features.
        let odd = try GraphDraft(checkpoint(Array(digits.prefix(4)) + layer("fc1", [50, 321])))
        #expect(odd.explanations.isEmpty && odd.remarks.first?.contains("--input-size") == true)
        #expect(try odd.text().contains("\"input\": \"?\""))
        // Layers that don't follow each other.
        let branches = try GraphDraft(checkpoint(layer("a", [8, 3, 3, 3]) + layer("b", [8, 5, 3, 3])))
        #expect(try branches.blanks()["inputs"] == ["b"])
        #expect(branches.remarks.first?.contains("b takes 5") == true)
    }

    @Test func whatIsNoChainOfKnownLayersIsRefused() throws {
        let recurrent = try checkpoint([("weight_ih_l0", [16, 3])])
        #expect { try GraphDraft(recurrent) } throws: { ($0 as? ZooError)?.tensor == "weight_ih_l0" }
        let normalized = try checkpoint(
            layer("conv", [4, 3, 3, 3]) + [("norm.weight", [4]), ("norm.bias", [4])])
        #expect { try GraphDraft(normalized) } throws: { ($0 as? ZooError)?.tensor == "norm.weight" }
        #expect(throws: ZooError.self) { try GraphDraft(checkpoint(digits, format: .kerasWeights)) }
        #expect(throws: ZooError.self) { try GraphDraft(checkpoint([])) }
    }

    /// What a file from a stranger may say.
    @Test func impossibleShapesAreRefusedByName() throws {
        for (name, shape) in [
            ("conv.bias", [] as TensorShape), ("conv.bias", [4, 1]), ("conv.weight", [4, 0, 3, 3]),
            ("conv.weight", [0, 1 << 40, 3, 3]), ("conv.running_mean", [2, 2]), ("conv.weight", [4, 3, 3]),
            ("conv.weight", []),
        ] {
            var entries = layer("conv", [4, 3, 3, 3]).filter { $0.name != name }
            entries.insert((name, shape), at: 0)
            let file = try checkpoint(entries)
            #expect(throws: ZooError.self, "\(name) \(shape)") { try GraphDraft(file) }
        }
        let many = (0..<501).flatMap { layer("\($0)", [1, 1, 3, 3]) }
        #expect { try GraphDraft(checkpoint(many)) } throws: { ($0 as? ZooError)?.code == .limitExceeded }
    }

    /// As many convolutions as could be strided each by itself, or not: that many ways aren't tried.
    @Test func longChainsAreReadInTime() throws {
        let encoder = (0..<60).flatMap { layer("encoder.\($0)", [4, $0 == 0 ? 1 : 4, 3, 3]) }
        let decoder = (0..<60).flatMap {
            layer("decoder.\($0)", [4, $0 == 59 ? 1 : 4, 3, 3], bias: $0 == 59 ? 1 : 4)
        }
        _ = try GraphDraft(checkpoint(encoder + decoder))
        _ = try GraphDraft(checkpoint(encoder + layer("fc", [2, 4 * 17 * 17])))
    }

    /// Without a bias, `[C, 1, k, k]` could be either.
    @Test func channelByChannelIsNoDecoder() throws {
        let separable: Entries =
            layer("first", [8, 3, 3, 3]) + [
                ("depth.weight", [8, 1, 3, 3]), ("point.weight", [16, 8, 1, 1]),
            ]
        let draft = try GraphDraft(checkpoint(separable + layer("fc", [4, 16])))
        #expect(try draft.text().contains("\"groups\": 8") && draft.remarks.isEmpty)
        let decoder: Entries =
            layer("encoder.0", [8, 1, 3, 3]) + [
                ("decoder.0.weight", [8, 8, 3, 3]), ("decoder.2.weight", [8, 1, 3, 3]),
            ]
        #expect(try GraphDraft(checkpoint(decoder)).text().contains("transposed_convolution"))
    }

    @Test func choicesThatWouldDoNothingAreRefused() throws {
        let draft = try GraphDraft(checkpoint(digits))
        var choices = GraphDraft.Choices()
        choices.outputActivation = .some(.sigmoid)
        #expect { try draft.text(explanation: 0, choices) } throws: {
            ($0 as? ZooError)?.remedy?.contains("--output-activation") == true
        }
        choices = GraphDraft.Choices()
        choices.pooling = .maximum
        let plain = try GraphDraft(checkpoint(layer("fc1", [50, 320]) + layer("fc2", [10, 50])))
        #expect(throws: ZooError.self) { try plain.text(explanation: 0, choices) }
        #expect { try plain.text(explanation: 7) } throws: {
            ($0 as? ZooError)?.remedy?.contains("--explanation") == true
        }
    }

    @Test func whatIsKnownNeedsNoDraft() throws {
        let lenet =
            layer("conv1", [6, 1, 5, 5]) + layer("conv2", [16, 6, 5, 5]) + layer("fc1", [120, 400])
            + layer("fc2", [84, 120]) + layer("fc3", [10, 84])
        let draft = try GraphDraft(checkpoint(lenet))
        #expect(draft.remarks.first?.contains("this is lenet") == true && !draft.explanations.isEmpty)
    }

    @Test func decodersLeadBackToThePicture() throws {
        let autoencoder =
            layer("encoder.0", [16, 1, 3, 3]) + layer("encoder.2", [32, 16, 3, 3])
            + layer("encoder.4", [64, 32, 7, 7]) + layer("decoder.0", [64, 32, 7, 7], bias: 32)
            + layer("decoder.2", [32, 16, 3, 3], bias: 16) + layer("decoder.4", [16, 1, 3, 3], bias: 1)
        let draft = try GraphDraft(checkpoint(autoencoder))
        #expect(draft.explanations.first?.sentence.contains("a code of 64×1×1") == true)
        var choices = GraphDraft.Choices()
        (choices.activation, choices.codeActivation, choices.outputActivation) = (
            .relu, .some(nil), .some(.sigmoid)
        )
        let text = try draft.text(explanation: 0, choices)
        let graph = try GraphDocument.read(JSONParser.parse(Array(text.utf8))).graph
        #expect(try graph.shapes(batch: 1)[graph.output]?.dimensions == [1, 1, 28, 28])
        #expect(graph["encoder.5"] == nil && graph["decoder.1"]?.layer == .activation(.relu))
    }
}
