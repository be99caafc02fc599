//! What people are told of changes, and what they decide about them.

mod drift;
mod history;
mod holding;
mod mutations;
mod proposing;
mod reports;
