//! Tests across floors.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test may fail loudly and show what it measured")]

/// The allocator of the program: most of what the laws do is cloning.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

mod absence;
mod adopting;
mod applying;
mod approving;
mod architecture;
mod authoring;
mod authority;
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
mod foreign;
mod graph;
mod group_settings;
mod hidden;
mod holding;
mod hostile;
mod laws;
mod left_out;
mod lockout;
mod long;
mod metadata;
mod mutations;
mod ordinary;
mod pipelines;
mod preconditions;
mod proposing;
mod protected;
mod recoveries;
mod reports;
mod roles;
mod safety;
mod schedules;
mod schemas;
mod scope;
mod sdk;
mod secrets;
mod shrink;
mod signing_in;
mod support;
mod syncing;
mod translating;
mod undo;
mod verdict;
mod weakens;
mod yaml_parsers;
