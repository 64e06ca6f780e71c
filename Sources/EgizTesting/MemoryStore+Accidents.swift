public import EgizCore
public import EgizRuntime
public import EgizTwin

// What a test lets happen to the store, and what people ask of it.
extension MemoryStore {
    /// Postgres goes away and comes back: every call throws `.postgres`/`.backoff` meanwhile.
    public func setAway(_ away: Bool) { change { isAway = away } }

    /// Only the registry of rules cannot be read meanwhile.
    public func setRegistryAway(_ away: Bool) { change { isRegistryAway = away } }

    /// Only what is parked cannot be read meanwhile.
    public func setParkedAway(_ away: Bool) { change { isParkedAway = away } }

    /// What happens to the next attempts to commit, one each.
    public func plan(_ accidents: [Accident]) { change { self.accidents += accidents } }

    /// The next `count` loads of twins fail with `.postgres`/`.backoff`.
    public func failLoads(_ count: Int) { change { failingLoads = count } }

    /// So many loads of outboxes succeed, the one after fails with `.postgres`/`.backoff`.
    public func failOutboxLoads(after count: Int) { change { outboxLoadsLeft = count } }
    /// How many did.
    public var failedOutboxLoads: Int { read { outboxFailures } }

    /// Somebody does something once, just before outboxes are read the next time.
    public func beforeOutboxesAreRead(_ body: @escaping @Sendable () -> Void) { change { beforeOutboxLoad = body } }

    func comeBetweenOutboxLoad() {
        let body = change {
            defer { beforeOutboxLoad = nil }
            return beforeOutboxLoad
        }
        body?()
    }

    func checkOutboxLoad() throws(EngineError) {
        let fails = change {
            defer { outboxLoadsLeft = outboxLoadsLeft.flatMap { $0 > 0 ? $0 - 1 : nil } }
            guard outboxLoadsLeft == 0 else { return false }
            outboxFailures += 1
            return true
        }
        if fails { throw EngineError(.postgres, .backoff, "Postgres did not answer") }
    }

    /// Commits stop before they write until `letCommitsGo`.
    public func holdCommits() { change { isHeld = true } }
    public func letCommitsGo() { change { isHeld = false } }
    /// Commits that are being held now.
    public var heldCommits: Int { read { held } }

    /// Another worker takes a task over behind everybody's back: the owner is fenced from now on.
    public func steal(_ task: TaskID) {
        change {
            tasks[task]?.ownerEpoch += 1
            tasks[task]?.owner = "thief"
        }
    }

    /// Epochs with a sample of this text are refused as Postgres refuses data, SQLSTATE 22.
    public func refuse(text: String) { change { _ = poison.insert(text) } }
    /// How many epochs were refused for it.
    public var refusedEpochs: Int { read { refusedEpochCount } }

    /// Somebody asks for dead letters to be tried again or dropped; all of the task's, or those parked of one thing.
    public func request(
        _ action: RedriveBatch.Action, of task: TaskID, thing: ThingID? = nil, rate: Int? = nil
    ) {
        change {
            requests.append(
                Request(
                    id: Int64(requests.count + 1), task: task, action: action, thing: thing, rate: rate,
                    upTo: thing == nil ? nextLetter - 1 : .max))
        }
    }

    /// How often an owner looked for requests.
    public var redriveLooks: Int { read { looks } }

    /// Whether every request is done, and what became of the letters.
    public var requestsDone: Bool { read { requests.allSatisfy(\.isDone) } }
    public var requestCounts: (resolved: Int, failed: Int) {
        read { requests.reduce((0, 0)) { ($0.0 + $1.resolved, $0.1 + $1.failed) } }
    }

    /// Somebody edits the value of a letter.
    public func edit(_ letter: Int64, value: [UInt8]) {
        change {
            for index in letters.indices where letters[index].id == letter { letters[index].letter.value = value }
        }
    }

    /// Another stage creates a thing.
    public func put(_ row: TwinRow) { change { twins[row.snapshot.thing] = row } }

    func checkPresence() throws(EngineError) {
        guard read({ isAway }) else { return }
        change { refusals += 1 }
        throw EngineError(.postgres, .backoff, "Postgres is away")
    }
}
