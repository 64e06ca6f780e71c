import ArgumentParser
import EgizCore
import EgizHTTP
import EgizPostgres
import Foundation

/// `egiz user`: accounts, without the API.
struct UserCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "user", abstract: "People who may sign in: create, list, disable, another password.",
        discussion: """
            EXAMPLES
              egiz user create maria@example.com --admin
              egiz user list
              egiz user disable maria@example.com
            """,
        subcommands: [Create.self, List.self, Password.self, Disable.self, Enable.self, Unlock.self])

    static func setup(_ common: CommonOptions) async throws -> AccountSetup {
        AccountSetup(try await connect(common), actor: "operator:\(DeadLetterCommand.user)")
    }

    static func connect(_ common: CommonOptions) async throws -> PostgresConnection {
        let settings = try await Program.start(common)
        let url = try settings.requiredDatabaseURL
        _ = try Program.migrate(url)
        return try PostgresConnection(url: url, applicationName: "egiz-user")
    }

    /// Where a new password comes from; an argument would be seen by everybody on the machine.
    struct PasswordSource: ParsableArguments {
        @Option(help: "Take the password from this file.") var passwordFile: String?
        @ArgumentParser.Flag(help: "Take the password from standard input.") var passwordStdin = false

        func validate() throws {
            if passwordFile != nil, passwordStdin {
                throw ValidationError("--password-file and --password-stdin are two places; name one")
            }
        }

        /// Nil: a random one is to be made.
        func read() throws -> String? {
            if passwordStdin { return readLine(strippingNewline: true) ?? "" }
            guard let passwordFile else { return nil }
            guard let text = try? String(contentsOfFile: passwordFile, encoding: .utf8) else {
                throw EngineError(.config, .never, "the file \(passwordFile) cannot be read")
            }
            return text.trimmingCharacters(in: .newlines)
        }
    }

    private static func show(_ made: AccountSetup.Made, _ word: String) {
        Console.print("\(word) \(made.email) (\(made.id.text))")
        if let password = made.password { Console.print("password: \(password)\nIt is shown only now.") }
    }

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Makes an account; prints a random password where none is given.",
            discussion: "EXAMPLE\n  egiz user create maria@example.com --admin --password-file secret.txt")
        @OptionGroup var common: CommonOptions
        @Argument(help: "The e-mail address.") var email: String
        @Option(help: "What people call them.") var name = ""
        @ArgumentParser.Flag(help: "May do everything, in all projects.") var admin = false
        @OptionGroup var source: PasswordSource

        func run() async throws {
            let password = try source.read()
            let made = try await UserCommand.setup(common).create(
                email: email, name: name, password: password, isAdmin: admin)
            UserCommand.show(made, "created")
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists accounts.", discussion: "EXAMPLE\n  egiz user list")
        @OptionGroup var common: CommonOptions
        @Option(help: "Most accounts to show.") var limit = 1000

        func run() async throws {
            guard (1...100_000).contains(limit) else { throw ValidationError("--limit goes from 1 to 100000") }
            let connection = try await UserCommand.connect(common)
            let page = try AccountQueries(connection).page(search: nil, after: nil, limit: limit)
            guard !page.accounts.isEmpty else { return Console.print("no accounts; `egiz user create` makes one") }
            var rows = [["ID", "EMAIL", "NAME", "ADMIN", "STATE", "CREATED"]]
            for account in page.accounts {
                rows.append([
                    account.id.text, DeadLetterText.clean(account.email ?? "-"), DeadLetterText.clean(account.name),
                    account.isAdmin ? "admin" : "-", account.disabledAt == nil ? "active" : "disabled",
                    DeadLetterText.time(account.createdAt),
                ])
            }
            Console.print(DeploymentText.table(rows) + (page.hasMore ? "\n… --limit shows more" : ""))
        }
    }

    struct Password: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Gives an account another password and ends its sessions.",
            discussion: "EXAMPLE\n  egiz user password maria@example.com")
        @OptionGroup var common: CommonOptions
        @Argument(help: "The e-mail address.") var email: String
        @OptionGroup var source: PasswordSource

        func run() async throws {
            let password = try source.read()
            let made = try await UserCommand.setup(common).setPassword(email: email, password: password)
            UserCommand.show(made, "another password for")
        }
    }

    struct Disable: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Ends all sessions of an account; nobody signs in with it or its API keys.",
            discussion: "Running servers follow within two seconds.\n\nEXAMPLE\n  egiz user disable maria@example.com")
        @OptionGroup var common: CommonOptions
        @Argument(help: "The e-mail address.") var email: String

        func run() async throws {
            try await UserCommand.setup(common).setDisabled(email: email, true)
            Console.print("disabled \(email)")
        }
    }

    struct Enable: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lets a disabled account sign in again.",
            discussion: "EXAMPLE\n  egiz user enable maria@example.com")
        @OptionGroup var common: CommonOptions
        @Argument(help: "The e-mail address.") var email: String

        func run() async throws {
            try await UserCommand.setup(common).setDisabled(email: email, false)
            Console.print("enabled \(email)")
        }
    }

    struct Unlock: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Forgets failed logins, so that an account may sign in at once.",
            discussion: "EXAMPLE\n  egiz user unlock maria@example.com")
        @OptionGroup var common: CommonOptions
        @Argument(help: "The e-mail address.") var email: String

        func run() async throws {
            try await UserCommand.setup(common).unlock(email: email)
            Console.print("unlocked \(email)")
        }
    }
}
