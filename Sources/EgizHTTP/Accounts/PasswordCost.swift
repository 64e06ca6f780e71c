/// What scrypt spends on a password (RFC 7914). It is stored with each hash; a login with another one stores the hash anew.
public struct PasswordCost: Sendable, Equatable {
    /// The base-2 logarithm of N: 128 * r * 2^logN bytes of memory.
    public var logN: Int
    public var blockSize: Int
    public var parallelism: Int

    /// Nil where a hash would take no effort to speak of, or more than 256 MiB: a stored text must not exhaust the machine.
    public init?(logN: Int, blockSize: Int, parallelism: Int) {
        guard (4...18).contains(logN), (1...16).contains(blockSize), (1...16).contains(parallelism),
            128 * blockSize << logN <= 256 << 20
        else { return nil }
        self.init(checkedLogN: logN, blockSize: blockSize, parallelism: parallelism)
    }

    private init(checkedLogN logN: Int, blockSize: Int, parallelism: Int) {
        self.logN = logN
        self.blockSize = blockSize
        self.parallelism = parallelism
    }

    /// What a hash takes, in blocks of 128 bytes that are mixed.
    var work: Int { blockSize * parallelism << logN }

    /// 32 MiB, three times over: what OWASP's cheat sheet of password storage takes for equal to 128 MiB once.
    public static let standard = PasswordCost(checkedLogN: 15, blockSize: 8, parallelism: 3)
    /// For passwords that a machine made at random, which need no stretching; and for tests.
    static let light = PasswordCost(checkedLogN: 10, blockSize: 8, parallelism: 1)
}
