//! Tests across floors.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test may fail loudly and show what it measured")]

mod applying;
mod architecture;
mod cli;
mod emulator;
mod examples;
mod faults;
mod graph;
mod laws;
mod mutations;
mod reports;
mod roles;
mod safety;
mod schemas;
mod sdk;
mod yaml_parsers;
