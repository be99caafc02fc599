//! Arguments about the pull request in which people decide on changes of the tenant.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Where decisions are ticked.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Pull request")]
pub struct PullRequest {
    /// The pull request of the branch `entragit/drift`, in which people tick what they accept and what is taken back. The host is
    /// that of the pipeline or of the remote, unless it is named; its own program does it (`gh`, `glab`, `az`), with its sign-in.
    #[arg(long, value_enum, value_name = "HOST", num_args = 0..=1, require_equals = true, default_missing_value = "auto")]
    pub pull_request: Option<ForgeName>,
    /// A file with the text of the pull request, instead of asking the host.
    #[arg(long, value_name = "FILE")]
    pub decisions: Option<PathBuf>,
}

/// The host of the repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ForgeName {
    /// That of the pipeline, or of the remote.
    Auto,
    /// GitHub.
    Github,
    /// GitLab.
    Gitlab,
    /// Azure DevOps.
    AzureDevops,
    /// None: the branch is made here, and the text is printed.
    None,
}
