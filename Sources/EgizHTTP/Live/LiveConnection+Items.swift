/// What goes to the client: items of the log, as fast as it takes them. On the loop.
extension LiveConnection {
    // MARK: Items

    /// True where it was not touched in this batch before.
    func offer(_ item: LiveItem) -> Bool {
        session?.offer(item)
        // A batch may be large, and who reads quickly need not have the last values of it only. No token: the batch is not complete.
        if sink.isWritable, session?.heldBytes ?? 0 > LiveSession.frameBytes { send(hasToken: false) }
        defer { isTouched = true }
        return !isTouched
    }

    /// The batch is complete.
    func flush() {
        isTouched = false
        guard !isClosed else { return }
        send()
    }

    func send() { send(hasToken: true) }

    private func send(hasToken: Bool) {
        // Never a copy of the session beside itself: its arrays would be copied with every frame.
        let hasOverflowed = session?.hasOverflowed ?? false
        guard hasOverflowed || session?.hasPending == true else { return }
        guard sink.isWritable else {
            session?.hold()
            return
        }
        if hasOverflowed {
            return overflow()
        }
        let resume = hasToken ? present : nil
        let frames = session?.takeFrames(resume: resume) ?? []
        var items = 0
        for frame in frames {
            items += frame.count
            sink.send(frame)
        }
        service.metrics.frames.increment(by: Int64(frames.count))
        service.metrics.sent.increment(by: Int64(items))
        let now = session?.coalesced ?? 0
        if now > coalesced { service.metrics.coalesced.increment(by: Int64(now - coalesced)) }
        coalesced = now
    }

    /// The client takes more.
    func becameWritable() {
        guard !isClosed else { return }
        while sink.isWritable, !waiting.isEmpty { waiting.removeFirst()() }
        if sink.isWritable { send() }
        handleEarly()
    }

    func whenWritable(_ body: @escaping () -> Void) {
        if isClosed || (sink.isWritable && waiting.isEmpty) { return body() }
        waiting.append(body)
    }
}
