import MenagerieInference
import Testing
import ZooArchitectures
import ZooLayerGraphs
import ZooModels
import ZooTestSupport

@Suite(.serialized) struct ClassifierTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        let graph = try LeNet().graph()
        let model = try Model(
            graph: graph, parameters: Initialization.torchDefault.parameters(for: graph, seed: 1),
            preprocessing: LeNet().preprocessing, labels: (0..<10).map { "label \($0)" })
        try ModelFile.write(model, to: folder.file("model.zoo.safetensors"))
    }

    private func picture(_ name: String) throws -> [UInt8] {
        try TestFiles.read(TestFiles.path("zoo/data/pictures/\(name).png"))
    }

    @Test func likeliestFirst() async throws {
        let classifier = try Classifier(folder.file("model.zoo.safetensors"))
        let all = try await classifier.predict(picture("bag-9249"), topK: 100)
        #expect(all.count == 10)
        #expect(abs(all.reduce(0) { $0 + $1.probability } - 1) < 1e-5)
        #expect(all.map(\.probability) == all.map(\.probability).sorted(by: >))
        #expect(try await classifier.predict(picture("bag-9249"), topK: 3) == Array(all.prefix(3)))
    }

    @Test func sixtyFourAtOnceGiveTheSameBits() async throws {
        let classifier = try Classifier(folder.file("model.zoo.safetensors"), threads: 2)
        let pictures = try ["bag-9249", "dress-7273", "sandal-729", "trouser-3627"].map(picture)
        var serial: [[Classifier.Prediction]] = []
        for bytes in pictures { serial.append(try await classifier.predict(bytes, topK: 10)) }
        let wanted = serial
        try await withThrowingTaskGroup(of: (Int, [Classifier.Prediction]).self) { group in
            for call in 0..<64 {
                group.addTask { (call % 4, try await classifier.predict(pictures[call % 4], topK: 10)) }
            }
            for try await (index, predictions) in group { #expect(predictions == wanted[index]) }
        }
    }

    @Test func badBytesThrow() async throws {
        let classifier = try Classifier(folder.file("model.zoo.safetensors"))
        for bytes in [[], [1, 2, 3], Array(try picture("bag-9249").dropLast(100))] {
            await #expect(throws: ZooError.self) { try await classifier.predict(bytes) }
        }
        #expect(throws: ZooError.self) { try Classifier(folder.file("missing")) }
        #expect(throws: ZooError.self) { try Classifier(TestFiles.path("zoo/weights/lenet-mnist.pth")) }
    }
}
