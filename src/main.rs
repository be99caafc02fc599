//! The `entragit` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    entragit::cli::main()
}
