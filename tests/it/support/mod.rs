//! What tests of more than one subject share.

pub(crate) mod command_line;
pub(crate) mod files;
pub(crate) mod in_process;
