//! [`Scope`]: which objects and properties a command is about.

use crate::model::{Address, Kind};

/// Which objects and properties a command is about. Empty lists mean no restriction; several lists must all agree.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Scope {
    /// Names of kinds.
    pub kinds: Vec<&'static str>,
    /// Object ids.
    pub ids: Vec<String>,
    /// Patterns over display names; `*` stands for anything, case does not count.
    pub names: Vec<String>,
    /// Top-level properties and links.
    pub properties: Vec<String>,
}

impl Scope {
    /// Whether the kind is in scope.
    pub fn takes_kind(&self, kind: &Kind) -> bool {
        self.kinds.is_empty() || self.kinds.contains(&kind.name)
    }

    /// Whether the object is in scope.
    pub fn takes(&self, address: &Address, name: &str) -> bool {
        (self.kinds.is_empty() || self.kinds.contains(&address.kind))
            && (self.ids.is_empty() || self.ids.contains(&address.id))
            && (self.names.is_empty() || self.names.iter().any(|pattern| matches(pattern, name)))
    }

    /// Whether a top-level property or link is in scope.
    pub fn takes_property(&self, property: &str) -> bool {
        self.properties.is_empty() || self.properties.iter().any(|wanted| wanted == property)
    }

    /// Whether single objects are picked, so that a whole kind's absence means nothing.
    pub fn is_everything(&self) -> bool {
        self == &Scope::default()
    }
}

/// Whether `name` fits `pattern`; `*` stands for any run of characters, case does not count.
pub fn matches(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.to_lowercase().chars().collect();
    let name: Vec<char> = name.to_lowercase().chars().collect();
    // Greedy with one step back per star: linear in practice, never exponential.
    let (mut p, mut n, mut star, mut mark) = (0, 0, None, 0);
    while n < name.len() {
        if p < pattern.len() && pattern[p] == '*' {
            star = Some(p);
            mark = n;
            p += 1;
        } else if p < pattern.len() && pattern[p] == name[n] {
            p += 1;
            n += 1;
        } else if let Some(at) = star {
            p = at + 1;
            mark += 1;
            n = mark;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns() {
        assert!(matches("remote*", "Remote workers"));
        assert!(matches("*work*", "Remote workers"));
        assert!(matches("*", ""));
        assert!(!matches("remote", "Remote workers"));
        assert!(matches("a*b*c", "a-b-b-c"));
        assert!(!matches("a*b*c", "a-b-b"));
    }
}
