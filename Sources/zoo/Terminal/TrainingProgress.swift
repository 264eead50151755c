import Menagerie

/// Shows a run as it goes on: a progress bar for a person, one line per epoch for a pipe.
final class TrainingProgress: EventSink {
    private var steps = 0
    private var firstEpoch = 1
    private var epochs = 0
    private var isBarShown = false
    private var isTableBegun = false
    private var lastDrawn = 0.0
    private let isSilent: Bool

    /// - Parameter isSilent: shows nothing, for `--json`.
    init(isSilent: Bool) { self.isSilent = isSilent }

    func receive(_ event: TrainingEvent) {
        if isSilent { return }
        switch event {
        case .started(let configuration, let steps, let firstEpoch, let parameters, let trainable):
            self.steps = steps
            self.firstEpoch = firstEpoch
            self.epochs = configuration.epochs
            Terminal.printText(
                "  \(configuration.optimizer.name), learning rate \(configuration.learningRate), batch "
                    + "\(configuration.batchSize), seed \(configuration.seed), \(configuration.threads) threads; "
                    + "\(Numbers.grouped(trainable)) of \(Numbers.grouped(parameters)) parameters learn")
            if firstEpoch > 1 { print("  going on after epoch \(firstEpoch - 1)") }
            Terminal.flush()
        case .step(let epoch, let step, let loss, _):
            guard Terminal.isInteractive else { return }
            let now = MonotonicSeconds.now
            guard now - lastDrawn > 0.1 || step == steps else { return }
            lastDrawn = now
            let filled = steps == 0 ? 0 : step * 20 / steps
            let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: 20 - filled)
            Terminal.write(
                "\r  \(bar) epoch \(epoch)/\(epochs)  step \(step)/\(steps)  loss \(Numbers.fixed(loss, 4))\u{1B}[K"
            )
            isBarShown = true
        case .epoch(let result):
            guard isWorthALine(result) else { return }
            clearBar()
            show(result)
            Terminal.flush()
        case .checkpoint: break
        case .finished: clearBar()
        }
    }

    /// Of many short epochs, a few stand for all; the log has every one.
    private func isWorthALine(_ result: EpochResult) -> Bool {
        epochs <= 20 || result.seconds > 0.5 || result.epoch % 10 == 0 || result.epoch == firstEpoch
            || result.step == steps
    }

    /// A row of a table that grows.
    private func show(_ result: EpochResult) {
        func row(_ cells: [String]) -> String {
            "  "
                + zip(cells, [7, 8, 10, 11, 10, 9, 12]).map { cell, width in
                    String(repeating: " ", count: max(0, width - cell.count)) + cell
                }.joined()
        }
        if !isTableBegun {
            print(
                Terminal.bold(
                    row(["epoch", "loss", "accuracy", "test loss", "accuracy", "seconds", "pictures/s"])))
            isTableBegun = true
        }
        print(
            row([
                "\(result.epoch)/\(epochs)", Numbers.fixed(result.trainingLoss, 4),
                Numbers.percent(result.trainingAccuracy),
                result.validationLoss.map { Numbers.fixed($0, 4) } ?? "–",
                result.validationAccuracy.map(Numbers.percent) ?? "–", Numbers.fixed(result.seconds, 1),
                Numbers.grouped(Int(result.picturesPerSecond)),
            ]))
    }

    private func clearBar() {
        if isBarShown { Terminal.write("\r\u{1B}[K") }
        isBarShown = false
    }
}
