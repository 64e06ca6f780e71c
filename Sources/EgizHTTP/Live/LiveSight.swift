import EgizCore
import EgizPostgres

extension Principal {
    /// A digest of what somebody may see: another one where a project came or went.
    var sight: UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        func mix(_ text: some Sequence<UInt8>) {
            for byte in text { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        }
        if isAdmin { mix([1]) } else { for project in roles.keys.sorted() { mix(project.text.utf8) } }
        return hash
    }
}

extension LiveMove {
    /// Whether it may be the thing of that id.
    func isOf(_ thing: ByteText) -> Bool {
        guard isNamespace else { return ByteText(subject) == thing }
        let rest = thing.text.utf8.dropFirst(subject.utf8.count)
        return rest.first == UInt8(ascii: ":") && thing.text.utf8.starts(with: subject.utf8)
    }

    /// Whether somebody's subscription shows its things either before or after it, and not both times.
    func concerns(_ subscription: LiveSubscription, of principal: Principal) -> Bool {
        func isSeen(_ project: ProjectID?) -> Bool {
            guard principal.role(in: project) != nil else { return false }
            guard let wanted = subscription.projects else { return true }
            return project.map { wanted.contains($0) } ?? false
        }
        guard isSeen(before) != isSeen(after) else { return false }
        // Or a project whose things are registered one after the other keeps all that is asked of it from becoming live. Who names the
        // thing may have to be told that it is there no more.
        guard matters || subscription.things != nil else { return false }
        return subscription.things.map { $0.contains(where: isOf) } ?? true
    }
}
