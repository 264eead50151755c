internal import Synchronization
internal import ZooTensors

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

extension HDF5Helper {
    /// Starts a helper: the arguments behind the program's name, its input if any, and its output.
    package typealias Starter = @Sendable ([String], _ input: Int32?, _ output: Int32) -> pid_t

    private static let starter = Mutex<Starter?>(nil)

    /// Has helpers started in another way than as a new program, by a test that needs hundreds of thousands.
    package static func start(by starter: @escaping Starter) { self.starter.withLock { $0 = starter } }

    /// Starts the helper with nothing but an output, and an input when it gets an open file: no error output,
    /// default signals, and of the environment only what finding its libraries needs.
    static func spawn(
        _ executable: String, _ arguments: [String], input: Int32?, output: Int32
    ) throws(ZooError) -> pid_t {
        if let starter = starter.withLock({ $0 }) {
            return starter(Array(arguments.dropFirst()), input, output)
        }
        #if canImport(Darwin)
            var actions: posix_spawn_file_actions_t?
            var attributes: posix_spawnattr_t?
        #else
            var actions = unsafe posix_spawn_file_actions_t()
            var attributes = posix_spawnattr_t()
        #endif
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        // Input first: the output's number can't be 0, but the input's could be 1 if the caller closed its own.
        if let input {
            unsafe posix_spawn_file_actions_adddup2(&actions, input, 0)
        } else {
            unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        }
        unsafe posix_spawn_file_actions_adddup2(&actions, output, 1)
        unsafe posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        var all = sigset_t()
        unsafe sigemptyset(&none)
        unsafe sigfillset(&all)
        // A caller that ignores SIGXCPU or blocks signals mustn't make the helper immortal.
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setsigdefault(&attributes, &all)
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

        var child: pid_t = 0
        let status: Int32 =
            unsafe withCStrings(arguments) { argv in
                unsafe withCStrings(environment()) { envp in
                    unsafe posix_spawn(&child, executable, &actions, &attributes, argv, envp)
                }
            } ?? EINVAL
        guard status == 0 else {
            let reason = unsafe strerror(status).map { unsafe String(cString: $0) } ?? "error \(status)"
            throw ZooError(
                .systemFailure, "cannot start the HDF5 helper \(executable): \(reason)",
                remedy: "Name a program that exists and may be run.")
        }
        return child
    }

    /// Where the loader finds libraries, and no plug-ins for libhdf5.
    private static func environment() -> [String] {
        var result = ["HDF5_PLUGIN_PRELOAD=::", "HDF5_USE_FILE_LOCKING=FALSE"]
        for name in ["LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH"] {
            if let value = unsafe getenv(name) { result.append("\(name)=\(unsafe String(cString: value))") }
        }
        return result
    }

    /// Lends strings as a C array that ends with a null pointer.
    private static func withCStrings<Result>(
        _ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result?
    ) -> Result? {
        var pointers = unsafe strings.map { unsafe strdup($0) }
        unsafe pointers.append(nil)
        defer { for position in unsafe pointers.indices { unsafe free(pointers[position]) } }
        return unsafe pointers.withUnsafeBufferPointer { unsafe $0.baseAddress.flatMap { unsafe body($0) } }
    }
}
