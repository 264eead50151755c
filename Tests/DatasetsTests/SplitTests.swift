import Testing
import ZooDatasets
import ZooTensors

@Suite struct SplitTests {
    /// 60 of class 0, 30 of class 1, 10 of class 2, mixed.
    private let labels: [Int32] = (0..<100).map { $0 % 10 == 9 ? 2 : $0 % 3 == 0 ? 1 : 0 }

    @Test func keepsTheClassesProportions() throws {
        let split = try Split(labels: labels, validationFraction: 0.2, seed: 1)
        #expect(split.validation.count == 20)
        #expect((split.train + split.validation).sorted() == Array(0..<100))
        for label in Int32(0)...2 {
            let all = Double(labels.count { $0 == label })
            let held = Double(split.validation.count { labels[$0] == label })
            #expect(abs(held - 0.2 * all) < 1)
        }
        #expect(split.train == split.train.sorted())
    }

    @Test func dependsOnTheSeedAlone() throws {
        let first = try Split(labels: labels, validationFraction: 0.3, seed: 1)
        #expect(try Split(labels: labels, validationFraction: 0.3, seed: 1) == first)
        #expect(try Split(labels: labels, validationFraction: 0.3, seed: 2) != first)
    }

    @Test func noClassLosesItsLastSample() throws {
        let split = try Split(labels: [0, 1, 1, 2, 2, 2], validationFraction: 0.9, seed: 3)
        #expect(Set(split.train.map { [0, 1, 1, 2, 2, 2][$0] }) == [0, 1, 2])
        let none = try Split(labels: [0, 1, 2], validationFraction: 0.5, seed: 3)
        #expect(none.validation.isEmpty)
        #expect(try Split(labels: [], validationFraction: 0.5, seed: 3).train.isEmpty)
    }

    @Test func fractionsOutOfRange() {
        for fraction in [-0.1, 1, .nan, .infinity] {
            #expect(throws: ZooError.self) {
                try Split(labels: labels, validationFraction: fraction, seed: 0)
            }
        }
    }

    @Test func bothPartsAreDataSets() throws {
        let whole = try TestData.numbered(30)
        let split = try Split(labels: whole.labels, validationFraction: 0.2, seed: 1)
        let (train, validation) = try split.subsets(of: whole)
        #expect(train.classCounts == [8, 8, 8])
        #expect(validation.classCounts == [2, 2, 2])
        #expect(throws: ZooError.self) { try split.subsets(of: try TestData.numbered(10)) }
    }

    @Test func subsetsKeepClassesAndNames() throws {
        let whole = try TestData.numbered(9)
        let part = try Subset(whole, indices: [8, 1])
        #expect(part.labels == [2, 1])
        #expect(part.classes == whole.classes)
        #expect(try part.picture(at: 0).pixels[0] == 8)
        #expect(part.sampleName(at: 0) == whole.sampleName(at: 8))
        #expect(throws: ZooError.self) { try part.picture(at: 2) }
        #expect(throws: ZooError.self) { try Subset(whole, indices: [9]) }
    }
}
