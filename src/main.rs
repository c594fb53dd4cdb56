//! The command line.

// `println!` panics when the reader has left: cli::out ends the command.
#![warn(clippy::print_stdout)]

use std::{ffi::OsString, path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};
use gyre::{
    app::{App, check, open_files},
    config, obs,
};

mod cli;

/// Wrong configuration or command line; `EX_CONFIG` of sysexits.
const EXIT_CONFIG: u8 = 78;

/// Makes a fleet of plain time-series nodes behave like one dependable cluster.
#[derive(Debug, Parser)]
#[command(name = "gyre", version, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: Serve,
}

#[derive(Debug, clap::Args)]
struct Serve {
    /// The configuration: Gyre's own, or a file of influx-proxy.
    #[arg(long, default_value = "config/gyre.toml")]
    config: PathBuf,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run until SIGTERM or Ctrl-C.
    Serve(Serve),
    /// Check a configuration and say what is wrong with it.
    CheckConfig {
        /// The file.
        file: PathBuf,
    },
    /// Print the version.
    Version,
    /// List, replay or drop the points that no backend would take.
    DeadLetters(cli::dead_letters::Arguments),
    /// Read, write and watch the versioned metadata of clusters.
    Meta(cli::meta::Arguments),
    /// List, pause, resume or deactivate the nodes that registered.
    Nodes(cli::nodes::Arguments),
    /// Create, list, watch, start, stop, enable, remove or export tasks that collect metrics.
    Task(cli::task::Arguments),
    /// Load, unload, swap, list or configure the plugins that tasks use.
    Plugin(cli::plugin::Arguments),
    /// Show the metrics that loaded plugins can collect.
    Metric(cli::metric::Arguments),
    /// Write a database as line protocol.
    Export(cli::export::Arguments),
    /// Read line protocol, such as an export, into a running Gyre.
    Import(cli::import::Arguments),
    /// Copy everything that a running Gyre holds itself into one file.
    Backup(cli::backup::Arguments),
    /// Make a data directory out of a backup, while nothing runs on it.
    Restore(cli::restore::Arguments),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // The first to install wins; there is no other.
    let _installed = rustls::crypto::ring::default_provider().install_default();
    match arguments.command.unwrap_or(Command::Serve(arguments.serve)) {
        Command::Serve(serve) => serve_until_told(&serve.config),
        Command::CheckConfig { file } => check_config(&file),
        Command::Version => say(format_args!("gyre {}", env!("CARGO_PKG_VERSION"))),
        Command::DeadLetters(arguments) => cli::dead_letters::run(&arguments),
        Command::Meta(arguments) => cli::meta::run(&arguments),
        Command::Nodes(arguments) => cli::nodes::run(&arguments),
        Command::Task(arguments) => cli::task::run(&arguments),
        Command::Plugin(arguments) => cli::plugin::run(&arguments),
        Command::Metric(arguments) => cli::metric::run(&arguments),
        Command::Export(arguments) => cli::export::run(&arguments),
        Command::Import(arguments) => cli::import::run(&arguments),
        Command::Backup(arguments) => cli::backup::run(&arguments),
        Command::Restore(arguments) => cli::restore::run(&arguments, environment()),
    }
}

/// Prints a line, which is all that was wanted.
fn say(text: std::fmt::Arguments<'_>) -> ExitCode {
    cli::out::end(cli::out::line(text).map_err(Into::into), "")
}

fn check_config(file: &std::path::Path) -> ExitCode {
    match load(file) {
        Ok(config) => {
            let backends: usize = config.circles.iter().map(|circle| circle.backends.len()).sum();
            say(format_args!(
                "{}: fine: {} circles, {backends} backends",
                file.display(),
                config.circles.len()
            ))
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(EXIT_CONFIG)
        }
    }
}

/// A configuration that is fine, or what is wrong with it.
fn load(file: &std::path::Path) -> Result<config::Config, String> {
    let config = config::load(file, environment()).map_err(|error| error.to_string())?;
    check(&config).map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(config)
}

/// The environment as text; what is not UTF-8 is no setting of ours.
fn environment() -> impl Iterator<Item = (String, String)> {
    let text = |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
    std::env::vars_os().filter_map(text)
}

fn serve_until_told(file: &std::path::Path) -> ExitCode {
    let config = match load(file) {
        Ok(config) => config,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(EXIT_CONFIG);
        }
    };
    let format = match config.log.format {
        config::LogFormat::Text => obs::LogFormat::Text,
        config::LogFormat::Json => obs::LogFormat::Json,
    };
    if let Err(error) = obs::install_logging(config.log.level.as_str(), format) {
        eprintln!("logging cannot be set up: {error}");
        return ExitCode::FAILURE;
    }
    obs::install_panic_hook();
    open_files::raise(config.http.max_connections);
    actix_rt::System::new().block_on(run(config))
}

async fn run(config: config::Config) -> ExitCode {
    let grace = config.http.shutdown_timeout + config.delivery.timeout;
    let app = match App::start(config).await {
        Ok(app) => app,
        Err(error) => {
            tracing::error!(%error, "cannot start");
            eprintln!("cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    for address in app.addresses() {
        tracing::info!(%address, version = env!("CARGO_PKG_VERSION"), "listening");
    }
    cli::signals::told_to_stop().await;
    tracing::info!("stopping");
    tokio::select! {
        () = app.stop() => ExitCode::SUCCESS,
        () = tokio::time::sleep(grace) => {
            tracing::error!("not stopped within {grace:?}: leaving; the journal has everything that was acknowledged");
            ExitCode::FAILURE
        }
    }
}
