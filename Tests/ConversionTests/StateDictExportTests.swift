import Testing
import ZooArchitectures
import ZooCheckpoints
import ZooConversion
import ZooLayerGraphs
import ZooModels
import ZooTensors
import ZooTestSupport

/// State dicts as PyTorch's own libraries load them.
@Suite struct StateDictExportTests {
    private func model(
        _ architecture: String, conventions: Conventions? = nil, provenance: Provenance = Provenance()
    ) throws -> Model {
        let graph = try Architecture.named(architecture).graph(ArchitectureOptions(conventions: conventions))
        var parameters = ParameterTable()
        for parameter in graph.parameters { parameters[parameter.path] = try Tensor(zeros: parameter.shape) }
        return try Model(
            graph: graph, parameters: parameters, preprocessing: Preprocessing(channels: .rgb),
            provenance: provenance)
    }

    /// Names, shapes, types and order of the library's own state dict, counters included.
    @Test(arguments: Structure.all.filter { $0.parameters < 70_000_000 })
    func stateDictsAreTheLibrarys(_ structure: Structure) throws {
        let dialect = try #require(
            Dialect.of(structure.architecture).first { $0.name == structure.dialect })
        let model = try model(structure.architecture, conventions: dialect.conventions)
        let state = try Export.pytorch(model, names: .dialect(structure.dialect)).tensors
        let written = Dictionary(uniqueKeysWithValues: state.map { ($0.name, $0.tensor) })
        #expect(Set(written.keys) == Set(structure.entries.map(\.name)))
        for (name, shape) in structure.entries {
            #expect(written[name]?.shape == shape, "\(name)")
            #expect(written[name]?.elementType == (name.hasSuffix("num_batches_tracked") ? .i64 : .f32))
        }
        if structure.dialect == "torchvision" { #expect(state.map(\.name) == structure.entries.map(\.name)) }
    }

    @Test func numbersThatWouldChangeAreListed() throws {
        let tensorflow = try model("efficientnet_b0", conventions: .tensorflow)
        for name in ["torchvision", "timm"] {
            #expect { try Export.pytorch(tensorflow, names: .dialect(name)) } throws: { error in
                let found = (error as? ZooError)?.found ?? ""
                return found.contains("padding of 5 layers (features.0.0 0,0,1,1 instead of 1,1,1,1, …)")
                    && found.contains("epsilon of 49 layers (features.0.1 0.001 instead of 1e-05, …)")
            }
        }
        // TensorFlow's own momentum shows in training only.
        let notes = try Export.pytorch(tensorflow, names: .dialect("timm-tf")).notes
        #expect(notes.contains { $0.contains("in training, 49 batch normalisations") })
        #expect(try Export.pytorch(tensorflow, names: .dialect("efficientnet-pytorch")).notes.count == 1)
        #expect(throws: ZooError.self) {
            try Export.pytorch(model("efficientnet_b0"), names: .dialect("efficientnet-pytorch"))
        }
        #expect(throws: ZooError.self) {
            try Export.pytorch(model("efficientnet_lite0"), names: .dialect("torchvision"))
        }
    }

    /// A model that came from elsewhere gets the names of a library that has its numbers.
    @Test func namesGoWithTheNumbers() throws {
        func first(_ conventions: Conventions) throws -> String? {
            let keras = Provenance(dialect: "keras")
            let model = try model("efficientnet_b0", conventions: conventions, provenance: keras)
            return try Export.pytorch(model).tensors.first?.name
        }
        #expect(try first(.pytorch) == "features.0.0.weight")
        #expect(try first(.tensorflow) == "_conv_stem.weight")
        #expect(try first(.timmTensorFlow) == "conv_stem.weight")
        #expect(try first(.keras) == "conv_stem.weight")
    }

    /// Counters are carried along where they are known, and said to be assumed where not.
    @Test func countersOfBatches() throws {
        let fresh = try Export.pytorch(model("resnet18"))
        #expect(fresh.notes.contains { $0.contains("20 batch normalisations") })
        var counters: [String: Int] = [:]
        let counted = try model("resnet18")
        for node in counted.graph.nodes { counters[node.path] = 4_321 }
        let known = try Export.pytorch(
            model("resnet18", provenance: Provenance(batchCounters: counters)))
        #expect(known.notes.isEmpty)
        let tensor = try #require(known.tensors.first { $0.name == "bn1.num_batches_tracked" }).tensor
        #expect(tensor.shape == [] && tensor.elementType == .i64)
        #expect(try tensor.scalars(Int64.self) == [4_321])
        let provenance = Provenance(naming: "timm-tf", batchCounters: ["bn1": 7])
        #expect(Provenance(json: provenance.json) == provenance)
    }

    /// A state dict comes back with every byte that it had, whatever the names.
    @Test func whatWasReadIsWrittenAgain() throws {
        let structure = try #require(Structure.named("resnet18", "huggingface"))
        var tensors: [CheckpointTensor] = []
        for (index, entry) in structure.entries.enumerated() {
            let count = entry.shape.elementCount
            let tensor =
                entry.name.hasSuffix("num_batches_tracked")
                ? try Tensor([Int64(index)], shape: [])
                : try Tensor(
                    RandomStream(seed: 1, name: entry.name).normals(count: count), shape: entry.shape)
            tensors.append(CheckpointTensor(name: entry.name, tensor: tensor))
        }
        let file = try Checkpoint(format: .pytorchZip, path: nil, tensors: tensors)
        let (model, report) = try Converter().convert(file)
        #expect(report.plan.unused.isEmpty && model.provenance.naming == "huggingface")
        let state = try Export.pytorch(model)
        #expect(state.notes.isEmpty)
        let written = Dictionary(uniqueKeysWithValues: state.tensors.map { ($0.name, $0.tensor) })
        #expect(written.count == tensors.count)
        for tensor in tensors {
            let mine = try #require(written[tensor.name])
            let source = try tensor.load()
            #expect(mine.shape == source.shape && mine.elementType == source.elementType)
            if source.elementType == .i64 {
                #expect(try mine.scalars(Int64.self) == source.scalars(Int64.self))
            } else {
                #expect(try mine.floats() == source.floats(), "\(tensor.name)")
            }
        }
        // From one library's names to another's.
        let renamed = try Export.pytorch(model, names: .dialect("torchvision")).tensors.map(\.name)
        #expect(try renamed == #require(Structure.named("resnet18")).entries.map(\.name))
    }
}
