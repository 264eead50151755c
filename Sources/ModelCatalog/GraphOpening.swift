public import ZooConversion
public import ZooLayerGraphs
public import ZooModels
public import ZooTensors

extension ModelOpener {
    /// Loads the tensors of a file into the network of a graph document.
    /// - Throws: ``ZooError`` when the file has another network's tensors, or says itself which network it is.
    public func open(
        _ path: String, as document: GraphDocument.Contents
    ) throws(ZooError) -> (model: Model, report: ConversionReport) {
        let checkpoint = try checkpoint(path)
        guard !ModelFile.isNative(checkpoint) else {
            throw ZooError(
                .invalidArgument, "a native model says itself which network it is", file: path,
                remedy: "Leave --graph out.")
        }
        do throws(ZooError) {
            return try Converter(options: conversion).convert(checkpoint, to: document)
        } catch {
            throw error.adding(warning: checkpoint.warnings.first)
        }
    }
}
