import Testing
import ZooCheckpoints
import ZooHDF5Checkpoints
import ZooTensors
import ZooTestSupport

@Test func hdf5smoke() throws {
    for name in ["full-model.h5", "keras3.weights.h5"] {
        let c = try KerasHDF5Reader.read(
            path: TestFiles.path("tools/goldens/formats/\(name)"),
            isolation: .helper(executable: TestFiles.path(".build/debug/zoo")))
        for t in c.tensors {
            print(t.name, t.shape, t.elementType, t.location ?? "", try t.load().floats().prefix(2))
        }
        print(c.layers, c.extras.keys, c.notes)
    }
}
