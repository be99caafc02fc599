//! Entragit keeps a Microsoft Entra tenant in git.

pub mod model;

pub mod kinds;

pub mod engine;
pub mod format;

pub mod repo;
pub mod tenant;

pub mod emulator;
pub mod graph;

pub mod ops;

pub mod cli;
