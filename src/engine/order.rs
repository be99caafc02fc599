//! Drafts of steps → steps in waves.
//!
//! ```text
//! loosen    policies let go of whom they let go
//! write     tier 0   make → prepare → update → call → link → link of what was linked → unlink
//!           tier 1   make → prepare → update → call → link → link of what was linked → unlink
//!           …        a tier's kinds refer only to kinds of the tiers above it in this drawing
//! enforce   policies are made and get stricter, when all they name is complete
//! withdraw  policies are deleted → members leave groups
//! delete    last tier first:  prepare → delete
//! ```

use std::collections::BTreeMap;

use crate::model::{Action, Address, Step, StepId};

/// Writing comes before deleting; Conditional Access has moments of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// What keeps nobody out who was let in.
    Loosen,
    /// Everything that adds or changes.
    Write,
    /// What may keep somebody out: when all that lets others in is done.
    Enforce,
    /// What is taken away from whoever may need it until then.
    Withdraw,
    /// What is deleted, and what deletion needs first.
    Delete,
}

/// Within a tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Create and restore; in the delete phase after [`Stage::Prepare`].
    Make,
    /// A write that another one needs.
    Prepare,
    /// PATCH.
    Update,
    /// Actions.
    Call,
    /// Add before remove: a group never loses its last owner on the way.
    Link,
    /// What names children of other objects, which must be there.
    LinkFound,
    /// Remove.
    Unlink,
}

/// A step that has no number yet.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Writing or deleting.
    pub phase: Phase,
    /// The tier in which everything it refers to exists.
    pub tier: usize,
    /// Where in the tier.
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
    /// Takes a draft.
    pub fn push(&mut self, draft: Draft) {
        self.drafts.push(draft);
    }

    /// Whether any draft is about `address`. Looks at the newest drafts only, which are those of the object at hand.
    pub fn touches(&self, address: &Address) -> bool {
        self.drafts.last().is_some_and(|draft| &draft.step.address == address)
    }

    /// Steps in order, and the waves.
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
        // The object's own earlier steps of another stage: an update after its preparation, a delete after it.
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

/// How often what is made late makes others late. A chain is as long as kinds that refer to each other; a circle has no order.
const CHAIN: usize = 16;

/// What is made late, because of what it names, has its links and updates late too, and so has whatever names it.
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
                // Two that are made in one tier are made at the same time.
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
        // Deletes go the other way round: what refers goes before what it refers to.
        Phase::Delete => (draft.phase, usize::MAX - draft.tier, u8::from(draft.stage != Stage::Prepare)),
    }
}
