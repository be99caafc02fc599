//! Parses trailers: the `Key: value` lines that end a commit message.

/// Returns the trailers of a commit message, in order: the lines `Key: value` of its last paragraph. A line that begins with a
/// blank continues the one before. The last paragraph counts only if every line of it has that form, and the first line of the
/// message never does.
pub fn trailers(message: &str) -> Vec<(String, String)> {
    let body = message.trim_end();
    let lines: Vec<&str> = body.lines().collect();
    let Some(blank) = lines.iter().rposition(|line| line.trim().is_empty()) else {
        return Vec::new();
    };
    let mut found: Vec<(String, String)> = Vec::new();
    for line in &lines[blank + 1..] {
        if line.starts_with([' ', '\t']) {
            let Some((_, value)) = found.last_mut() else { return Vec::new() };
            value.push(' ');
            value.push_str(line.trim());
            continue;
        }
        let Some((key, value)) = line.split_once(':') else { return Vec::new() };
        let key = key.trim_end();
        if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            return Vec::new();
        }
        found.push((key.to_owned(), value.trim().to_owned()));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::trailers;

    fn pair(key: &str, value: &str) -> (String, String) {
        (key.to_owned(), value.to_owned())
    }

    #[test]
    fn the_last_paragraph_is_read() {
        let message = "Snapshot\n\nText: with a colon, and\nmore.\n\nEntragit-Tenant: 3f9a\nEntragit-Coverage: users=complete\n  groups=denied\n\n";
        assert_eq!(
            trailers(message),
            [pair("Entragit-Tenant", "3f9a"), pair("Entragit-Coverage", "users=complete groups=denied")]
        );
        assert_eq!(trailers("Subject\r\n\r\nKey: a: b\r\n"), [pair("Key", "a: b")]);
    }

    #[test]
    fn prose_is_no_trailer() {
        for message in ["", "Entragit-Tenant: x", "A\n\nKey: v\nsome prose", "A\n\n  indented: first", "A\n\na b: c"] {
            assert_eq!(trailers(message), [], "{message:?}");
        }
    }
}
