package import ZooLayerGraphs
package import ZooTensors

/// A Keras model as a native graph, with what is needed to give it the file's numbers.
package struct KerasNetwork {
    /// What became of one call of one Keras layer.
    package struct Record {
        /// Names of the models around the layer and its own, joined by dots.
        package let path: String
        /// Keras' class.
        package let className: String
        /// Path of the node that gives its result; ``LayerGraph/inputPath`` for what changes nothing there.
        package let node: String
        /// Shape of the result as Keras has it, without the batch.
        package let shape: [Int]
    }

    /// A layer with variables.
    struct Weighted {
        let layer: KerasDescription.Layer
        /// In Keras' order: trainable ones first.
        let variables: [Variable]
    }

    /// One variable of a layer.
    struct Variable {
        /// The parameter that it becomes; `nil` for one that computes nothing, such as a counter.
        let parameter: ParameterPath?
        /// Keras 3's name for it: `kernel`, `moving_mean`.
        let name: String
        let transform: LayoutTransform
        /// Whether it is a statistic, which Keras lists behind what a gradient changes.
        let isStatistic: Bool
    }

    /// The layers.
    package let graph: LayerGraph
    /// Every call of every layer, in the graph's order.
    package let records: [Record]
    /// Layers with variables, each once, in the order in which Keras lists them.
    let weighted: [Weighted]
    /// What the model applies to its logits at the end, which the graph leaves out.
    package let outputActivation: String?
    /// What was assumed or left out, one sentence each.
    package let assumptions: [String]
    /// Where the model has its channels.
    let order: FlattenOrder
    /// Whether pixel values go in as they are, because the network begins with a rescaling of its own.
    let scalesPixels: Bool

    /// Builds the graph of a `model_config`.
    /// - Parameters:
    ///   - version: Keras' version, where the file tells it.
    ///   - backend: Keras' backend; Theano turned kernels around.
    ///   - inputSize: side of the pictures, for a model that takes any.
    /// - Throws: ``ZooError`` naming the layer that isn't known, isn't understood, or doesn't fit.
    package init(
        modelConfig: JSONValue, version: String? = nil, backend: String? = nil, inputSize: Int? = nil
    ) throws(ZooError) {
        let description = try KerasDescriptionReader.read(modelConfig)
        let dialect = try KerasDialect(description, version: version, backend: backend)
        var builder = KerasGraphBuilder(dialect: dialect)
        let output = try builder.build(description, inputSize: inputSize)
        let finished = try KerasFinishing(builder: builder, output: output)
        self.graph = finished.graph
        self.records = builder.records
        self.weighted = finished.weighted
        self.outputActivation = finished.outputActivation
        self.assumptions = builder.assumptions
        self.scalesPixels = builder.scalesPixels
        self.order = dialect.order
    }
}

/// What a model's layers share: how they lay out data, and which Keras they mean.
struct KerasDialect {
    /// Where channels stand in the model's own shapes.
    let order: FlattenOrder
    /// 1, 2 or 3.
    let version: Int
    /// Whether the file doesn't say which.
    let isVersionAssumed: Bool
    /// Whether kernels are stored turned by 180°, as Theano convolved.
    let turnsKernels: Bool

    /// - Throws: ``ZooError`` naming layers that aren't known, or a layer that lays out data in another way than
    ///   those before it.
    init(_ description: KerasDescription, version: String?, backend: String?) throws(ZooError) {
        var survey = Survey()
        survey.visit(description)
        if let first = survey.unknown.first {
            let names = survey.unknown.prefix(6).map { "\($0.title) (\($0.layer.path))" }.joined(
                separator: ", ")
            throw ZooError(
                .unsupported,
                survey.unknown.count == 1
                    ? "the model has a layer of a kind that isn't known"
                    : "the model has \(survey.unknown.count) layers of kinds that aren't known, the first",
                tensor: first.layer.path, found: names + (survey.unknown.count > 6 ? ", …" : ""),
                remedy: "Rebuild the model in Keras without them; zoo inspect lists its tensors all the same."
            )
        }
        if let odd = survey.odd {
            throw ZooError(
                .unsupported, "the model mixes channels_first and channels_last", tensor: odd,
                remedy: "Rebuild the model in Keras with one of them.")
        }
        self.order = survey.isChannelsFirst == true ? .channelsFirst : .channelsLast
        let major = version.flatMap { $0.split(separator: ".").first }.flatMap { Int($0) }
        self.version = major ?? (survey.isKeras1 ? 1 : 3)
        self.isVersionAssumed = major == nil
        self.turnsKernels = backend == "theano"
    }

    /// Looks at all layers before any is built.
    private struct Survey {
        var isChannelsFirst: Bool?
        var odd: String?
        var isKeras1 = false
        var unknown: [(layer: KerasDescription.Layer, title: String)] = []

        mutating func visit(_ description: KerasDescription) {
            for layer in description.layers {
                if let model = layer.model {
                    // Descriptions are bounded in depth.
                    visit(model.description)
                    continue
                }
                let isOperation = layer.module?.hasPrefix("keras.src.ops") == true
                let isKnown = KerasGraphBuilder.isKnown(layer.className)
                if !isKnown || (isOperation && layer.className != "Add" && layer.className != "Multiply") {
                    let title = isOperation ? "\(layer.module ?? "").\(layer.className)" : layer.className
                    unknown.append((layer, title))
                }
                if ["nb_filter", "dim_ordering", "border_mode", "output_dim"].contains(where: {
                    layer.config[$0] != nil
                }) {
                    isKeras1 = true
                }
                // Flatten has a data format too, but not its input's.
                guard layer.className != "Flatten",
                    let format = (layer.config["data_format"] ?? layer.config["dim_ordering"])?.stringValue
                else { continue }
                let isFirst: Bool
                switch format {
                case "channels_first", "th": isFirst = true
                case "channels_last", "tf": isFirst = false
                default: continue
                }
                if let known = isChannelsFirst, known != isFirst, odd == nil { odd = layer.path }
                isChannelsFirst = isChannelsFirst ?? isFirst
            }
        }
    }
}
