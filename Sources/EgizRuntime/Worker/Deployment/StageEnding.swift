import EgizCore

/// What stages left that a topology no longer has, to be ended as soon as nobody owns their tasks.
struct StageEnding {
    /// The version that has them no longer; nil: the topology is deleted.
    var version: Int64?
    /// The stages that the version has.
    var present: [StageName]
    /// It could not be ended, and that was said.
    var hasFailed = false

    /// Whether what is deployed is still as it was when this was noted. If not, another one is noted by whoever drains or starts.
    func holds(for deployment: Deployment?) -> Bool {
        guard let deployment else { return false }
        guard let version else { return deployment.state == .deleted }
        return deployment.state != .deleted && deployment.runningVersion == version
    }
}
