public import ZooTensors

/// The batches of one epoch in order, made ahead by threads of their own. Letting go of it, or ``stop()``,
/// ends them.
///
/// One thread takes the batches. It may wait, so it must not be one of Swift's concurrency pool: training
/// calls from its engine thread, a command from its main thread.
public final class EpochBatches {
    private let make: @Sendable (Int) throws(ZooError) -> Batch
    private let ring: BatchRing
    private var threads: [WorkerThread] = []
    private let threadCount: Int
    private var failure: ZooError?

    init(
        numbers: Range<Int>, threadCount: Int, prefetchCount: Int,
        make: @escaping @Sendable (Int) throws(ZooError) -> Batch
    ) throws(ZooError) {
        let ring = BatchRing(numbers: numbers, capacity: prefetchCount)
        self.make = make
        self.ring = ring
        self.threadCount = min(threadCount, numbers.count)
        for _ in 0..<self.threadCount {
            threads.append(
                try WorkerThread(isHumble: true) {
                    while let number = ring.claim() {
                        do throws(ZooError) {
                            ring.deliver(.success(try make(number)), number: number)
                        } catch {
                            ring.deliver(.failure(error), number: number)
                        }
                    }
                })
        }
    }

    deinit { stop() }

    /// The next batch, `nil` after the last one. Waits until it is made.
    /// - Throws: ``ZooError`` that names the file when a sample can't be read; every later call throws it
    ///   again.
    public func nextBatch() throws(ZooError) -> Batch? {
        if let failure { throw failure }
        do throws(ZooError) {
            if threadCount > 0 { return try ring.take()?.get() }
            return try ring.claim().map { (number) throws(ZooError) in
                ring.passed(number)
                return try make(number)
            }
        } catch {
            failure = error
            stop()
            throw error
        }
    }

    /// Ends the threads and waits for them; batches that weren't taken are lost.
    public func stop() {
        ring.stop()
        for thread in threads { thread.join() }
        threads = []
    }
}
