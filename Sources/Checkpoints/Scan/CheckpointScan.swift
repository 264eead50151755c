internal import ZooContainers
public import ZooTensors

/// What loading a file in Python would import and call, each judged, and what else in the file no loader looks at.
/// Nothing is run, and a file that is damaged is judged as far as it can be read.
public struct CheckpointScan: Sendable {
    /// A name that a pickle would have Python import.
    public struct Import: Sendable, Hashable {
        /// `os.system`.
        public let name: String
        /// What it could do.
        public let judgement: PickleJudgement
        /// How often it is called, or an instance of it made.
        public internal(set) var calls: Int
        /// Where the pickle is: a member's name, or empty for the file itself.
        public let place: String
        /// Where in the file it is named first.
        public let byteOffset: Int
    }

    /// Something that a person should know before anybody loads the file.
    public struct Finding: Sendable, Hashable {
        /// One sentence without a full stop.
        public let text: String
        /// Where the bytes are: a member's name, or empty for the file itself.
        public let place: String
        /// Where in the file, if that is one place.
        public let byteOffset: Int?

        /// Describes a finding.
        public init(text: String, place: String, byteOffset: Int? = nil) {
            self.text = text
            self.place = place
            self.byteOffset = byteOffset
        }
    }

    /// What the file is.
    public let kind: FileKind
    /// Everything that would be imported, the dangerous first.
    public private(set) var imports: [Import] = []
    /// What isn't as it should be.
    public private(set) var findings: [Finding] = []
    /// Pickles that were looked through.
    public private(set) var pickleCount = 0

    /// Whether nothing was found that isn't harmless.
    public var isClean: Bool { findings.isEmpty }

    /// Looks through a file of any kind; HDF5 files hold no pickles.
    /// - Throws: ``ZooError`` when the file can't be read or is no checkpoint, and nothing was found in it either.
    public init(_ source: ByteSource, limits: ReadLimits = ReadLimits()) throws(ZooError) {
        var scan = FileContentsScan(limits: limits)
        var problem: ZooError?
        do throws(ZooError) {
            kind = try FileKind.detect(source)
        } catch {
            guard error.code != .systemFailure else { throw error }
            // Only archives can be damaged so that their kind doesn't show.
            (kind, problem) = (.zip, error)
        }
        if problem == nil {
            do throws(ZooError) {
                try scan.look(into: source, kind, place: "", depth: 0)
            } catch {
                problem = error
            }
        }
        // What can't be unpacked may still hold pickles for a reader that isn't as strict.
        if problem != nil { scan.lookForPickles(source, "") }
        imports = scan.pickles.imports.sorted {
            ($1.judgement, $0.place, $0.byteOffset) < ($0.judgement, $1.place, $1.byteOffset)
        }
        pickleCount = scan.pickles.count
        findings = scan.findings
        for name in imports where name.judgement != .harmless {
            let verb = name.calls > 0 ? "calls" : "imports"
            findings.append(
                Finding(
                    text: name.judgement == .dangerous
                        ? "loading it \(verb) \(name.name), which can run anything"
                        : "loading it \(verb) \(name.name), which isn't known",
                    place: name.place, byteOffset: name.byteOffset))
        }
        if let hidden = try Polyglot.hidden(in: source, kind) {
            findings.append(Finding(text: hidden.text, place: "", byteOffset: hidden.byteOffset))
        }
        guard let problem else { return }
        if findings.isEmpty { throw problem }
        findings.append(
            Finding(
                text: "the rest can't be read: \(problem.problem)", place: "", byteOffset: problem.byteOffset)
        )
    }
}
