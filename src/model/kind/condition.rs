//! [`Condition`]: what can be said of an object's own properties.

/// A condition over an object's own properties.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// The list `property` contains `value`.
    Lists {
        /// A list property.
        property: &'static str,
        /// The element to look for.
        value: &'static str,
    },
    /// `property` equals `value`.
    Is {
        /// A string property.
        property: &'static str,
        /// Its value.
        value: &'static str,
    },
    /// `property` begins with `value`.
    Starts {
        /// A string property.
        property: &'static str,
        /// How its value begins.
        value: &'static str,
    },
    /// The flag `property` is set.
    Flag {
        /// A boolean property.
        property: &'static str,
    },
    /// The flag `property` is set, and the list `but` does not contain `value`.
    FlagUnlessListed {
        /// A boolean property.
        property: &'static str,
        /// A list property.
        but: &'static str,
        /// The element to look for.
        value: &'static str,
    },
    /// Each of these holds.
    All(&'static [Condition]),
    /// One of these holds, or several.
    Any(&'static [Condition]),
    /// This does not hold.
    Not(&'static Condition),
}

impl Condition {
    /// The properties that it looks at.
    pub fn properties(&self) -> Vec<&'static str> {
        match *self {
            Condition::Lists { property, .. }
            | Condition::Is { property, .. }
            | Condition::Starts { property, .. }
            | Condition::Flag { property } => vec![property],
            Condition::FlagUnlessListed { property, but, .. } => vec![property, but],
            Condition::All(parts) | Condition::Any(parts) => {
                let mut names: Vec<&str> = parts.iter().flat_map(Condition::properties).collect();
                names.sort_unstable();
                names.dedup();
                names
            }
            Condition::Not(part) => part.properties(),
        }
    }

    /// Whether `properties` meet the condition.
    pub fn holds(&self, properties: &serde_json::Map<String, serde_json::Value>) -> bool {
        match *self {
            Condition::Lists { property, value } => properties
                .get(property)
                .and_then(|list| list.as_array())
                .is_some_and(|list| list.iter().any(|element| element.as_str() == Some(value))),
            Condition::Is { property, value } => properties.get(property).and_then(|v| v.as_str()) == Some(value),
            Condition::Starts { property, value } => {
                properties.get(property).and_then(|v| v.as_str()).is_some_and(|text| text.starts_with(value))
            }
            Condition::Flag { property } => properties.get(property).and_then(|flag| flag.as_bool()) == Some(true),
            Condition::FlagUnlessListed { property, but, value } => {
                Condition::Flag { property }.holds(properties)
                    && !Condition::Lists { property: but, value }.holds(properties)
            }
            Condition::All(parts) => parts.iter().all(|part| part.holds(properties)),
            Condition::Any(parts) => parts.iter().any(|part| part.holds(properties)),
            Condition::Not(part) => !part.holds(properties),
        }
    }
}
