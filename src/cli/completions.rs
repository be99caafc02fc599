//! Runs `completions`.

use clap::{Args, Command};

use super::exit;
use super::output::Output;

/// Arguments of `completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell.
    shell: clap_complete::Shell,
}

/// Prints completions of the program for a shell.
pub fn run(arguments: &CompletionsArgs, mut program: Command, output: &Output) -> u8 {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut program, "entragit", &mut script);
    output.data(&String::from_utf8_lossy(&script));
    exit::DONE
}
