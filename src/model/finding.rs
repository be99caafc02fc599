//! [`Finding`]: a problem that validation found in a repository.

use serde::Serialize;

/// Maximum number of findings of one file: enough for anyone to read, and a file made to produce them does not fill the
/// memory.
pub const MOST_PER_FILE: usize = 300;
/// Name of the check that says that a file has more findings than that.
pub const MORE: &str = "more-findings";

/// Represents one finding of validation, with its place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// Path of the file in the repository.
    pub path: String,
    /// Line, counted from 1; 0 if the finding concerns the file as a whole.
    pub line: usize,
    /// Column in characters, counted from 1; 0 if the finding concerns the line or the file as a whole.
    pub column: usize,
    /// Severity of the finding.
    pub severity: Severity,
    /// Name of the check, as in `duplicate-key`.
    pub check: &'static str,
    /// Description of the problem and advice, in one or two sentences.
    pub message: String,
}

impl Finding {
    /// Returns the place as people and editors write it: `groups/a.yaml:7:3`, without what is not known.
    pub fn place(&self) -> String {
        match (self.line, self.column) {
            (0, _) => self.path.clone(),
            (line, 0) => format!("{}:{line}", self.path),
            (line, column) => format!("{}:{line}:{column}", self.path),
        }
    }
}

/// Represents a place in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Line, counted from 1.
    pub line: usize,
    /// Column in characters, counted from 1; 0 for the line as a whole.
    pub column: usize,
}

/// Lists the severities of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The finding stops `plan` and `apply`.
    Error,
    /// The finding only informs.
    Warning,
}

impl Severity {
    /// Returns the severity's name: `error` or `warning`.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
        }
    }
}
