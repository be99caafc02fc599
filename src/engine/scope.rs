//! [`Scope`]: the objects and properties that a command applies to.

use super::refs::is_guid;
use super::schema;
use crate::kinds;
use crate::model::{Address, Kind};

/// Selects the objects and properties that a command applies to. Empty lists mean no restriction; an object must satisfy all
/// lists.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Scope {
    /// Names of kinds.
    pub kinds: Vec<&'static str>,
    /// Object ids.
    pub ids: Vec<String>,
    /// Patterns for display names; `*` stands for any text, case does not count.
    pub names: Vec<String>,
    /// Names of top-level properties and links.
    pub properties: Vec<String>,
    /// Exclusions from everything that the other lists select.
    pub exclude: Vec<Exclusion>,
}

/// Represents an exclusion, which wins over every inclusion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exclusion {
    /// A kind, by its name.
    Kind(&'static str),
    /// A property or link of a kind's objects. A new object is created with all its properties, but without an excluded
    /// link.
    Property(&'static str, String),
    /// The objects of a kind whose name fits a pattern.
    Named(&'static str, String),
    /// The objects of any kind whose name fits a pattern.
    Name(String),
    /// The object with this id.
    Id(String),
}

impl Exclusion {
    /// Parses what a person typed: `group`, `group.members`, `group:Sales*`, an id, or a pattern for names.
    pub fn parse(word: &str) -> Exclusion {
        if let Some(kind) = kinds::by_word(word) {
            return Exclusion::Kind(kind.name);
        }
        if let Some((kind, property)) = word.split_once('.')
            && let Some(kind) = kinds::by_word(kind)
            && schema::of(kind).property(property).is_some()
        {
            return Exclusion::Property(kind.name, property.to_owned());
        }
        if let Some((kind, pattern)) = word.split_once(':')
            && let Some(kind) = kinds::by_word(kind)
        {
            return Exclusion::Named(kind.name, pattern.to_owned());
        }
        match is_guid(word) || word.starts_with("new:") {
            true => Exclusion::Id(word.to_owned()),
            false => Exclusion::Name(word.to_owned()),
        }
    }

    /// Returns the text that [`Exclusion::parse`] accepts.
    pub fn to_text(&self) -> String {
        match self {
            Exclusion::Kind(kind) => (*kind).to_owned(),
            Exclusion::Property(kind, property) => format!("{kind}.{property}"),
            Exclusion::Named(kind, pattern) => format!("{kind}:{pattern}"),
            Exclusion::Name(word) | Exclusion::Id(word) => word.clone(),
        }
    }

    fn leaves_out(&self, address: &Address, name: &str) -> bool {
        match self {
            Exclusion::Kind(kind) => *kind == address.kind.name,
            Exclusion::Named(kind, pattern) => *kind == address.kind.name && matches(pattern, name),
            Exclusion::Name(pattern) => matches(pattern, name),
            Exclusion::Id(id) => id.eq_ignore_ascii_case(&address.id),
            Exclusion::Property(..) => false,
        }
    }
}

impl Scope {
    /// Returns true if the kind is in scope.
    pub fn takes_kind(&self, kind: &Kind) -> bool {
        (self.kinds.is_empty() || self.kinds.contains(&kind.name))
            && !self.exclude.contains(&Exclusion::Kind(kind.name))
    }

    /// Returns true if the object is in scope.
    pub fn takes(&self, address: &Address, name: &str) -> bool {
        (self.kinds.is_empty() || self.kinds.contains(&address.kind.name))
            && (self.ids.is_empty() || self.ids.contains(&address.id))
            && (self.names.is_empty() || self.names.iter().any(|pattern| matches(pattern, name)))
            && !self.exclude.iter().any(|exclusion| exclusion.leaves_out(address, name))
    }

    /// Returns true if an object with an old and a current id is in scope: either id may have been named.
    pub fn takes_by(&self, old: &Address, today: &Address, name: &str) -> bool {
        let named = |address: &Address| self.takes(address, name);
        let left_out = |address: &Address| self.exclude.iter().any(|exclusion| exclusion.leaves_out(address, name));
        (named(old) || named(today)) && !left_out(old) && !left_out(today)
    }

    /// Returns true if a top-level property or link of a kind is in scope.
    pub fn takes_property(&self, kind: &str, property: &str) -> bool {
        let left_out = |exclusion: &Exclusion| match exclusion {
            Exclusion::Property(of, left_out) => *of == kind && left_out == property,
            _ => false,
        };
        (self.properties.is_empty() || self.properties.iter().any(|wanted| wanted == property))
            && !self.exclude.iter().any(left_out)
    }

    /// Returns true if nothing is restricted or excluded.
    pub fn is_everything(&self) -> bool {
        self == &Scope::default()
    }
}

/// Returns true if `name` fits `pattern`; `*` stands for any run of characters, case does not count.
pub fn matches(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.to_lowercase().chars().collect();
    let name: Vec<char> = name.to_lowercase().chars().collect();
    // The match is greedy with one step back per star: linear in practice, never exponential.
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
    use super::*;

    #[test]
    fn exclusions_say_what_they_mean() {
        let words = ["groups", "group.members", "group:Sales*", "Sales*", "group.sales", "new:a"];
        let said: Vec<String> = words.map(|word| format!("{:?}", Exclusion::parse(word))).to_vec();
        insta::assert_snapshot!(said.join(", "), @r#"Kind("group"), Property("group", "members"), Named("group", "Sales*"), Name("Sales*"), Name("group.sales"), Id("new:a")"#);
        for word in words {
            assert_eq!(Exclusion::parse(&Exclusion::parse(word).to_text()), Exclusion::parse(word));
        }
    }

    #[test]
    fn what_is_left_out_stays_out_whatever_takes_it_in() {
        let scope = |words: &[&str]| Scope {
            ids: vec!["a".to_owned()],
            exclude: words.iter().map(|word| Exclusion::parse(word)).collect(),
            ..Scope::default()
        };
        let (old, today) = (crate::kinds::address("group", "a").unwrap(), crate::kinds::address("group", "b").unwrap());
        assert!(scope(&[]).takes_by(&old, &today, "Sales"));
        assert!(scope(&["user", "group.members"]).takes_by(&today, &old, "Sales"));
        for word in ["group", "group:sales", "s*"] {
            assert!(!scope(&[word]).takes_by(&old, &today, "Sales"), "{word}");
        }
        assert!(!scope(&["group.members"]).takes_property("group", "members"));
        assert!(scope(&["group.members"]).takes_property("application", "owners"));
    }

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
