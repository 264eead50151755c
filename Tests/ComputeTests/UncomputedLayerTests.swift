import Testing
import ZooCompute
import ZooLayerGraphs
import ZooTensors

extension OnTheEngine {
    /// Kinds of layers that graphs may hold and that the native executor doesn't compute yet are refused by name.
    @Suite struct UncomputedLayerTests {
        private static let layers: [(Layer, kind: String)] = [
            (.transposedConvolution(TransposedConvolution(2, 2, kernel: Extent(1))), "ConvTranspose2d"),
            (.batchNormalization(BatchNormalization(2)), "BatchNorm2d"),
            (.normalization(Normalization(2)), "Normalization"),
            (.localResponseNormalization(LocalResponseNormalization(size: 3)), "LocalResponseNorm"),
            (.rescaling(Rescaling(scale: [2])), "Rescaling"), (.activation(.silu), "SiLU"),
            (.activation(.leakyReLU(slope: 0.1)), "LeakyReLU"), (.parametricReLU(channels: 2), "PReLU"),
            (.adaptivePooling(AdaptivePooling(.average, output: Extent(1))), "AdaptiveAvgPool2d"),
            (.globalPooling(GlobalPooling(.average)), "GlobalAvgPool2d"), (.add, "Add"),
            (.multiply, "Multiply"),
            (.average, "Average"), (.concatenate(axis: 1), "Concatenate"),
            (.padding(Padding(1)), "ZeroPad2d"),
            (.cropping(Padding(1)), "Crop2d"), (.upsampling(Upsampling(Extent(2))), "Upsample"),
            (.reshape(Reshape([32])), "Reshape"), (.permute(axes: [0, 1, 3, 2]), "Permute"),
            (.spatialDropout(probability: 0.1), "Dropout2d"),
            (.stochasticDepth(probability: 0.1), "StochasticDepth"),
            (.softmax, ""),
        ]

        @Test func everyUncomputedKindIsNamed() throws {
            for (layer, kind) in Self.layers {
                let inputs = layer.operandCount.upperBound > 1 ? ["input", "input"] : ["input"]
                try expectRefusal(
                    of: [Node("body.odd", layer, inputs: inputs)], found: kind.isEmpty ? "[1, 2, 4, 4]" : kind
                )
            }
        }

        @Test func sharedParametersAreRefused() throws {
            let layer = Layer.convolution(Convolution(2, 2, kernel: Extent(1)))
            try expectRefusal(
                of: [
                    Node("a", layer, inputs: ["input"]), Node("body.odd", layer, inputs: ["a"], sharing: "a"),
                ],
                found: "Conv2d")
        }

        private func expectRefusal(of nodes: [Node], found: String) throws {
            let graph = try LayerGraph(
                architecture: "custom", input: InputShape(channels: 2, height: 4, width: 4), nodes: nodes)
            var parameters = ParameterTable()
            for specification in graph.parameters {
                parameters[specification.path] = try Tensor(zeros: specification.shape)
            }
            #expect {
                _ = try NativeExecutor(graph: graph, parameters: parameters, engine: sharedEngine.get())
            } throws: { error in
                let error = error as? ZooError
                return error?.code == .unsupported && error?.tensor == "body.odd" && error?.found == found
            }
        }
    }
}
