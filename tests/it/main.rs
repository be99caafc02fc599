//! Tests across floors.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test may fail loudly and show what it measured")]

/// The allocator of the program: most of what the laws do is cloning.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

mod architecture;
mod emulator;
mod exports;
mod formats;
mod graph;
mod guards;
mod laws;
mod pipelines;
mod recovery;
mod repository;
mod review;
mod support;
