//! The command line: arguments, settings, output and exit codes. The only floor that prints.
//!
//! `commands.rs` lists the commands; the arguments of each stand beside the code that runs it.

mod commands;
mod completions;
mod connect;
mod credentials;
mod decide;
#[cfg(feature = "emulator")]
mod demo;
mod diff;
mod doctor;
mod drift;
#[cfg(feature = "emulator")]
mod drill;
#[cfg(feature = "emulator")]
mod emulate;
mod exit;
mod export;
mod history;
mod init;
mod kinds;
mod output;
mod pull_request;
mod recover;
mod run;
mod selection;
mod status;
mod stop;
mod times;
mod validate;
mod watch;

use std::process::ExitCode;

/// Runs the program with the process's arguments.
pub fn main() -> ExitCode {
    run::main()
}
