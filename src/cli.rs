//! The command line: what was asked for, and doing it. Knows no database and no HTTP.

mod scopes;
mod keys;
mod import;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use rand::rngs::OsRng;

use crate::app::{self, Migration, Removed};
use crate::clock::Clock;
use crate::config::{self, Config, Environment, Settings};
use crate::exchange::Imported;
use crate::storage::{Revocation, Revoked};
use crate::telemetry::{self, LogFormat, Logs};
use crate::terminal;

use scopes::ScopesCommand;

/// A GraphQL API server with scope-based authorization, made from GraphQL type definitions.
///
/// Configured by environment variables and the file `.env`: see `.env.example`. Without any, it starts for
/// development: on 127.0.0.1:4000, with a database in the folder `data`, and keys of its own.
#[derive(Debug, Parser)]
#[command(name = "clef", version, after_help = "Without a command, clef serves.")]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start the server; SIGTERM or Ctrl-C stops it once running requests are answered.
    Serve,
    /// Print or check the type definitions. Of the variables, only `SCHEMA_DIR` and `PUBLIC_OPERATIONS` are read.
    #[command(subcommand)]
    Schema(SchemaCommand),
    /// Explain scopes and check keys. Of the variables, `SCHEMA_DIR`, `JWT_AUTH_KEYS` and `PUBLIC_OPERATIONS` are read.
    #[command(subcommand)]
    Scopes(ScopesCommand),
    /// Make API keys, or the hashes to keep in their place.
    #[command(subcommand)]
    Key(keys::KeyCommand),
    /// Look at tokens.
    #[command(subcommand)]
    Token(keys::TokenCommand),
    /// Bring the database in line with the type definitions.
    ///
    /// New properties are added. Where properties were removed, nothing is done until you say what to do with
    /// their values.
    Migrate(MigrateArguments),
    /// Write all nodes and relations as lines of JSON; a server may run meanwhile.
    Export {
        /// Where to; without it, standard output.
        file: Option<PathBuf>,
    },
    /// Add what `clef export` wrote, or what another server shows; a server may run meanwhile. Run again after an interruption, it goes on
    /// where it stopped.
    Import(import::ImportArguments),
}

#[derive(Debug, Subcommand)]
enum SchemaCommand {
    /// Print the schema that clients see, as type definitions.
    Print,
    /// List everything that is wrong with the type definitions; exit code 1 if anything is.
    Check,
}

#[derive(Debug, Args)]
struct MigrateArguments {
    /// Tell what would be done, and do nothing.
    #[arg(long)]
    dry_run: bool,
    /// Keep the values of removed properties; the API does not show them.
    #[arg(long, conflicts_with = "drop_removed")]
    keep_removed: bool,
    /// Delete the values of removed properties. This cannot be undone.
    #[arg(long)]
    drop_removed: bool,
}

/// Why a command fails.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Before it began.
    #[error(transparent)]
    Config(#[from] config::Error),
    /// While it ran.
    #[error(transparent)]
    App(#[from] app::Error),
    /// No threads, say.
    #[error("the program cannot start")]
    Runtime(#[from] std::io::Error),
    /// A folder where a file is needed.
    #[error("name one file, or `-` for standard input: `clef scopes minimal` takes folders")]
    OneDocument,
    /// Nobody could gain or lose anything.
    #[error("JWT_AUTH_KEYS is not set: set it to the keys whose rights are compared")]
    NoKeys,
    /// What is sent along with queries.
    #[error("a header is written as 'Name: value'")]
    Header,
    /// A file of headers.
    #[error("`{}` cannot be read", path.display())]
    HeaderFile {
        /// As given.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Of keys and tokens.
    #[error(transparent)]
    Keys(#[from] keys::Error),
    /// Type definitions.
    #[error("the schema has {problems} problems")]
    Schema {
        /// As printed.
        problems: usize,
    },
}

/// Does what the arguments of the process ask for.
pub fn run() -> ExitCode {
    match Cli::parse().command.unwrap_or(Command::Serve).run() {
        Ok(code) => code,
        Err(error) => {
            terminal::print_error(&error);
            ExitCode::FAILURE
        }
    }
}

impl Command {
    fn run(self) -> Result<ExitCode, Error> {
        // Needs no settings, not even right ones.
        if let Self::Key(command) = &self
            && command.run()?
        {
            return Ok(ExitCode::SUCCESS);
        }
        let settings = Settings::read()?;
        match self {
            Self::Key(command) => {
                let (config, _logs) = started(settings)?;
                let revocation = command.revocation(&config, Clock::System.seconds())?;
                revoke(config, revocation)?;
            }
            Self::Token(command) => {
                let config = Config::from_settings(settings, &mut OsRng)?;
                let revocation = command.run(&config)?;
                revoke(config, revocation)?;
            }
            Self::Serve => {
                let (config, _logs) = started(settings)?;
                runtime()?.block_on(app::serve(config, Clock::System))?;
            }
            Self::Schema(SchemaCommand::Print) => {
                terminal::print(&app::schema_text(&settings.schema()?, settings.public_operations()?)?);
            }
            Self::Schema(SchemaCommand::Check) => {
                if let Some(problems) = app::check_schema(&settings.schema()?)? {
                    terminal::print(&problems.text);
                    return Err(Error::Schema { problems: problems.count });
                }
                terminal::print("the schema is good");
            }
            Self::Scopes(command) => return command.run(&settings),
            Self::Export { file } => {
                let (config, _logs) = started(settings)?;
                let mut shown = terminal::Progress::new();
                let progress = runtime()?.block_on(app::exchange::export(config, file, |at| shown.show(at)))?;
                shown.end(&format!("exported: {} nodes, {} relations", progress.nodes, progress.relations));
            }
            Self::Import(arguments) => {
                let (config, _logs) = started(settings)?;
                let mut shown = terminal::Progress::new();
                let imported = runtime()?.block_on(arguments.run(config, &mut shown))?;
                shown.end(&imported_text(&imported));
            }
            Self::Migrate(arguments) => {
                let (config, _logs) = started(settings)?;
                let (migration, removed) = (arguments.migration(), arguments.removed());
                let steps = runtime()?.block_on(app::migrate(config, migration, removed))?;
                terminal::print(&steps.join("\n"));
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Writes it, if there is something to write.
fn revoke(config: Config, revocation: Option<Revocation>) -> Result<(), Error> {
    let Some(revocation) = revocation else { return Ok(()) };
    runtime()?.block_on(app::revocation::revoke(config, &Clock::System, &revocation))?;
    let id = &revocation.id;
    terminal::print(&match revocation.kind {
        Revoked::Token => format!("the token {id} is refused by all servers within a second"),
        Revoked::Key => format!("the key {id} and its tokens are refused by all servers within a second"),
        Revoked::Minted => format!("tokens minted for {id} until now are refused by all servers within a second"),
        Revoked::Restored => format!("the key {id} is accepted again by all servers within a second"),
    });
    Ok(())
}

fn imported_text(imported: &Imported) -> String {
    let Imported { skipped_lines, written, left_out, is_other_schema } = imported;
    let mut text = format!("imported: {} nodes, {} relations", written.nodes, written.relations);
    if *skipped_lines > 0 {
        text = format!("{text}; {skipped_lines} lines were in the database already");
    }
    if *left_out > 0 {
        text = format!("{text}; {left_out} lines or values were left out");
    }
    if *is_other_schema {
        text.insert_str(0, "the file is of another schema, and each of its lines fits this one\n");
    }
    text
}

impl MigrateArguments {
    fn migration(&self) -> Migration {
        if self.dry_run { Migration::DryRun } else { Migration::Apply }
    }

    fn removed(&self) -> Removed {
        match (self.keep_removed, self.drop_removed) {
            (true, _) => Removed::Keep,
            (_, true) => Removed::Drop,
            _ => Removed::Refuse,
        }
    }
}

/// The configuration, with logging started as it says.
fn started(settings: Settings) -> Result<(Config, Logs), Error> {
    let config = Config::from_settings(settings, &mut OsRng)?;
    let format = match config.environment {
        Environment::Development => LogFormat::Text,
        Environment::Production => LogFormat::for_this_terminal(),
    };
    let logs = telemetry::start(format, &config.log_filter)?;
    Ok((config, logs))
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::Cli;

    #[test]
    fn the_arguments_are_consistent() {
        Cli::command().debug_assert();
    }
}
