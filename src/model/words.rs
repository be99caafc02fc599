//! Words for people: numbers with their nouns.

/// Returns a number with its noun in singular or plural: "1 object", "2 objects".
pub fn counted(count: usize, noun: &str) -> String {
    match (count, noun.strip_suffix('y')) {
        (1, _) => format!("1 {noun}"),
        // "property", but not "key".
        (_, Some(stem)) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{count} {stem}ies"),
        _ if noun.ends_with(['s', 'x']) || noun.ends_with("ch") || noun.ends_with("sh") => format!("{count} {noun}es"),
        _ => format!("{count} {noun}s"),
    }
}

/// Returns a number with its noun and the form of the verb that goes with it, `one` or `many`: "1 object differs", "2 objects differ".
pub fn agreeing(count: usize, noun: &str, one: &str, many: &str) -> String {
    format!("{} {}", counted(count, noun), if count == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::{agreeing, counted};

    #[test]
    fn nouns_follow_their_numbers() {
        assert_eq!(counted(0, "object"), "0 objects");
        assert_eq!(counted(1, "policy"), "1 policy");
        assert_eq!(counted(2, "policy"), "2 policies");
        assert_eq!(counted(3, "key"), "3 keys");
        assert_eq!(counted(2, "branch"), "2 branches");
        assert_eq!(agreeing(1, "object", "differs", "differ"), "1 object differs");
        assert_eq!(agreeing(0, "object", "differs", "differ"), "0 objects differ");
    }
}
