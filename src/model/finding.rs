//! [`Finding`]: what validation says of a repository.

use serde::Serialize;

/// Most findings of one file: enough for anyone to read, and a file made to produce them does not fill the memory.
pub const MOST_PER_FILE: usize = 300;
/// Name of the check that says that a file has more of them.
pub const MORE: &str = "more-findings";

/// One thing that validation has to say, with the place it says it of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// File in the repository.
    pub path: String,
    /// Line, counted from 1; 0 if the finding is about the file as a whole.
    pub line: usize,
    /// Whether it stops `plan` and `apply`, or only informs.
    pub severity: Severity,
    /// Name of the check, as in `duplicate-key`.
    pub check: &'static str,
    /// What is wrong and what to do, in one or two sentences.
    pub message: String,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing is planned or applied while it stands.
    Error,
    /// Worth a look.
    Warning,
}
