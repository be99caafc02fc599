//! Names the two branches, and says who moves the one that people work on.

/// Tells whether new snapshots move the branch that people work on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MainMode {
    /// It follows the snapshots as long as it holds no edit of its own: whatever changes in the tenant is in it.
    #[default]
    Follow,
    /// People alone move it: what changes in the tenant is drift until somebody accepts or rejects it.
    Hold,
}

impl MainMode {
    /// Returns the word for the settings: `follow` or `hold`.
    pub fn as_str(self) -> &'static str {
        match self {
            MainMode::Follow => "follow",
            MainMode::Hold => "hold",
        }
    }
}

/// Holds the names of the two branches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branches {
    /// Branch with the tenant's actual state: only the tool writes it.
    pub snapshots: String,
    /// Branch with the tenant's wanted state: the one that people work on.
    pub main: String,
}

impl Default for Branches {
    fn default() -> Branches {
        Branches { snapshots: "snapshots".to_owned(), main: "main".to_owned() }
    }
}

/// Maximum length of a branch name: a part of it becomes a file name, with room for `.lock`.
const MAX_BRANCH: usize = 200;

/// Returns the reason why a branch name is not allowed, if any, by git's rules and a little stricter:
/// <https://git-scm.com/docs/git-check-ref-format>
pub fn branch_fault(name: &str) -> Option<&'static str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'/');
    let lower = name.to_ascii_lowercase();
    if !name.bytes().all(plain) {
        return Some("only letters, digits and - _ . / are allowed");
    }
    if name.len() > MAX_BRANCH {
        return Some("200 characters are the most");
    }
    // Git calls these names ambiguous: <https://git-scm.com/docs/gitrevisions>
    if lower == "head" || lower.ends_with("_head") {
        return Some("git calls something else by it; take another");
    }
    if lower == "refs" || lower.starts_with("refs/") {
        return Some("give the branch's own name, without refs/heads/");
    }
    if name.len() == 40 && name.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Some("it looks like the id of a commit; take another");
    }
    // On macOS and Windows, names that differ by case alone are the same file, and so are the lock files of branches.
    let bad_part = |part: &str| part.is_empty() || part.starts_with(['.', '-']) || part.ends_with(".lock");
    let bad = lower.contains("..") || lower.ends_with('.') || lower.split('/').any(bad_part);
    bad.then_some("a part of it is empty, begins with a dot or a dash, or ends in .lock or a dot")
}

/// Returns the reason why two branches cannot both exist, if any.
pub(super) fn collision(one: &str, other: &str) -> Option<&'static str> {
    let [one, other] = [one, other].map(str::to_ascii_lowercase);
    let holds = |outer: &str, inner: &str| inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('/'));
    if one == other {
        return Some("names that differ by case alone are one name on macOS and Windows");
    }
    (holds(&one, &other) || holds(&other, &one)).then_some("git keeps no branch below another")
}
