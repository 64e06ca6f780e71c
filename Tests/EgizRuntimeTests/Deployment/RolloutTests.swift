import EgizRuntime
import Testing

@Suite struct RolloutTests {
    private let switching = Deployment(name: "line", wantedVersion: 2, runningVersion: 1)
    private let switched = Deployment(name: "line", wantedVersion: 2, runningVersion: 2)

    private func worker(
        _ host: String, prepared: Int64? = nil, running: Int64? = nil, refused: Int64? = nil,
        _ state: TopologyReport.State = .running, _ error: String? = nil
    ) -> LiveWorker {
        LiveWorker(
            identity: WorkerIdentity(id: host, host: host, processID: 1),
            reports: [
                "line": TopologyReport(
                    topology: "line", preparedVersion: prepared, runningVersion: running, refusedVersion: refused,
                    state: state, error: error)
            ])
    }

    @Test func nothingIsSwitchedBeforeTheLastLiveWorkerHasPreparedIt() {
        let done = worker("a", prepared: 2, running: 1)
        let late = worker("b", prepared: 1, running: 1)
        #expect(Rollout.of(switching, workers: [done, late]) == .preparing(["b, pid 1"]))
        #expect(!Rollout.maySwitch(switching, workers: [done, late]))
        let silent = LiveWorker(identity: WorkerIdentity(id: "c", host: "c", processID: 1))
        #expect(Rollout.of(switching, workers: [done, silent]) == .preparing(["c, pid 1"]))
        #expect(Rollout.maySwitch(switching, workers: [done, worker("b", prepared: 2, running: 1)]))
    }

    @Test func oneThatRefusesKeepsAllOnTheOldVersionAndIsNamed() {
        let good = worker("a", prepared: 2, running: 1)
        let bad = worker("b", prepared: 1, running: 1, refused: 2, .running, "no such kind")
        #expect(
            Rollout.of(switching, workers: [good, bad])
                == .refused([.init(worker: "b, pid 1", reason: "no such kind")]))
        #expect(!Rollout.maySwitch(switching, workers: [good, bad]))
        // A refusal of another version says nothing about this one.
        #expect(Rollout.maySwitch(switching, workers: [worker("b", prepared: 2, refused: 1)]))
    }

    @Test func withoutAWorkerNothingIsSwitched() {
        #expect(Rollout.of(switching, workers: []) == .noWorker)
        #expect(!Rollout.maySwitch(switching, workers: []))
        #expect(Rollout.of(switched, workers: []) == .noWorker)
    }

    @Test func itIsDoneWhenAllRunIt() {
        #expect(
            Rollout.of(switched, workers: [worker("a", running: 2), worker("b", running: 1, .draining)])
                == .starting(["b, pid 1"]))
        #expect(Rollout.of(switched, workers: [worker("a", running: 2), worker("b", running: 2)]) == .done)
        #expect(
            Rollout.of(switched, workers: [worker("a", running: 2), worker("b", .failed, "gap")])
                == .failed([.init(worker: "b, pid 1", reason: "gap")]))
    }

    @Test func pausedAndDeletedWaitForThreadsToEnd() {
        for state in [Deployment.State.paused, .deleted] {
            var deployment = switched
            deployment.state = state
            #expect(
                Rollout.of(deployment, workers: [worker("a", running: 2, .draining)]) == .stopping(["a, pid 1"]))
            #expect(Rollout.of(deployment, workers: [worker("a", .paused)]) == .done)
        }
    }

    @Test func aPausedTopologyIsSwitchedToo() {
        var deployment = switching
        deployment.state = .paused
        #expect(Rollout.maySwitch(deployment, workers: [worker("a", prepared: 2, .paused)]))
        deployment.state = .deleted
        #expect(!Rollout.maySwitch(deployment, workers: [worker("a", prepared: 2, .paused)]))
    }

    @Test func workersThatAreGoneOrRunOtherTopologiesDoNotCount() {
        var gone = worker("a")
        gone.silence = .seconds(4)
        var other = worker("b")
        other.scope = ["packing"]
        var late = worker("c")
        late.silence = .milliseconds(2900)
        let snapshot = DeploymentSnapshot(deployments: [switching], workers: [gone, other, late])
        #expect(snapshot.workers(of: "line") == [late])
    }
}
