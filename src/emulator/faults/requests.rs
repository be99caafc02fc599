//! Defines how requests for schedules of Privileged Identity Management end.

/// Represents the status in the answer to a request. The answer is 201 whatever the status says.
/// <https://learn.microsoft.com/graph/api/resources/request>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestStatus {
    /// It is carried out.
    Provisioned,
    /// It is not carried out.
    Failed,
    /// Somebody, or a rule, refused it.
    Denied,
    /// It was withdrawn.
    Canceled,
    /// It waits for an approver.
    PendingApproval,
    /// It waits for an administrator.
    PendingAdminDecision,
    /// The service is about to carry it out.
    PendingProvisioning,
    /// The service is about to create the schedule.
    PendingScheduleCreation,
}

impl RequestStatus {
    const ALL: [(RequestStatus, &'static str); 8] = [
        (RequestStatus::Provisioned, "Provisioned"),
        (RequestStatus::Failed, "Failed"),
        (RequestStatus::Denied, "Denied"),
        (RequestStatus::Canceled, "Canceled"),
        (RequestStatus::PendingApproval, "PendingApproval"),
        (RequestStatus::PendingAdminDecision, "PendingAdminDecision"),
        (RequestStatus::PendingProvisioning, "PendingProvisioning"),
        (RequestStatus::PendingScheduleCreation, "PendingScheduleCreation"),
    ];

    /// Returns the word that Graph sends.
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(status, _)| *status == self).map_or("", |(_, word)| word)
    }

    /// Returns true if the tenant shows the effect, now or soon.
    pub fn is_carried_out(self) -> bool {
        matches!(self, Self::Provisioned | Self::PendingProvisioning | Self::PendingScheduleCreation)
    }
}

impl std::str::FromStr for RequestStatus {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        Self::ALL.iter().find(|(_, known)| *known == word).map(|(status, _)| *status).ok_or_else(|| {
            let words: Vec<&str> = Self::ALL.iter().map(|(_, word)| *word).collect();
            let (last, others) = words.split_last().unwrap_or((&"", &[]));
            let words = format!("{} and {last}", others.join(", "));
            format!("requests takes a status, as in requests:Failed, not {word:?}; there are {words}")
        })
    }
}
