import Testing
import ZooArchitectures
import ZooLayerGraphs
import ZooModels
import ZooSurgery
import ZooTensors

@Suite struct HeadReplacementTests {
    private func model(_ variant: LeNet.Variant = .tutorial) throws -> Model {
        let graph = try LeNet(variant).graph()
        return try Model(
            graph: graph, parameters: Initialization.torchDefault.parameters(for: graph, seed: 1),
            preprocessing: Preprocessing(channels: .grey))
    }

    @Test(arguments: LeNet.Variant.allCases)
    func onlyTheHeadChanges(variant: LeNet.Variant) throws {
        let old = try model(variant)
        let new = try HeadReplacement(labels: ["shirt", "bag", "boot"], seed: 5).apply(to: old)
        let head = try #require(old.graph.head)
        #expect(new.graph.classCount == 3)
        #expect(new.labels == ["shirt", "bag", "boot"])
        #expect(new.provenance.history.count == 1)
        for (path, tensor) in old.parameters.entries where path.node != head {
            let kept = try #require(new.parameters[path])
            #expect(try kept.bytes() == tensor.bytes())
        }
        #expect(new.parameters[ParameterPath(head, .weight)]?.shape == [3, 84])
        #expect(new.parameters[ParameterPath(head, .bias)]?.shape == [3])
    }

    /// PyTorch's default for a linear layer with 84 inputs: uniform in ±1/√84.
    @Test func freshNumbersFollowTheFramework() throws {
        let new = try HeadReplacement(classes: 400, seed: 5).apply(to: model())
        let values = try #require(new.parameters[ParameterPath("fc3", .weight)]).doubles()
        let bound = 1 / 84.0.squareRoot()
        #expect(values.allSatisfy { abs($0) <= bound })
        let mean = values.reduce(0, +) / Double(values.count)
        let variance = values.reduce(0) { $0 + $1 * $1 } / Double(values.count)
        #expect(abs(mean) < bound * 0.02)
        #expect(abs(variance - bound * bound / 3) < bound * bound * 0.01)
    }

    @Test func theSeedDecides() throws {
        func weights(_ seed: UInt64) throws -> [Float] {
            try #require(
                HeadReplacement(classes: 3, seed: seed).apply(to: model()).parameters[
                    ParameterPath("fc3", .weight)]
            ).floats()
        }
        #expect(try weights(1) == weights(1))
        #expect(try weights(1) != weights(2))
    }

    @Test func senselessRequestsAreRefused() throws {
        #expect(throws: ZooError.self) { try HeadReplacement(labels: []).apply(to: model()) }
        #expect(throws: ZooError.self) { try HeadReplacement(labels: ["a", "a"]).apply(to: model()) }
        let graph = try LayerGraph(
            architecture: "custom", input: InputShape(channels: 1, height: 4, width: 4),
            chain: [("relu", .activation(.relu))])
        let headless = try Model(
            graph: graph, parameters: ParameterTable(), preprocessing: Preprocessing(channels: .grey))
        #expect(throws: ZooError.self) { try HeadReplacement(classes: 2).apply(to: headless) }
    }
}
