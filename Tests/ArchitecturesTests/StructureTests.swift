import Testing
import ZooArchitectures
import ZooLayerGraphs
import ZooTensors
import ZooTestSupport

/// The architectures beside the libraries that they come from.
@Suite struct StructureTests {
    static let torchvision = Structure.all.filter { $0.dialect == "torchvision" }
    static let ported = Structure.all.filter { $0.dialect == "efficientnet-pytorch" }

    private func graph(_ structure: Structure) throws -> LayerGraph {
        let conventions: Conventions? = structure.dialect == "torchvision" ? nil : .tensorflow
        return try Architecture.named(structure.architecture).graph(
            ArchitectureOptions(inputSize: structure.size, conventions: conventions))
    }

    @Test func everyArchitectureOfTorchvisionIsThere() {
        #expect(Self.torchvision.count == 17 && Self.ported.count == 4)
    }

    /// Names, shapes and order of every parameter are torchvision's, which is what makes its state dict ours.
    @Test(arguments: torchvision) func parametersAreThoseOfTorchvision(_ structure: Structure) throws {
        let graph = try graph(structure)
        let expected = structure.entries.filter { !$0.name.hasSuffix("num_batches_tracked") }
        #expect(graph.parameters.map(\.path.description) == expected.map(\.name))
        #expect(graph.parameters.map(\.shape) == expected.map(\.shape))
    }

    @Test(arguments: torchvision + ported) func countsAreThoseOfTheLibrary(_ structure: Structure) throws {
        let summary = try GraphSummary(graph(structure), batch: 1)
        #expect(summary.parameters == structure.parameters)
        #expect(summary.multiplyAdds == structure.multiplyAdds)
    }

    /// Every module of torchvision stands at its path, with its numbers and the shape of its result.
    @Test(arguments: torchvision) func modulesAreThoseOfTorchvision(_ structure: Structure) throws {
        let graph = try graph(structure)
        let shapes = try graph.shapes(batch: 1)
        var seen = 0
        for (path, module) in structure.modules.members {
            let name = try #require(module["class"]?.stringValue)
            guard let node = graph[path] else {
                // A block without a shortcut has a stochastic depth that it never runs.
                #expect(name == "StochasticDepth", "\(path) is missing")
                continue
            }
            seen += 1
            #expect(shapes[path].map { Array($0.dimensions.dropFirst()) } == module["output"]?.intArrayValue)
            try expect(node.layer, name, module, path)
        }
        // What has no module in PyTorch has a plain name.
        let own = graph.nodes.filter { structure.modules[$0.path] == nil }
        let plain = Set(own.compactMap { $0.path.split(separator: ".").last.map(String.init) })
        #expect(plain.isSubset(of: ["flatten", "add", "relu2", "relu3", "scale"]), "\(plain)")
        #expect(seen + own.count == graph.nodes.count)
    }

    private func expect(_ layer: Layer, _ name: String, _ module: JSONValue, _ path: String) throws {
        switch layer {
        case .convolution(let layer):
            let padding = [layer.padding.top, layer.padding.left, layer.padding.bottom, layer.padding.right]
            #expect(
                name == "Conv2d"
                    && [layer.stride.height, layer.stride.width] == module["stride"]?.intArrayValue)
            #expect(padding == module["padding"]?.intArrayValue, "\(path)")
            #expect(layer.groups == module["groups"]?.intValue, "\(path)")
        case .batchNormalization(let layer):
            #expect(name == "BatchNorm2d" && layer.epsilon == module["epsilon"]?.doubleValue)
            #expect(layer.momentum == module["momentum"]?.doubleValue && !layer.usesBiasedVariance)
        case .dropout(let probability), .stochasticDepth(let probability):
            #expect(abs(probability - (module["p"]?.doubleValue ?? -1)) < 1e-12, "\(path)")
        case .activation(let function): #expect(name == function.title, "\(path)")
        default: #expect(name == layer.kind, "\(path)")
        }
    }

    /// TensorFlow's padding, epsilon and momentum, at the places that lukemelas' port gives them.
    @Test(arguments: ported) func portsOfTensorFlowHaveItsNumbers(_ structure: Structure) throws {
        let graph = try graph(structure)
        let shapes = try graph.shapes(batch: 1)
        let convolutions = structure.modules.members.filter {
            !($0.1["padding"]?.intArrayValue ?? []).isEmpty
        }
        let outputs = Dictionary(convolutions) { first, _ in first }
        var ours: [(padding: [Int], stride: Int, output: [Int])] = []
        for node in graph.nodes {
            guard case .convolution(let layer) = node.layer else { continue }
            let padding = layer.padding
            ours.append(
                (
                    [padding.top, padding.left, padding.bottom, padding.right], layer.stride.height,
                    Array((shapes[node.path] ?? []).dimensions.dropFirst())
                ))
        }
        // The port's state dict has the convolutions in the graph's order.
        let names = structure.entries.filter { $0.shape.rank == 4 }.map { String($0.name.dropLast(7)) }
        #expect(names.count == ours.count)
        for (name, our) in zip(names, ours) {
            let module = try #require(outputs[name])
            #expect(module["padding"]?.intArrayValue == our.padding, "\(name)")
            #expect(module["stride"]?.intArrayValue?.first == our.stride, "\(name)")
            #expect(module["output"]?.intArrayValue == our.output, "\(name)")
        }
        let normalizations = graph.nodes.compactMap { node -> BatchNormalization? in
            if case .batchNormalization(let layer) = node.layer { layer } else { nil }
        }
        #expect(normalizations.allSatisfy { $0.epsilon == 1e-3 && $0.momentum == 0.01 })
    }
}
