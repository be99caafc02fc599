//! Orders drafts of steps into waves.
//!
//! ```text
//! loosen    policies are relaxed, and rules that bind schedules
//! write     tier 0   make → prepare → update → call → link → link found → unlink
//!           tier 1   make → prepare → update → call → link → link found → unlink
//!           …        a tier's kinds refer only to kinds of the tiers above it in this drawing
//! enforce   policies are created and get stricter, once all objects that they name are complete; rules that bind schedules
//!           get stricter
//! withdraw  policies are deleted → members are removed from groups
//! delete    last tier first:  prepare → delete
//! ```

use std::collections::BTreeMap;

use crate::model::{Action, Address, Step, StepId};

/// Lists the phases of a plan. Writing comes before deleting; Conditional Access has phases of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Updates that only relax policies, and rules that bind the requests of the same plan.
    Loosen,
    /// Steps that add or change anything else.
    Write,
    /// Steps that may lock somebody out: they run once everything that lets others in is done.
    Enforce,
    /// Deletions and removals of what somebody may need until then.
    Withdraw,
    /// Deletions, and the writes that they need first.
    Delete,
}

/// Lists the stages within a tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Creates and restores; in the delete phase the deletion, after [`Stage::Prepare`].
    Make,
    /// A write that another one needs.
    Prepare,
    /// A PATCH.
    Update,
    /// An action.
    Call,
    /// Additions come before removals, so that a group never loses its last owner in between.
    Link,
    /// Entries that name children of other objects, which must exist.
    LinkFound,
    /// Removals.
    Unlink,
}

/// Represents a step that has no number yet.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Phase of the step.
    pub phase: Phase,
    /// Tier in which every object that the step refers to exists.
    pub tier: usize,
    /// Stage within the tier.
    pub stage: Stage,
    /// Objects that are created or restored by the same plan and must exist before.
    pub needs: Vec<Address>,
    /// The step.
    pub step: Step,
}

/// Collects drafts and numbers them.
#[derive(Debug, Default)]
pub struct Order {
    drafts: Vec<Draft>,
}

impl Order {
    /// Adds a draft.
    pub fn push(&mut self, draft: Draft) {
        self.drafts.push(draft);
    }

    /// Returns true if the newest draft is about `address`. Earlier drafts are not searched, since the drafts of one object
    /// are added in a row.
    pub fn touches(&self, address: &Address) -> bool {
        self.drafts.last().is_some_and(|draft| &draft.step.address == address)
    }

    /// Returns the steps in order, and the waves.
    pub fn finish(self) -> (Vec<Step>, Vec<Vec<StepId>>) {
        let mut drafts = self.drafts;
        after_their_own(&mut drafts);
        drafts.sort_by(|a, b| rank(a).cmp(&rank(b)).then_with(|| a.step.address.cmp(&b.step.address)));
        let made: BTreeMap<&Address, StepId> = drafts
            .iter()
            .enumerate()
            .filter(|(_, draft)| matches!(draft.step.action, Action::Create { .. } | Action::Restore))
            .map(|(id, draft)| (&draft.step.address, id))
            .collect();
        // A step needs the object's own preparation of the same phase: an update comes after it, and so does a deletion.
        let mut prepared: BTreeMap<(&Address, Phase), StepId> = BTreeMap::new();
        for (id, draft) in drafts.iter().enumerate() {
            if draft.stage == Stage::Prepare {
                prepared.insert((&draft.step.address, draft.phase), id);
            }
        }
        let needs: Vec<Vec<StepId>> = drafts
            .iter()
            .enumerate()
            .map(|(id, draft)| {
                let own = made.get(&draft.step.address);
                let before = prepared.get(&(&draft.step.address, draft.phase));
                let others = draft.needs.iter().filter_map(|address| made.get(address));
                let mut needs: Vec<StepId> =
                    own.into_iter().chain(before).chain(others).copied().filter(|need| *need < id).collect();
                needs.sort_unstable();
                needs.dedup();
                needs
            })
            .collect();
        let mut waves: Vec<Vec<StepId>> = Vec::new();
        let mut last = None;
        for (id, draft) in drafts.iter().enumerate() {
            let rank = rank(draft);
            if last != Some(rank) {
                waves.push(Vec::new());
                last = Some(rank);
            }
            if let Some(wave) = waves.last_mut() {
                wave.push(id);
            }
        }
        let steps = drafts.into_iter().zip(needs).map(|(draft, needs)| Step { needs, ..draft.step }).collect();
        (steps, waves)
    }
}

/// Maximum number of passes. A chain is as long as the kinds that refer to each other; references in a circle have no order.
const CHAIN: usize = 16;

/// Moves links and updates of an object behind its creation, and objects that name it as well, transitively.
fn after_their_own(drafts: &mut [Draft]) {
    for _ in 0..CHAIN {
        let made: BTreeMap<Address, (Phase, usize)> = drafts
            .iter()
            .filter(|draft| draft.stage == Stage::Make)
            .map(|draft| (draft.step.address.clone(), (draft.phase, draft.tier)))
            .collect();
        let mut moved = false;
        for draft in drafts.iter_mut() {
            let own = &draft.step.address;
            let after = |address: &Address| {
                let (phase, tier) = made.get(address)?;
                // Two objects that are created in one tier are created at the same time.
                let later = usize::from(draft.stage == Stage::Make && address != own);
                (*phase == draft.phase).then_some(tier + later)
            };
            let tier = draft.needs.iter().chain([own]).filter_map(after).max().unwrap_or_default();
            if tier > draft.tier {
                draft.tier = tier;
                moved = true;
            }
        }
        if !moved {
            return;
        }
    }
}

fn rank(draft: &Draft) -> (Phase, usize, u8) {
    match draft.phase {
        Phase::Loosen | Phase::Write | Phase::Enforce => {
            let stage = match draft.stage {
                Stage::Make => 0,
                Stage::Prepare => 1,
                Stage::Update => 2,
                Stage::Call => 3,
                Stage::Link => 4,
                Stage::LinkFound => 5,
                Stage::Unlink => 6,
            };
            (draft.phase, draft.tier, stage)
        }
        Phase::Withdraw => (draft.phase, 0, u8::from(draft.stage == Stage::Unlink)),
        // Deletions go in the reverse order: an object goes before the objects that it refers to.
        Phase::Delete => (draft.phase, usize::MAX - draft.tier, u8::from(draft.stage != Stage::Prepare)),
    }
}
