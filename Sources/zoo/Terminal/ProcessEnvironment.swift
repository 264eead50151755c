import Menagerie

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Settings that libraries read before `main`.
enum ProcessEnvironment {
    /// Starts this program again with the settings that the engine does best with, unless they are there. Waiting
    /// OpenMP threads spin by default; on a busy machine they then take the processors that work needs, and
    /// everything becomes a hundred times slower.
    static func prepare() {
        #if os(Linux)
            var isChanged = false
            for (name, value) in Engine.recommendedEnvironment where unsafe getenv(name) == nil {
                unsafe setenv(name, value, 0)
                isChanged = true
            }
            guard isChanged else { return }
            var arguments: [UnsafeMutablePointer<CChar>?] = unsafe CommandLine.arguments.map {
                unsafe strdup($0)
            }
            unsafe arguments.append(nil)
            // Comes back only if it fails; then the default settings have to do.
            unsafe execv(pathOfThisExecutable(), arguments)
        #endif
    }
}
