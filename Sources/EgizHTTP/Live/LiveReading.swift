import EgizCore

/// How far the snapshot of a subscription is.
///
/// Its pages go by thing id, and what the log tells of twins, alerts and properties is in the database already. So of things whose rows
/// are told, changes are told at once; of things whose page is not begun nothing needs to be kept, since that page will have it; only
/// what comes while a page is being read is held.
struct LiveReading {
    /// More of what was told before its row cannot be remembered.
    static let mostTold = 50_000

    /// What comes of an item.
    enum Way { case told, held, later }

    /// The last thing whose rows are told; nil: none yet.
    private(set) var done: ByteText?
    /// The page behind it is being read, or waits until the client takes it.
    private(set) var isReading = false
    /// What came of twins behind `done` since the page was begun.
    var held = LiveHeld()
    /// More came than is held: the page has to be read again.
    private(set) var isSpoiled = false
    /// Of what says everything by itself and was told before its row: a row that is older is left out.
    private var told: [LiveSession.FloorKey: LiveSession.Floor] = [:]

    /// It is too much to be remembered.
    var isTooMuch: Bool { told.count > Self.mostTold }

    mutating func beginPage() {
        isReading = true
        isSpoiled = false
        held.removeAll()
        // The page is read after them; models are written to the log before they are in the database.
        if !told.isEmpty { told = told.filter { $0.key.kind == .prediction } }
    }

    mutating func spoil() {
        isSpoiled = true
        held.removeAll()
    }

    mutating func way(of item: LiveItem) -> Way {
        guard let thing = item.thing else { return .told }
        switch item.kind {
        case .notification, .topology: return .told
        case .twin:
            if let done, thing <= done { return .told }
            return isReading ? .held : .later
        case .binding, .alert, .prediction:
            if let done, thing <= done { return .told }
            if isReading || item.kind == .prediction {
                let revision = item.kind == .prediction ? item.asked?.revision : item.revision
                told[LiveSession.FloorKey(thing: thing, kind: item.kind, key: item.key ?? "")] =
                    LiveSession.Floor(position: item.cause, revision: revision ?? 0)
            }
            return .told
        }
    }

    /// Whether what was told already is newer than a row.
    func isBehind(_ row: LiveRow) -> Bool {
        guard !told.isEmpty, let last = told[row.key] else { return false }
        // Of an answer a lower revision proves nothing: its place in the log says more, as long as that is the same log.
        if last.revision > row.floor.revision { return true }
        if row.key.kind != .prediction, last.revision != row.floor.revision { return false }
        guard let a = last.position, let b = row.floor.position, a.topic == b.topic, a.partition == b.partition else {
            return row.key.kind == .prediction
        }
        return a.offset > b.offset
    }

    /// The rows of the things up to and with that one are told.
    mutating func advance(to thing: ByteText, isPageEnd: Bool) {
        done = thing
        if !told.isEmpty { told = told.filter { thing < $0.key.thing } }
        if isPageEnd {
            isReading = false
            held.removeAll()
        } else {
            held.filter { item in item.thing.map { thing < $0 } ?? true }
        }
    }
}
