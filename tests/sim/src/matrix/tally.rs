//! What many worlds add up to: the confusion matrix.

use std::{collections::BTreeMap, time::Duration};

use serde::Serialize;

use super::{
    class::{Class, Sort},
    outcome::{Judged, Outcome},
    trial::Told,
};

/// So many findings are kept.
const FINDINGS_MAX: usize = 1_000;

/// Classes of background loss, in percent.
pub(super) const LOSS: [(u64, u64); 4] = [(0, 0), (1, 10), (11, 20), (21, 30)];

/// Faults of one class, in one class of loss, with or without a third voice.
#[derive(Clone, Default, PartialEq, Debug)]
pub(super) struct Cell {
    pub(super) counts: BTreeMap<Outcome, u64>,
    /// Until everybody knew, in parts of the printed bound.
    pub(super) took: Vec<f32>,
    /// What was said beside what was wanted.
    pub(super) besides: BTreeMap<String, u64>,
}

impl Cell {
    fn add(&mut self, judged: &Judged) {
        *self.counts.entry(judged.outcome).or_default() += 1;
        self.took.extend(judged.took);
        for besides in &judged.besides {
            *self.besides.entry(besides.clone()).or_default() += 1;
        }
    }

    pub(super) fn merge(&mut self, other: &Cell) {
        for (outcome, count) in &other.counts {
            *self.counts.entry(*outcome).or_default() += count;
        }
        self.took.extend(&other.took);
        for (besides, count) in &other.besides {
            *self.besides.entry(besides.clone()).or_default() += count;
        }
    }

    pub(super) fn count(&self, outcome: Outcome) -> u64 {
        self.counts.get(&outcome).copied().unwrap_or_default()
    }

    pub(super) fn total(&self) -> u64 {
        self.counts.values().sum()
    }

    pub(super) fn right(&self) -> u64 {
        self.count(Outcome::Right) + self.count(Outcome::Late)
    }

    /// Which part of the faults was said to be what it is; none without any.
    pub(super) fn recall(&self) -> Option<f64> {
        let total = self.total();
        (total > 0).then(|| self.right() as f64 / total as f64)
    }

    /// That part of the times is not longer.
    pub(super) fn percentile(&self, part: f64) -> Option<f32> {
        let mut took = self.took.clone();
        took.sort_by(f32::total_cmp);
        let last = took.len().checked_sub(1)?;
        Some(took[(last as f64 * part).round() as usize])
    }
}

/// Something that is not as it should be, and where to find it.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Finding {
    /// The seed of its world.
    pub seed: u64,
    /// Which fault of that world, counted from 1.
    pub fault: usize,
    /// The class of that fault.
    pub class: Option<Class>,
    /// The fault in words.
    pub what: String,
    /// What was said of it; none: another rule was broken.
    pub outcome: Option<Outcome>,
    /// What is missing, or too much.
    pub why: String,
}

/// What many worlds add up to.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct Matrix {
    /// Worlds told.
    pub worlds: u64,
    /// Faults injected.
    pub faults: u64,
    /// Things that happened.
    pub steps: u64,
    /// Simulated time.
    pub simulated: Duration,
    /// By whether it can be told, class, and class of loss.
    pub(super) cells: BTreeMap<(bool, Class, usize), Cell>,
    /// What is not as it should be, lowest seed first.
    pub findings: Vec<Finding>,
    /// How many there are, also of those that are not kept.
    pub found: u64,
    /// Worlds that ended with another broken rule.
    pub broken: u64,
}

impl Matrix {
    pub(super) fn add(&mut self, told: &Told) {
        let story = &told.course.story;
        let percent = (story.loss * 100.0).round() as u64;
        let loss = LOSS.iter().position(|(_, most)| percent <= *most).unwrap_or(LOSS.len() - 1);
        self.worlds += 1;
        self.faults += told.judged.len() as u64;
        self.steps += told.steps;
        self.simulated += told.simulated;
        for judged in &told.judged {
            self.cells.entry((judged.told, judged.class, loss)).or_default().add(judged);
            let miss = judged.told && !judged.outcome.is_right();
            if miss || judged.outcome == Outcome::Wrong {
                self.find(Finding {
                    seed: story.seed,
                    fault: judged.number + 1,
                    class: Some(judged.class),
                    what: judged.fault.clone(),
                    outcome: Some(judged.outcome),
                    why: judged.why.clone().unwrap_or_default(),
                });
            }
        }
        if let Some((number, why)) = told.broken.as_ref().filter(|(_, why)| !why.is_empty()) {
            self.broken += 1;
            let judged = told.judged.get(*number);
            self.find(Finding {
                seed: story.seed,
                fault: number + 1,
                class: judged.map(|it| it.class),
                what: judged.map_or_else(|| "none yet".to_owned(), |it| it.fault.clone()),
                outcome: None,
                why: why.clone(),
            });
        }
    }

    fn find(&mut self, finding: Finding) {
        self.found += 1;
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(finding);
        }
    }

    /// The cells of which `such` holds, added up.
    pub(super) fn sum(&self, such: impl Fn(bool, Class, usize) -> bool) -> Cell {
        let mut sum = Cell::default();
        for ((told, class, loss), cell) in &self.cells {
            if such(*told, *class, *loss) {
                sum.merge(cell);
            }
        }
        sum
    }

    /// How often somebody was blamed to whom nothing was done.
    pub fn wrong(&self) -> u64 {
        self.sum(|_, _, _| true).count(Outcome::Wrong)
    }

    /// The recall where a third voice is.
    pub fn recall(&self, sort: Sort) -> Option<f64> {
        self.sum(|told, class, _| told && class.sort() == sort).recall()
    }

    /// Whether nobody healthy was blamed, each sort of faults reached its target, and
    /// no other rule was broken.
    pub fn is_well(&self) -> bool {
        let reached = |sort: Sort| self.recall(sort).is_none_or(|recall| recall >= sort.target());
        self.wrong() == 0 && self.broken == 0 && reached(Sort::Total) && reached(Sort::Partial)
    }
}
