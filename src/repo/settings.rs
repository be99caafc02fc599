//! Reads git's settings where libgit2 does not follow git: variables of the environment, and folders that belong to somebody
//! else.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use git2::{Config, ConfigLevel};

use super::RepoError;

const DOING: &str = "follow the settings in the environment";

/// Puts the settings of git's variables over those of the files: `GIT_CONFIG_GLOBAL` names the user's file, `GIT_CONFIG_COUNT`,
/// `…_KEY_<n>` and `…_VALUE_<n>` are settings themselves (<https://git-scm.com/docs/git-config#ENVIRONMENT>).
///
/// libgit2 flushes objects and references only if `core.fsyncObjectFiles` is true. It is set for this process alone: written to
/// the repository it would make each git command warn of a deprecated setting.
pub(super) fn follow_environment(config: &mut Config) -> Result<(), RepoError> {
    let failed = |error: git2::Error| RepoError::git(DOING, &error);
    let empty = empty_file()?;
    if let Some(file) = std::env::var_os("GIT_CONFIG_GLOBAL") {
        let file = PathBuf::from(file);
        config
            .add_file(if file.is_file() { &file } else { empty.path() }, ConfigLevel::Global, true)
            .map_err(failed)?;
        config.add_file(empty.path(), ConfigLevel::XDG, true).map_err(failed)?;
    }
    let mut ours = empty_file()?;
    ours.write_all(b"[core]\n\tfsyncObjectFiles = true\n").map_err(RepoError::io("write", ours.path()))?;
    let mut written = Config::open(ours.path()).map_err(failed)?;
    for (name, value) in in_environment()? {
        // The value is added to others of the same name, as git does.
        written.set_multivar(&name, "^$", &value).map_err(|error| RepoError::git(format!("set {name}"), &error))?;
    }
    config.add_file(ours.path(), ConfigLevel::App, true).map_err(failed)
}

fn empty_file() -> Result<tempfile::NamedTempFile, RepoError> {
    tempfile::NamedTempFile::new().map_err(RepoError::io("create a file in", &std::env::temp_dir()))
}

fn in_environment() -> Result<Vec<(String, String)>, RepoError> {
    let Ok(count) = std::env::var("GIT_CONFIG_COUNT") else { return Ok(Vec::new()) };
    let wrong = |what: String| RepoError::Invalid(format!("{what}; git refuses that too"));
    let count: usize = match count.trim() {
        "" => 0,
        number => number.parse().map_err(|_| wrong("GIT_CONFIG_COUNT is no number".into()))?,
    };
    let variable = |name: String| std::env::var(&name).map_err(|_| wrong(format!("{name} is missing")));
    (0..count)
        .map(|at| Ok((variable(format!("GIT_CONFIG_KEY_{at}"))?, variable(format!("GIT_CONFIG_VALUE_{at}"))?)))
        .collect()
}

/// Returns true if the user's or the system's settings, or the environment, trust a folder that belongs to somebody else.
pub(super) fn is_trusted(folder: &Path) -> bool {
    let Ok(mut config) = Config::open_default() else { return false };
    if follow_environment(&mut config).is_err() {
        return false;
    }
    let mut values: Vec<(i32, String)> = Vec::new();
    let Ok(entries) = config.multivar("safe.directory", None) else { return false };
    let read = entries.for_each(|entry| {
        // A name without a value counts as empty.
        values.push((entry.level() as i32, entry.value().unwrap_or_default().to_owned()));
    });
    // The values are sorted into the order in which git reads them.
    values.sort_by_key(|(level, _)| *level);
    read.is_ok() && trusts(values.iter().map(|(_, value)| value.as_str()), &real(folder))
}

/// Applies git's rule: the last value counts, an empty value revokes those before, `*` is every folder, and `/path/*` is every
/// folder below (<https://git-scm.com/docs/git-config#Documentation/git-config.txt-safedirectory>).
fn trusts<'a>(values: impl Iterator<Item = &'a str>, folder: &Path) -> bool {
    let mut trusted = false;
    for value in values {
        let home = value.strip_prefix("~/").and_then(|rest| Some(Path::new(&std::env::var_os("HOME")?).join(rest)));
        let path = home.unwrap_or_else(|| PathBuf::from(value));
        trusted = match value {
            "" => false,
            "*" => true,
            _ if !path.is_absolute() => trusted,
            _ if path.ends_with("*") => {
                let above = real(path.parent().unwrap_or(&path));
                trusted || (folder != above && folder.starts_with(above))
            }
            _ => trusted || real(&path) == folder,
        };
    }
    trusted
}

fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_trusted_by_git_s_rules() {
        for (values, expected) in [
            (&["/srv/tenants/a"][..], true),
            (&["/srv/tenants/*"], true),
            (&["/srv/*"], true),
            (&["/*"], true),
            (&["*"], true),
            (&["/srv/tenants/a/"], true),
            (&["/srv/tenants/b"], false),
            (&["/srv/tenants/a/*"], false),
            (&["/srv/ten*"], false),
            (&["."], false),
            (&["*", ""], false),
            (&["", "/srv/tenants/a"], true),
            (&[], false),
        ] {
            assert_eq!(trusts(values.iter().copied(), Path::new("/srv/tenants/a")), expected, "{values:?}");
        }
    }
}
