import Testing
import ZooTensors
import ZooTraining

@Suite struct CrossEntropyTests {
    @Test func lossAndGradientOfAKnownCase() throws {
        // softmax(0, ln 3) = (1/4, 3/4)
        let ln3 = Float(1.0986123)
        let result = try CrossEntropy.evaluate(logits: [0, ln3, 0, ln3], classes: 2, labels: [1, 0])
        #expect(abs(result.loss - (0.2876821 + 1.3862944) / 2) < 1e-6)
        #expect(result.predictions == [1, 1])
        for (ours, wanted) in zip(result.gradient, [Float(0.125), -0.125, -0.375, 0.375]) {
            #expect(abs(ours - wanted) < 1e-6)
        }
    }

    @Test func hugeLogitsStayFinite() throws {
        let result = try CrossEntropy.evaluate(logits: [1e30, -1e30], classes: 2, labels: [1])
        #expect(result.loss == Double(Float(1e30)) * 2 || result.loss > 1e30)
        #expect(result.gradient == [1, -1])
        #expect(CrossEntropy.softmax([1_000, 1_000], classes: 2) == [0.5, 0.5])
    }

    @Test func labelsThatAreNoClassAreRefused() {
        #expect(throws: ZooError.self) { try CrossEntropy.evaluate(logits: [0, 0], classes: 2, labels: [2]) }
        #expect(throws: ZooError.self) {
            try CrossEntropy.evaluate(logits: [0, 0], classes: 2, labels: [-1])
        }
        #expect(throws: ZooError.self) { try CrossEntropy.evaluate(logits: [0], classes: 2, labels: [0]) }
    }

    @Test func figuresOfAConfusionMatrix() {
        var matrix = ConfusionMatrix(classes: 3)
        for (actual, predicted) in [(0, 0), (0, 0), (0, 1), (1, 1), (1, 0)] {
            matrix.count(actual: actual, predicted: predicted)
        }
        matrix.count(actual: 7, predicted: 0)
        #expect(matrix.accuracy == 0.6)
        #expect(matrix.precision(0) == 2.0 / 3)
        #expect(matrix.recall(1) == 0.5)
        #expect(matrix.precision(2) == nil && matrix.recall(2) == nil && matrix.f1(2) == nil)
    }
}
