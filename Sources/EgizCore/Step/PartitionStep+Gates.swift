import EgizTwin

/// Processors that read from another processor see the changes that it passes on.
extension PartitionStep {
    /// Whether the change reaches a processor. Processors are asked in their order, so what lies before it is decided.
    @inline(__always)
    func reaches(_ place: Int) -> Bool {
        guard hasGates, let upstream = processors[place].upstream else { return true }
        return passed[upstream]
    }

    /// The processor has seen the change, or not: decides what those behind it see. True where it held the change back.
    @discardableResult
    func decide(
        _ place: Int, reached: Bool, _ change: borrowing TwinChange, _ effects: inout RecordEffects
    ) -> Bool {
        guard hasGates, processors[place].isGate else { return false }
        passed[place] = reached && processors[place].instance.passes(change, into: &effects)
        return reached && !passed[place]
    }

    /// What the processors before this one let through, as part of the fingerprint of its rules.
    func combineGates(before place: Int, into hash: inout Fingerprint) {
        var next = processors[place].upstream
        while let upstream = next {
            hash.combine(processors[upstream].instance.passFingerprint)
            next = processors[upstream].upstream
        }
    }
}
