internal import CZooKernels
internal import Synchronization

/// A few buffers between a thread that reads a run of bytes and one that uses them, so that both have something to do.
@safe private final class PieceRing: @unchecked Sendable {
    private static let slotCount = 4

    private let source: ByteSource
    private let offset: Int
    private let count: Int
    /// Bytes of a piece, and of the first one.
    private let size: Int
    private let lead: Int
    private let memory: UnsafeMutableRawBufferPointer
    private let monitor = Monitor()
    // Under the monitor's lock: pieces that are ready, those that were used, and how it ends.
    private var ready = 0
    private var used = 0
    private var failure: ZooError?
    private var isStopped = false
    // The same counts for a look without the lock.
    private let readyNow = Atomic<Int>(0)
    private let usedNow = Atomic<Int>(0)

    init(_ source: ByteSource, at offset: Int, count: Int, size: Int, lead: Int) {
        self.source = source
        self.offset = offset
        self.count = count
        self.size = size
        self.lead = lead
        unsafe memory = .allocate(byteCount: size * PieceRing.slotCount, alignment: 64)
    }

    deinit { unsafe memory.deallocate() }

    private var pieceCount: Int { 1 + (count - lead + size - 1) / size }

    /// Where a piece begins in the run.
    private func start(of number: Int) -> Int { number == 0 ? 0 : lead + (number - 1) * size }

    private func piece(_ number: Int) -> UnsafeMutableRawBufferPointer {
        let begin = number % PieceRing.slotCount * size
        let length = min(number == 0 ? lead : size, count - start(of: number))
        return unsafe UnsafeMutableRawBufferPointer(rebasing: memory[begin..<(begin + length)])
    }

    /// Waits a moment for the other thread, without sleeping: to wake up costs as much as half a piece.
    private static func linger(_ isThere: () -> Bool) {
        for _ in 0..<4_000 where !isThere() { zoo_pause() }
    }

    /// The reading thread's work.
    func fill(_ inspect: (UnsafeRawBufferPointer) -> Void) {
        for number in 0..<pieceCount {
            PieceRing.linger { number - usedNow.load(ordering: .relaxed) < PieceRing.slotCount }
            let goesOn = monitor.locked {
                while number - used >= PieceRing.slotCount, !isStopped { monitor.wait() }
                return !isStopped
            }
            guard goesOn else { return }
            do throws(ZooError) {
                let piece = unsafe piece(number)
                try unsafe source.read(at: try Checked.sum(offset, start(of: number)), into: piece)
                unsafe inspect(UnsafeRawBufferPointer(piece))
            } catch {
                monitor.locked {
                    failure = error
                    monitor.wakeAll()
                }
                return
            }
            monitor.locked {
                ready = number + 1
                readyNow.store(ready, ordering: .relaxed)
                monitor.wakeAll()
            }
        }
    }

    /// The using thread's work.
    func drain(_ body: (UnsafeMutableRawBufferPointer) throws(ZooError) -> Void) throws(ZooError) {
        for number in 0..<pieceCount {
            PieceRing.linger { number < readyNow.load(ordering: .relaxed) }
            let problem = monitor.locked {
                while number >= ready, failure == nil { monitor.wait() }
                return number >= ready ? failure : nil
            }
            if let problem { throw problem }
            try unsafe body(piece(number))
            monitor.locked {
                used = number + 1
                usedNow.store(used, ordering: .relaxed)
                monitor.wakeAll()
            }
        }
    }

    /// Has the reading thread end early.
    func stop() {
        monitor.locked {
            isStopped = true
            monitor.wakeAll()
        }
    }
}

extension ByteSource {
    /// Reads a run of bytes piece by piece, as ``forEachPiece(at:count:unit:_:)`` does. Another thread reads long runs
    /// a little ahead.
    /// - Parameters:
    ///   - unit: pieces are of a multiple of so many bytes, but for the last one.
    ///   - lead: about how many bytes the first piece of a long run is to have, when the next ones are to be used where
    ///     something begins.
    ///   - inspect: sees every piece in order before `body` does, perhaps on the other thread; when this returns, it has
    ///     seen all of them.
    package func forEachPieceReadAhead(
        at offset: Int, count: Int, unit: Int = 1, lead: Int = Pieces.byteCount,
        inspect: @escaping @Sendable (UnsafeRawBufferPointer) -> Void,
        _ body: (UnsafeMutableRawBufferPointer) throws(ZooError) -> Void
    ) throws(ZooError) {
        let size = max(Pieces.byteCount / max(unit, 1), 1) * max(unit, 1)
        let first = min(lead / max(unit, 1) * max(unit, 1), size)
        let ring =
            count > 4 * size
            ? PieceRing(self, at: offset, count: count, size: size, lead: first > 0 ? first : size) : nil
        let reader = ring.flatMap { ring in
            try? WorkerThread(isHumble: false) { unsafe ring.fill(inspect) }
        }
        guard let ring, let reader else {
            return try unsafe forEachPiece(at: offset, count: count, unit: unit) {
                (piece) throws(ZooError) in
                unsafe inspect(UnsafeRawBufferPointer(piece))
                try unsafe body(piece)
            }
        }
        defer {
            ring.stop()
            reader.join()
        }
        try unsafe ring.drain(body)
    }
}
