internal import ZooTensors

/// Batches between those who make them and the one who takes them: numbers are claimed in order, at most
/// `capacity` ahead of the taker, and taken in order whoever finished first.
final class BatchRing: @unchecked Sendable {
    // All mutable state is touched with `monitor` locked.
    private let monitor = Monitor()
    private let end: Int
    private let capacity: Int
    private var nextToClaim: Int
    private var nextToTake: Int
    private var slots: [Result<Batch, ZooError>?]
    private var isStopped = false

    init(numbers: Range<Int>, capacity: Int) {
        self.end = numbers.upperBound
        self.capacity = max(capacity, 1)
        self.nextToClaim = numbers.lowerBound
        self.nextToTake = numbers.lowerBound
        self.slots = Array(repeating: nil, count: max(capacity, 1))
    }

    /// The next number to make a batch of; waits for room. `nil` when there is nothing left to do.
    func claim() -> Int? {
        monitor.locked {
            while !isStopped, nextToClaim < end, nextToClaim - nextToTake >= capacity { monitor.wait() }
            guard !isStopped, nextToClaim < end else { return nil }
            defer { nextToClaim += 1 }
            return nextToClaim
        }
    }

    /// Hands in what became of a claimed number.
    func deliver(_ result: Result<Batch, ZooError>, number: Int) {
        monitor.locked {
            slots[number % capacity] = result
            monitor.wakeAll()
        }
    }

    /// The next batch in order; waits for it. `nil` after the last one, or when the ring was stopped.
    func take() -> Result<Batch, ZooError>? {
        monitor.locked {
            guard nextToTake < end else { return nil }
            let slot = nextToTake % capacity
            while !isStopped, slots[slot] == nil { monitor.wait() }
            guard !isStopped, let result = slots[slot] else { return nil }
            slots[slot] = nil
            nextToTake += 1
            monitor.wakeAll()
            return result
        }
    }

    /// Counts a number as taken that never went through a slot.
    func passed(_ number: Int) { monitor.locked { nextToTake = max(nextToTake, number + 1) } }

    /// Lets everybody go.
    func stop() {
        monitor.locked {
            isStopped = true
            slots = Array(repeating: nil, count: capacity)
            monitor.wakeAll()
        }
    }
}
