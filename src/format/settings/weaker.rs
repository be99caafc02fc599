//! Compares how strictly settings guard a tenant.

use super::{MainMode, Settings};

impl Settings {
    /// Returns one clause for each setting that guards the tenant less strictly than the setting in force; empty if all are as
    /// strict or stricter.
    pub fn weaker_than(&self, in_force: &Settings) -> Vec<String> {
        let mut clauses = Vec::new();
        let normalized = |account: &String| account.trim().to_lowercase();
        let accounts: Vec<String> = self.break_glass.iter().map(normalized).collect();
        for account in in_force.break_glass.iter().filter(|account| !accounts.contains(&normalized(account))) {
            clauses.push(format!("breakGlass no longer has {}", account.escape_debug()));
        }
        let (new, old) = (&self.guards, &in_force.guards);
        let numbers = [
            ("maxDeletes", new.max_deletes, old.max_deletes),
            ("maxDeletesPercent", new.max_deletes_percent, old.max_deletes_percent),
            ("maxChanges", new.max_changes, old.max_changes),
            ("maxChangesPercent", new.max_changes_percent, old.max_changes_percent),
            ("maxUnlinks", new.max_unlinks, old.max_unlinks),
            ("planHours", self.approval.plan_hours, in_force.approval.plan_hours),
        ];
        clauses.extend(
            numbers
                .iter()
                .filter(|(_, new, old)| new > old)
                .map(|(name, new, old)| format!("{name} goes from {old} to {new}")),
        );
        if self.approval.require < in_force.approval.require {
            clauses.push(format!("{} approvals instead of {}", self.approval.require, in_force.approval.require));
        }
        // Whoever adds a signer may hold that signer's key, and could then approve a plan alone.
        if in_force.approval.require > 0 {
            let new = self.approval.signers.iter().filter(|line| !in_force.approval.signers.contains(line));
            clauses.extend(new.map(|line| format!("one more may sign: {}", line.escape_debug())));
        }
        if (self.main, in_force.main) == (MainMode::Follow, MainMode::Hold) {
            clauses.push("changes of the tenant flow into the branch that people work on".to_owned());
        }
        // The rules in force are read from the branches with these names.
        if self.branches != in_force.branches {
            clauses.push(format!("the branches are called {} and {}", self.branches.main, self.branches.snapshots));
        }
        clauses
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> Settings {
        Settings::parse("entragit.yaml", format!("tenant: t\n{text}").as_bytes()).unwrap()
    }

    #[test]
    fn weaker_settings_are_told_clause_by_clause() {
        let old = settings(
            "breakGlass: [A@contoso.com]\nguards: {maxDeletes: 5}\napproval: {require: 2, signers: ['a s k', 'b s k']}\n",
        );
        let new = settings(
            "branches: {main: nope}\nguards: {maxDeletes: 6}\napproval: {require: 1, signers: ['a s k', 'c s k']}\n",
        );
        insta::assert_snapshot!(new.weaker_than(&old).join("\n"), @r"
        breakGlass no longer has A@contoso.com
        maxDeletes goes from 5 to 6
        1 approvals instead of 2
        one more may sign: c s k
        the branches are called nope and snapshots
        ");
        assert_eq!(old.weaker_than(&old), Vec::<String>::new());
        let stricter = settings(
            "breakGlass: [a@contoso.com, b@contoso.com]\nguards: {maxDeletes: 1}\napproval: {require: 2, signers: ['a s k']}\n",
        );
        assert_eq!(stricter.weaker_than(&old), Vec::<String>::new());
    }
}
