import Foundation

/// Processor time, which other tests and other programs don't lengthen.
package enum ProcessorTime {
    /// What this thread has used, in seconds.
    package static var ofThread: Double {
        var time = timespec()
        unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
}
