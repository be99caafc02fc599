//! Tests across floors.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test may fail loudly and show what it measured")]

mod absence;
mod adopting;
mod applying;
mod approving;
mod architecture;
mod authoring;
mod changes;
mod cli;
mod clones;
mod documents;
mod drill;
mod each_kind;
mod emulator;
mod escalation;
mod examples;
mod faults;
mod graph;
mod hidden;
mod laws;
mod lockout;
mod metadata;
mod mutations;
mod ordinary;
mod reports;
mod roles;
mod safety;
mod schemas;
mod scope;
mod sdk;
mod shrink;
mod translating;
mod undo;
mod verdict;
mod yaml_parsers;
