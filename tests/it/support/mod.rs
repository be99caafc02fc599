//! What tests of more than one subject share.

pub(crate) mod case;
pub(crate) mod clones;
pub(crate) mod command_line;
pub(crate) mod edits;
pub(crate) mod files;
pub(crate) mod generated;
pub(crate) mod graph;
pub(crate) mod in_process;
pub(crate) mod lacking;
pub(crate) mod long;
pub(crate) mod metadata;
pub(crate) mod printed;
pub(crate) mod remote;
pub(crate) mod scene;
pub(crate) mod serving;
