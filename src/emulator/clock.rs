//! Defines [`Clock`]: the tenant's only source of time.

use jiff::{SignedDuration, Timestamp};

/// Returns the tenant's time. A fixed offset lets a test look at the tenant from another day.
#[derive(Debug, Clone, Copy, Default)]
pub struct Clock {
    ahead: SignedDuration,
}

impl Clock {
    /// Returns a clock that is `ahead` of the machine's.
    #[cfg(test)]
    pub fn ahead(ahead: SignedDuration) -> Self {
        Self { ahead }
    }

    /// Returns the present time.
    pub fn now(&self) -> Timestamp {
        Timestamp::now().saturating_add(self.ahead).unwrap_or(Timestamp::MAX)
    }

    /// Returns the present time as the directory writes it: in whole seconds.
    pub fn seconds(&self) -> String {
        self.now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }

    /// Returns the present time as the policy services and the audit log write it: with seven digits.
    pub fn ticks(&self) -> String {
        let now = self.now();
        format!("{}.{:07}Z", now.strftime("%Y-%m-%dT%H:%M:%S"), now.subsec_nanosecond() / 100)
    }
}
