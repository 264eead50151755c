internal import ZooContainers
internal import ZooTensors

/// Sentences about what a pickle would have had Python run, had Python loaded it.
struct PickleAudit {
    private static let dangerousModules: Set<String> = [
        "os", "posix", "nt", "posixpath", "subprocess", "sys", "shutil", "socket", "runpy", "importlib",
        "pty",
        "ctypes", "multiprocessing", "threading", "commands", "popen2", "marshal", "code", "codeop", "pdb",
        "bdb",
        "timeit", "webbrowser", "urllib", "urllib2", "http", "httplib", "ftplib", "requests", "tempfile",
        "pip",
        "asyncio", "signal", "platform", "cProfile", "profile", "trace", "operator", "types", "inspect",
        "pickle",
        "_pickle", "cPickle", "dill", "cloudpickle", "joblib", "builtins", "__builtin__", "atexit",
        "linecache",
    ]
    private static let harmlessBuiltins: Set<String> = [
        "set", "frozenset", "bytearray", "bytes", "complex", "dict", "list", "tuple", "int", "float", "str",
        "bool",
        "object", "slice", "range", "xrange", "unicode", "long",
    ]
    private static let knownModules = ["torch", "__torch__", "collections", "copyreg", "copy_reg", "_codecs"]

    /// Those that a person must see: what would have been called that can do harm.
    let warnings: [String]
    /// All of them.
    let notes: [String]

    /// The first warning about a file that is nothing but a pickle.
    static func warning(_ source: ByteSource, limits: ReadLimits) -> String? {
        (try? PickleMachine.read(source, limits: limits)).flatMap { PickleAudit([$0]).warnings.first }
    }

    /// Looks through the pickles of a file.
    init(_ documents: [PickleDocument]) {
        var warnings: [String] = []
        var unknown: [String] = []
        for document in documents { PickleAudit.look(through: document, &warnings, &unknown) }
        self.warnings = warnings
        self.notes =
            unknown.isEmpty
            ? warnings
            : warnings + [
                "values of classes that PyTorch doesn't define are left opaque: "
                    + unknown.joined(separator: ", ")
            ]
    }

    /// Whether a class or function is one of those with which a pickle can do harm.
    static func isDangerous(_ name: PickleGlobal) -> Bool {
        let top = String(name.module.prefix { $0 != "." })
        if isBuiltin(top), harmlessBuiltins.contains(name.name) { return false }
        return dangerousModules.contains(top) && !KnownObjects.isKnown(name)
    }

    /// Whether this is one of Python's own types, which only make values.
    static func isHarmlessBuiltin(_ name: PickleGlobal) -> Bool {
        isBuiltin(name.module) && harmlessBuiltins.contains(name.name)
    }

    private static func isBuiltin(_ module: String) -> Bool {
        module == "builtins" || module == "__builtin__"
    }

    private static func look(
        through document: PickleDocument, _ notes: inout [String], _ unknown: inout [String]
    ) {
        for reference in document.references {
            guard let object = document.object(reference), let name = document.className(object.callable)
            else { continue }
            let top = String(name.module.prefix { $0 != "." })
            if KnownObjects.isKnown(name) { continue }
            if isDangerous(name) {
                if notes.count < 20 {
                    let place = document.byteOffset(reference)
                    let call = quoted(name.description).dropFirst().dropLast()
                    notes.append("the file calls \(call) at byte \(place); nothing was run")
                }
            } else if !knownModules.contains(top), !isBuiltin(top), unknown.count < 10 {
                let text = String(quoted(name.description).dropFirst().dropLast())
                if !unknown.contains(text) { unknown.append(text) }
            }
        }
    }
}
