internal import ZooContainers

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

    let notes: [String]

    init(_ document: PickleDocument) {
        var notes: [String] = []
        var unknown: [String] = []
        for reference in document.references {
            guard let object = document.object(reference), let name = document.className(object.callable)
            else { continue }
            let top = String(name.module.prefix { $0 != "." })
            let isBuiltin = top == "builtins" || top == "__builtin__"
            if isBuiltin, PickleAudit.harmlessBuiltins.contains(name.name) { continue }
            if PickleAudit.dangerousModules.contains(top) {
                if notes.count < 20 {
                    let place = document.byteOffset(reference)
                    let call = quoted(name.description).dropFirst().dropLast()
                    notes.append("the file calls \(call) at byte \(place); nothing was run")
                }
            } else if !PickleAudit.knownModules.contains(top), unknown.count < 10 {
                let text = String(quoted(name.description).dropFirst().dropLast())
                if !unknown.contains(text) { unknown.append(text) }
            }
        }
        if !unknown.isEmpty {
            notes.append(
                "values of classes that PyTorch doesn't define are left opaque: "
                    + unknown.joined(separator: ", "))
        }
        self.notes = notes
    }
}
