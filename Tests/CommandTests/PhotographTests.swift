import Foundation
import Testing

/// The network that ships, on the photograph that ships.
@Suite struct PhotographTests {
    private let zoo: ZooCommand
    private let scratch: Scratch
    private let weights = Repository.path("zoo/weights/efficientnet-lite0-f16.zoo.safetensors")
    private let photograph = Repository.path("zoo/data/photographs/chelsea.png")

    private struct Golden: Decodable {
        struct Class: Decodable {
            let label: String
            let share: Double
        }
        struct Network: Decodable {
            let logits: [Double]
            let top5: [Class]
        }
        let original: Network
        let shipped: Network
    }

    init() throws {
        zoo = try ZooCommand()
        scratch = try Scratch()
    }

    @Test func topFiveArePyTorchs() throws {
        let golden = try JSONDecoder().decode(
            Golden.self,
            from: Data(contentsOf: URL(filePath: Repository.path("tools/goldens/photographs/expected.json"))))
        // Halved weights see the same cat.
        #expect(golden.shipped.top5.map(\.label) == golden.original.top5.map(\.label))
        let outcome = try zoo.run("predict", weights, photograph, "--top", "1000", "--json")
        #expect(outcome.code == 0, "\(outcome.errors)")
        let document = try #require(
            JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
        let pictures = try #require(document["pictures"] as? [[String: Any]])
        let classes = try #require(pictures.first?["predictions"] as? [[String: Any]])
        #expect(classes.count == 1_000)
        for (wanted, found) in zip(golden.shipped.top5, classes) {
            #expect(found["label"] as? String == wanted.label)
            #expect(abs(try #require(found["probability"] as? Double) - wanted.share) < 1e-5)
        }
        // All classes: softmax of PyTorch's logits.
        let exponentials = golden.shipped.logits.map { exp($0) }
        let sum = exponentials.reduce(0, +)
        for entry in classes {
            let index = try #require(entry["class"] as? Int)
            let share = try #require(entry["probability"] as? Double)
            #expect(abs(share - exponentials[index] / sum) < 1e-5, "class \(index)")
        }
    }

    /// It answers to its own names, and ships with its preprocessing and labels.
    @Test func whatTheFileSays() throws {
        let outcome = try zoo.run("predict", weights, photograph)
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(!outcome.output.contains("assumed"), "\(outcome.output)")
        let summary = try zoo.run("summary", weights, "--json")
        #expect(summary.code == 0, "\(summary.errors)")
        #expect(summary.output.contains("4652008"))
        #expect(summary.output.contains("385187552"))
    }
}
