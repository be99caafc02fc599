//! Keeps a pull request at the host of the repository, through the host's own command-line program, which has the sign-in: `gh`
//! for GitHub, `glab` for GitLab, `az` for Azure DevOps. One folder, one outside thing.

mod azure;
mod github;
mod gitlab;
mod program;

use std::path::Path;

use serde_json::Value;

/// Lists the hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Host {
    /// GitHub, through `gh`.
    GitHub,
    /// GitLab, through `glab`.
    GitLab,
    /// Azure DevOps, through `az` with its extension `azure-devops`.
    AzureDevOps,
}

/// Describes an open pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullRequest {
    /// Number of the pull request.
    pub number: u64,
    /// Its text.
    pub body: String,
    /// Its page; empty where the host does not tell.
    pub url: String,
}

/// Names the branches of a pull request.
#[derive(Debug, Clone, Copy)]
pub struct Branches<'a> {
    /// Branch that has the commits.
    pub head: &'a str,
    /// Branch that they are for.
    pub base: &'a str,
}

/// Holds what a pull request says.
#[derive(Debug, Clone, Copy)]
pub struct Words<'a> {
    /// Title, one line.
    pub title: &'a str,
    /// Text, in Markdown.
    pub body: &'a str,
}

/// Lists the ways in which a host fails.
#[derive(Debug, thiserror::Error)]
pub enum ForgeError {
    /// The host's program is not installed.
    #[error("`{0}` is not installed, which has the sign-in for {1}; install it, or use --pull-request=none")]
    NoProgram(&'static str, &'static str),
    /// The host's program ended with an error.
    #[error("{program} {act}: {why}")]
    Refused {
        /// Name of the program.
        program: &'static str,
        /// Its arguments up to the first option.
        act: String,
        /// Its words.
        why: String,
    },
    /// The host's program printed something else than its pages say.
    #[error("{program} {act}: its answer is not understood: {why}")]
    Answer {
        /// Name of the program.
        program: &'static str,
        /// Its arguments up to the first option.
        act: String,
        /// The part that is missing or wrong.
        why: String,
    },
}

impl Host {
    /// Returns the host that the remote's address names, or else the one that runs this pipeline.
    pub fn of(environment: impl Fn(&str) -> Option<String>, remote_url: &str) -> Option<Host> {
        let names = [
            ("github.", Host::GitHub),
            ("gitlab.", Host::GitLab),
            ("dev.azure.com", Host::AzureDevOps),
            ("visualstudio.com", Host::AzureDevOps),
        ];
        let machine = machine(remote_url);
        if let Some((_, host)) = names.into_iter().find(|(name, _)| machine.contains(name)) {
            return Some(host);
        }
        let runs = |name: &str| environment(name).is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let pipelines =
            [("GITHUB_ACTIONS", Host::GitHub), ("GITLAB_CI", Host::GitLab), ("TF_BUILD", Host::AzureDevOps)];
        pipelines.into_iter().find(|(name, _)| runs(name)).map(|(_, host)| host)
    }

    /// Returns the name of the host.
    pub fn as_str(self) -> &'static str {
        match self {
            Host::GitHub => "GitHub",
            Host::GitLab => "GitLab",
            Host::AzureDevOps => "Azure DevOps",
        }
    }

    /// Returns the maximum number of characters of a pull request's text.
    ///
    /// GitHub takes 65,536, GitLab 1,048,576 (of which a page shows fewer well), Azure DevOps 4,000
    /// (<https://learn.microsoft.com/rest/api/azure/devops/git/pull-requests/create>).
    pub fn limit(self) -> usize {
        match self {
            Host::GitHub => 60_000,
            Host::GitLab => 200_000,
            Host::AzureDevOps => 3_900,
        }
    }

    /// Returns the open pull request between these branches of this repository. Those of forks are passed over: anybody can give
    /// a branch of a fork the same name, and tick boxes there.
    ///
    /// # Errors
    /// If the host's program is missing, ends with an error, or answers something else than its pages say.
    pub fn find(self, folder: &Path, branches: Branches<'_>) -> Result<Option<PullRequest>, ForgeError> {
        match self {
            Host::GitHub => github::find(folder, branches),
            Host::GitLab => gitlab::find(folder, branches),
            Host::AzureDevOps => azure::find(folder, branches),
        }
    }

    /// Opens a pull request, and returns its page, or its number where the host tells no page.
    ///
    /// # Errors
    /// As for [`Host::find`].
    pub fn open(self, folder: &Path, branches: Branches<'_>, words: Words<'_>) -> Result<String, ForgeError> {
        match self {
            Host::GitHub => github::open(folder, branches, words),
            Host::GitLab => gitlab::open(folder, branches, words),
            Host::AzureDevOps => azure::open(folder, branches, words),
        }
    }

    /// Replaces what a pull request says.
    ///
    /// # Errors
    /// As for [`Host::find`].
    pub fn update(self, folder: &Path, number: u64, words: Words<'_>) -> Result<(), ForgeError> {
        match self {
            Host::GitHub => github::update(folder, number, words),
            Host::GitLab => gitlab::update(folder, number, words),
            Host::AzureDevOps => azure::update(folder, number, words),
        }
    }

    /// Closes a pull request without merging it.
    ///
    /// # Errors
    /// As for [`Host::find`].
    pub fn close(self, folder: &Path, number: u64) -> Result<(), ForgeError> {
        match self {
            Host::GitHub => github::close(folder, number),
            Host::GitLab => gitlab::close(folder, number),
            Host::AzureDevOps => azure::close(folder, number),
        }
    }
}

/// Returns the machine of a remote's address: `https://user@HOST/path`, `git@HOST:path`.
fn machine(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.split('/').next().unwrap_or_default();
    let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
    rest.split(':').next().unwrap_or_default()
}

/// Returns the text of a property; empty if it is missing or null.
fn text(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::Host;

    #[test]
    fn host_is_that_of_the_pipeline_or_of_the_remote() {
        let nowhere = |_: &str| None;
        let gitlab = |name: &str| (name == "GITLAB_CI").then(|| "true".to_owned());
        let azure = |name: &str| (name == "TF_BUILD").then(|| "True".to_owned());
        assert_eq!(Host::of(azure, "https://github.com/contoso/tenant"), Some(Host::GitHub));
        assert_eq!(Host::of(gitlab, "https://git.contoso.com/github.com/tenant"), Some(Host::GitLab));
        assert_eq!(Host::of(azure, ""), Some(Host::AzureDevOps));
        assert_eq!(Host::of(nowhere, "git@github.com:contoso/tenant.git"), Some(Host::GitHub));
        assert_eq!(Host::of(nowhere, "https://gitlab.contoso.com/iam/tenant.git"), Some(Host::GitLab));
        assert_eq!(Host::of(nowhere, "https://contoso@dev.azure.com/contoso/iam/_git/tenant"), Some(Host::AzureDevOps));
        assert_eq!(Host::of(nowhere, "/srv/tenant.git"), None);
    }
}
