import Testing

@testable import EgizRuntime

@Suite struct RunActionTests {
    private let old = RunKey(version: 1, restarts: 0)
    private let new = RunKey(version: 2, restarts: 0)

    private func deployment(_ running: Int64?, _ state: Deployment.State = .running, restarts: Int64 = 0) -> Deployment
    {
        Deployment(name: "line", wantedVersion: 2, runningVersion: running, state: state, restarts: restarts)
    }

    private func next(_ deployment: Deployment?, _ run: RunState, prepared: [Int64] = [1, 2]) -> RunAction {
        RunAction.next(deployment, run: run, canStart: prepared.contains)
    }

    @Test func theWantedVersionDoesNotStartBeforeItIsSwitchedTo() {
        #expect(next(deployment(1), .none) == .start(old))
        #expect(next(deployment(1), .running(old)) == .nothing)
        #expect(next(deployment(nil), .none) == .nothing)
    }

    @Test func aSwitchDrainsTheOldVersionBeforeTheNewOneStarts() {
        #expect(next(deployment(2), .running(old)) == .stop)
        #expect(next(deployment(2), .draining(old)) == .nothing)
        #expect(next(deployment(2), .none) == .start(new))
    }

    @Test func aVersionThatIsNotPreparedHereDoesNotStart() {
        #expect(next(deployment(2), .none, prepared: [1]) == .nothing)
        #expect(next(deployment(2), .running(old), prepared: [1]) == .stop, "others run the new one")
    }

    @Test func pausedDeletedAndUnknownTopologiesAreStopped() {
        #expect(next(deployment(1, .paused), .running(old)) == .stop)
        #expect(next(deployment(1, .deleted), .running(old)) == .stop)
        #expect(next(nil, .running(old)) == .stop)
        #expect(next(deployment(1, .paused), .none) == .nothing)
        #expect(next(nil, .none) == .nothing)
    }

    @Test func whatHasFailedStartsAgainOnlyWithAnotherVersionOrAResume() {
        #expect(next(deployment(1), .failed(old)) == .nothing)
        #expect(next(deployment(2), .failed(old)) == .start(new))
        #expect(next(deployment(1, restarts: 1), .failed(old)) == .start(RunKey(version: 1, restarts: 1)))
    }
}
