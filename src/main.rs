//! The `entragit` program.

use std::process::ExitCode;

// A million objects are made of many small pieces, and one thread takes apart what another one made: with the system's
// allocator they wait for each other.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    entragit::cli::main()
}
