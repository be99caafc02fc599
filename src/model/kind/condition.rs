//! [`Condition`]: a test of an object's own properties.

/// Represents a condition over an object's own properties.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// True if the list `property` contains `value`.
    Lists {
        /// A list property.
        property: &'static str,
        /// The element to look for.
        value: &'static str,
    },
    /// True if `property` equals `value`.
    Is {
        /// A string property.
        property: &'static str,
        /// Value that the property must have.
        value: &'static str,
    },
    /// True if `property` begins with `value`.
    Starts {
        /// A string property.
        property: &'static str,
        /// Text that the value must begin with.
        value: &'static str,
    },
    /// True if `value` is a part of `property`.
    Contains {
        /// A string property.
        property: &'static str,
        /// Text to look for.
        value: &'static str,
    },
    /// True if the flag `property` is set.
    Flag {
        /// A boolean property.
        property: &'static str,
    },
    /// True if the flag `property` is set, and the list `but` does not contain `value`.
    FlagUnlessListed {
        /// A boolean property.
        property: &'static str,
        /// A list property.
        but: &'static str,
        /// The element to look for.
        value: &'static str,
    },
    /// True if each of these conditions holds.
    All(&'static [Condition]),
    /// True if at least one of these conditions holds.
    Any(&'static [Condition]),
    /// True if this condition does not hold.
    Not(&'static Condition),
}

impl Condition {
    /// Returns the names of the properties that the condition reads.
    pub fn properties(&self) -> Vec<&'static str> {
        match *self {
            Condition::Lists { property, .. }
            | Condition::Is { property, .. }
            | Condition::Starts { property, .. }
            | Condition::Contains { property, .. }
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

    /// Returns true if `properties` meet the condition.
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
            Condition::Contains { property, value } => {
                properties.get(property).and_then(|v| v.as_str()).is_some_and(|text| text.contains(value))
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
