import Menagerie

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Our side of `tools/bench/lenet` and `tools/bench/formats`: answers one line of JSON for each line that it
/// is sent, and measures around the work alone. It takes the ways that `zoo train` and a server take.
/// `PyTorch`'s side is `tools/bench/torch_worker.py`; it knows the same words.
@main
struct BenchmarkWorker {
    static func main() {
        if CommandLine.arguments.dropFirst().first == "--environment" {
            // The settings that `zoo` starts itself with.
            var settings = JSONObject()
            for (name, value) in Engine.recommendedEnvironment { settings[name] = .string(value) }
            answer(.object(settings))
            return
        }
        var workload: Workload?
        var files: FileReading?
        while let line = readLine() {
            do throws(ZooError) {
                let request = try JSONParser.parse(line)
                if let workload {
                    answer(try workload.answer(to: request))
                } else if let files {
                    answer(try files.answer(to: request))
                } else if request["zoo"] != nil {
                    files = try FileReading(request)
                    answer(["library": .string(Engine.library)])
                } else {
                    workload = try Workload(request)
                    answer(["library": .string(Engine.library)])
                }
            } catch {
                answer(["error": .string(error.description)])
            }
        }
    }

    private static func answer(_ document: JSONValue) {
        print(document.text())
        fflush(nil)
    }
}

extension JSONValue {
    /// A member that the request must have.
    func text(_ key: String) throws(ZooError) -> String {
        guard let value = self[key]?.stringValue else {
            throw ZooError(.invalidArgument, "the request has no text \"\(key)\"")
        }
        return value
    }

    /// A whole number that the request must have.
    func count(_ key: String) throws(ZooError) -> Int {
        guard let value = self[key]?.intValue, (0...1_000_000_000).contains(value) else {
            throw ZooError(.invalidArgument, "the request has no count \"\(key)\"")
        }
        return value
    }
}
