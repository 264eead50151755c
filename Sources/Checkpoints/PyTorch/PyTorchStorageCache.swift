internal import Synchronization
internal import ZooTensors

/// Remembers the runs of storages that are in memory, without keeping them there: tensors that are tied in the file
/// are tied when they are loaded, and read once.
final class PyTorchStorageCache: Sendable {
    struct Run: Hashable {
        let key: String
        let offset: Int
        let byteCount: Int
        /// Bytes of an element, on which the order of bytes depends.
        let elementSize: Int
    }

    private struct Entry: Sendable {
        weak let storage: TensorStorage?
    }

    private let runs = Mutex<[Run: Entry]>([:])

    /// The run if some tensor still holds it, else what `read` gives.
    func storage(for run: Run, read: () throws(ZooError) -> TensorStorage) throws(ZooError) -> TensorStorage {
        if let known = runs.withLock({ $0[run]?.storage }) { return known }
        let storage = try read()
        return runs.withLock { runs in
            // Another thread may have been faster; then all share its memory.
            if let known = runs[run]?.storage { return known }
            runs[run] = Entry(storage: storage)
            return storage
        }
    }
}
