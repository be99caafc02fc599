//! Makes decisions: pure, synchronous and total. No clock, no file, no network, no printing.

#![warn(clippy::disallowed_types, clippy::disallowed_methods)]

pub mod access;
pub mod adopt;
pub mod blame;
mod body;
pub mod canonical;
pub mod compare;
pub mod diff;
pub mod digest;
pub mod doctor;
pub mod drift;
pub mod drill;
pub mod guard;
pub mod losses;
pub mod manner;
pub mod merge;
pub mod normalize;
pub mod order;
pub mod plan;
pub mod planfile;
pub mod refs;
pub mod render;
pub mod review;
pub mod risk;
pub mod risk_rule;
pub mod saved;
pub mod schema;
pub mod scope;
pub mod secrets;
pub mod status;
pub mod translate;
pub mod validate;
pub mod vouch;
