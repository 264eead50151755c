internal import ZooContainers
package import ZooTensors

/// Models of keras.applications as Keras has them (tools/goldens/keras/make_applications.py).
package struct KerasApplication: Sendable, CustomStringConvertible {
    /// A layer with variables.
    package struct Layer: Sendable {
        package let name: String
        package let className: String
        /// Its place in a `.weights.h5`.
        package let store: String
        package let variables: [(name: String, shape: TensorShape)]
    }

    package let name: String
    /// `model_config`.
    package let config: JSONValue
    /// The layers with variables, in Keras' order.
    package let layers: [Layer]
    /// What the filled model computes, row after row.
    package let results: [Double]

    /// Samples of some layers' results, by their kernels' places.
    package let activations: [String: [Double]]
    /// What a pass back computes in `evaluation` and in `training`, by the places of variables.
    package let passes: [String: Pass]

    /// Results, gradients of Σ c·result and, in training, the statistics after it, as samples.
    package struct Pass: Sendable {
        package let results: [Double]
        package let gradients: [String: (norm: Double, sample: [Double])]
        package let statistics: [String: [Double]]
    }

    package var description: String { name }

    /// Every model of the fixture, by name.
    package static let all = read("applications")
    /// Every model that a package builds (tools/goldens/keras/make_packages.py), by name.
    package static let packages = read("packages")

    private static func read(_ file: String) -> [String: KerasApplication] {
        let path = TestFiles.path("tools/goldens/keras/\(file).json.gz")
        guard let bytes = try? TestFiles.read(path),
            let plain = try? Gzip.decompress(ByteSource(bytes: bytes), limits: ReadLimits()),
            let models = try? JSONParser.parse(plain)["models"]?.objectValue?.members
        else { return [:] }
        var result: [String: KerasApplication] = [:]
        for (name, json) in models { result[name] = KerasApplication(name, json) }
        return result
    }

    private init?(_ name: String, _ json: JSONValue) {
        guard let config = json["config"], let layers = json["layers"]?.arrayValue else { return nil }
        self.name = name
        self.config = config
        self.results = json["results"]?.arrayValue?.compactMap(\.doubleValue) ?? []
        func samples(_ value: JSONValue?) -> [String: [Double]] {
            var result: [String: [Double]] = [:]
            for (key, value) in value?.objectValue?.members ?? [] {
                result[key] = value.arrayValue?.compactMap(\.doubleValue)
            }
            return result
        }
        activations = samples(json["activations"])
        var passes: [String: Pass] = [:]
        for mode in ["evaluation", "training"] {
            guard let pass = json[mode] else { continue }
            var gradients: [String: (norm: Double, sample: [Double])] = [:]
            for (key, gradient) in pass["gradients"]?.objectValue?.members ?? [] {
                guard let norm = gradient["norm"]?.doubleValue,
                    let sample = gradient["sample"]?.arrayValue?.compactMap(\.doubleValue)
                else { return nil }
                gradients[key] = (norm, sample)
            }
            passes[mode] = Pass(
                results: pass["results"]?.arrayValue?.compactMap(\.doubleValue) ?? [],
                gradients: gradients, statistics: samples(pass["statistics"]))
        }
        self.passes = passes
        var list: [Layer] = []
        for layer in layers {
            guard let name = layer["name"]?.stringValue, let className = layer["class"]?.stringValue,
                let store = layer["store"]?.stringValue, let variables = layer["variables"]?.arrayValue
            else { return nil }
            list.append(
                Layer(
                    name: name, className: className, store: store,
                    variables: variables.compactMap { variable in
                        guard let pair = variable.arrayValue, let name = pair.first?.stringValue,
                            let shape = pair.last?.intArrayValue
                        else { return nil }
                        return (name, TensorShape(shape))
                    }))
        }
        self.layers = list
    }
}

/// u(entry, i) of tools/goldens/architectures/filling.py: murmur3's finaliser as a fraction of 2³².
package func fillingFraction(entry: Int, element: Int) -> Double {
    var x = UInt32(truncatingIfNeeded: element) &+ UInt32(truncatingIfNeeded: entry) &* 0x9E37_79B9
    x ^= x >> 16
    x &*= 0x85EB_CA6B
    x ^= x >> 13
    x &*= 0xC2B2_AE35
    x ^= x >> 16
    return Double(x) / 4_294_967_296
}
