//! Defines the format of the tenant repository: addresses ↔ paths, objects ↔ canonical bytes, the manifest, the settings.
//!
//! The format is a promise that must hold for years; `schemas/README.md` describes it.

#![warn(clippy::disallowed_types, clippy::disallowed_methods)]

mod canonical;
pub mod emit;
pub mod escape;
pub mod manifest;
pub mod path;
mod plain;
mod scan;
pub mod settings;
pub mod span;
pub mod tenant_map;
pub mod yaml;
