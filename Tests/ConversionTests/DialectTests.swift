import Testing
import ZooArchitectures
import ZooConversion
import ZooLayerGraphs
import ZooTensors
import ZooTestSupport

/// The tables of names beside the libraries themselves.
@Suite struct DialectTests {
    private func dialect(_ architecture: String, _ name: String) throws -> Dialect {
        try #require(Dialect.of(architecture).first { $0.name == name }, "\(name) lacks \(architecture)")
    }

    /// Every entry of every library's state dict is one parameter, and every parameter is one entry.
    @Test(arguments: Structure.all) func everyParameterIsThereOnce(_ structure: Structure) throws {
        let dialect = try dialect(structure.architecture, structure.dialect)
        let options = ArchitectureOptions(conventions: dialect.conventions)
        let graph = try Architecture.named(structure.architecture).graph(options)
        var left = Dictionary(uniqueKeysWithValues: structure.entries.map { ($0.name, $0.shape) })
        for parameter in graph.parameters {
            let key = try #require(dialect.key(for: parameter.path))
            let shape = try #require(left[key], "\(key) isn't in the state dict, or stands twice")
            left[key] = nil
            let transform = dialect.transform(for: parameter.path, shape: parameter.shape)
            #expect(transform.canonicalShape(of: shape) == parameter.shape, "\(key)")
            #expect(dialect.path(for: key) == parameter.path)
        }
        #expect(
            left.keys.allSatisfy { $0.hasSuffix("num_batches_tracked") }, "\(left.keys.sorted().prefix(3))")
    }

    @Test func everyLibraryIsTried() {
        #expect(Structure.all.count == 47)
        let libraries = Set(Structure.all.map(\.dialect))
        #expect(libraries == ["torchvision", "timm", "timm-tf", "efficientnet-pytorch", "huggingface"])
        #expect(libraries.isSubset(of: Dialect.names))
    }

    /// Names can be taken back, and none stands for two layers.
    @Test(arguments: Dialect.all) func namesCanBeTakenBack(_ dialect: Dialect) throws {
        let graph = try Architecture.named(dialect.architecture).graph(
            ArchitectureOptions(conventions: dialect.conventions))
        #expect(Set(dialect.layers.map(\.source)).count == dialect.layers.count)
        #expect(Set(dialect.layers.map(\.node)).count == dialect.layers.count)
        for pair in dialect.layers {
            let node = try #require(graph[pair.node], "\(pair.node) isn't in \(dialect.architecture)")
            #expect(!node.parameters.isEmpty)
            #expect(dialect.path(for: "\(pair.source).bias") == ParameterPath(pair.node, .bias))
        }
        // The body is there whole; only classifiers may be missing.
        let named = Set(dialect.layers.map(\.node))
        let body = try graph.nodes(in: "body").filter { !$0.parameters.isEmpty }.map(\.path)
        #expect(named.isSuperset(of: body), "\(dialect.name) of \(dialect.architecture)")
        #expect(dialect.key(for: ParameterPath("nowhere", .weight)) == nil)
    }

    @Test func namesAreUniqueForAnArchitecture() {
        for architecture in Architecture.all {
            let names = Dialect.of(architecture.name).map(\.name)
            #expect(Set(names).count == names.count && !names.isEmpty, "\(architecture.name)")
        }
    }

    /// timm computes VGG's first linear layers as convolutions.
    @Test func linearLayersAsConvolutions() throws {
        let dialect = try dialect("vgg16", "timm")
        let path = ParameterPath("classifier.0", .weight)
        let transform = dialect.transform(for: path, shape: [4_096, 25_088])
        #expect(transform == .reshape(from: [4_096, 512, 7, 7], to: [4_096, 25_088]))
        #expect(dialect.transform(for: ParameterPath("classifier.0", .bias), shape: [4_096]) == .identity)
    }
}
