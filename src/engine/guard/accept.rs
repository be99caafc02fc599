//! Lets people accept the refusals of a guard: all of them, or those for one object.

use super::NAMES;
use crate::model::Verdict;

/// Holds what people accepted: names of guards, each with the object it is accepted for, or `None` for all objects.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Accepted(Vec<(String, Option<String>)>);

impl Accepted {
    /// Parses words of the form `GUARD` or `GUARD:OBJECT`. The object is given as verdicts name it, or by its id alone.
    ///
    /// # Errors
    /// If there is no guard of that name; the message lists all names.
    pub fn parse(words: &[String]) -> Result<Accepted, String> {
        let read = |word: &String| {
            let (guard, object) = match word.split_once(':') {
                Some((guard, object)) => (guard, Some(object.to_lowercase())),
                None => (word.as_str(), None),
            };
            match NAMES.contains(&guard) && object.as_deref() != Some("") {
                true => Ok((guard.to_owned(), object)),
                false => Err(format!(
                    "`{}` is no guard that could be accepted; there are {}, each alone or with one object, as in \
                     lock-out:user/<id>",
                    word.escape_debug(),
                    NAMES.join(", ")
                )),
            }
        };
        words.iter().map(read).collect::<Result<_, _>>().map(Accepted)
    }

    /// Returns what a verdict still refuses: `GUARD:OBJECT` for each object that is not accepted, or `GUARD` if the verdict names
    /// no objects. Empty if everything is accepted, or the verdict refuses nothing.
    pub fn still_refused(&self, verdict: &Verdict) -> Vec<String> {
        let accepts_all = self.0.iter().any(|(guard, object)| guard == verdict.guard && object.is_none());
        if accepts_all || !verdict.refused {
            return Vec::new();
        }
        if verdict.objects.is_empty() {
            return vec![verdict.guard.to_owned()];
        }
        let open = verdict.objects.iter().filter(|object| !self.accepts_object(verdict.guard, object));
        open.map(|object| format!("{}:{object}", verdict.guard)).collect()
    }

    /// Returns what was refused and is accepted, sorted and once each: `GUARD:OBJECT` for each object, or `GUARD` if the verdict
    /// names no objects.
    pub fn accepted_refusals(&self, verdicts: &[Verdict]) -> Vec<String> {
        let mut taken = Vec::new();
        for verdict in verdicts.iter().filter(|verdict| verdict.refused) {
            let accepts_all = self.0.iter().any(|(guard, object)| guard == verdict.guard && object.is_none());
            if verdict.objects.is_empty() && accepts_all {
                taken.push(verdict.guard.to_owned());
            }
            let objects =
                verdict.objects.iter().filter(|object| accepts_all || self.accepts_object(verdict.guard, object));
            taken.extend(objects.map(|object| format!("{}:{object}", verdict.guard)));
        }
        taken.sort();
        taken.dedup();
        taken
    }

    /// Returns the verdicts, of which those that are accepted completely no longer refuse.
    pub fn settle(&self, verdicts: &[Verdict]) -> Vec<Verdict> {
        let settled = verdicts.iter().map(|verdict| match verdict.refused && self.still_refused(verdict).is_empty() {
            true => Verdict { refused: false, message: format!("{} (accepted)", verdict.message), ..verdict.clone() },
            false => verdict.clone(),
        });
        settled.collect()
    }

    /// Returns true if the guard is accepted for this object by name; `object` is `KIND/ID`.
    fn accepts_object(&self, guard: &str, object: &str) -> bool {
        let id = object.split_once('/').map_or(object, |(_, id)| id);
        let mut all = self.0.iter().filter(|(name, _)| name == guard);
        all.any(|(_, word)| {
            word.as_ref().is_some_and(|word| word.eq_ignore_ascii_case(object) || word.eq_ignore_ascii_case(id))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdicts() -> Vec<Verdict> {
        let verdict = |guard, refused, objects: &[&str]| Verdict {
            guard,
            refused,
            message: String::new(),
            objects: objects.iter().map(|object| (*object).to_owned()).collect(),
        };
        vec![
            verdict("lock-out", true, &["user/AB", "user/cd"]),
            verdict("redacted", true, &[]),
            verdict("unwritable", false, &["user/ef"]),
        ]
    }

    fn left(words: &[&str]) -> String {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        match Accepted::parse(&words) {
            Ok(accepted) => {
                verdicts().iter().flat_map(|verdict| accepted.still_refused(verdict)).collect::<Vec<_>>().join(" ")
            }
            Err(error) => error,
        }
    }

    #[test]
    fn what_is_not_named_stays_refused() {
        assert_eq!(left(&[]), "lock-out:user/AB lock-out:user/cd redacted");
        assert_eq!(left(&["lock-out"]), "redacted");
        assert_eq!(left(&["lock-out:user/ab", "redacted"]), "lock-out:user/cd");
        assert_eq!(left(&["lock-out:ab", "lock-out:CD", "redacted"]), "");
        assert_eq!(left(&["self:user/ab"]), "lock-out:user/AB lock-out:user/cd redacted");
    }

    #[test]
    fn an_unknown_guard_is_named() {
        insta::assert_snapshot!(left(&["lockout"]), @"`lockout` is no guard that could be accepted; there are mass-delete, mass-change, break-glass, self, lock-out, escalation, weakens, incomplete, unwritable, unmanaged, redacted, settings, each alone or with one object, as in lock-out:user/<id>");
        assert!(left(&["lock-out:"]).starts_with("`lock-out:` is no guard"));
    }

    #[test]
    fn what_was_accepted_is_told_object_by_object() {
        let words = ["lock-out", "redacted", "unwritable"].map(str::to_owned);
        let taken = Accepted::parse(&words).map(|accepted| accepted.accepted_refusals(&verdicts()).join(" "));
        assert_eq!(taken, Ok("lock-out:user/AB lock-out:user/cd redacted".to_owned()));
    }
}
