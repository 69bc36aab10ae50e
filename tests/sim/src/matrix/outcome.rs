//! What came of a fault: the columns of the matrix.

use std::{collections::BTreeSet, time::Duration};

use serde::Serialize;

use super::{class::Class, wanted::Wanted};
use crate::{expect::Blame, record::Said, world::World};

/// What was said of a fault, against what was done.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// What it is, known to all that are connected, within the printed bound.
    Right,
    /// The same after it, within what lost datagrams may add.
    Late,
    /// Said with authority, and not known to all within the limit.
    Untold,
    /// The culprit is right, cause or direction is not.
    Direction,
    /// Something that is so, and less than what it is: that it cannot be told, or
    /// something else that is true of the one it befell.
    Weaker,
    /// Nothing.
    Nothing,
    /// Somebody to whom nothing was done is blamed, or for what was not done.
    Wrong,
}

impl Outcome {
    /// Each, in the order of columns.
    pub const ALL: [Outcome; 7] = [
        Outcome::Right,
        Outcome::Late,
        Outcome::Untold,
        Outcome::Direction,
        Outcome::Weaker,
        Outcome::Nothing,
        Outcome::Wrong,
    ];

    /// The head of its column.
    pub fn word(self) -> &'static str {
        match self {
            Outcome::Right => "right",
            Outcome::Late => "late",
            Outcome::Untold => "untold",
            Outcome::Direction => "direction",
            Outcome::Weaker => "weaker",
            Outcome::Nothing => "nothing",
            Outcome::Wrong => "WRONG",
        }
    }

    /// It counts for the recall.
    pub fn is_right(self) -> bool {
        matches!(self, Outcome::Right | Outcome::Late)
    }
}

/// One fault, judged.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Judged {
    /// Its number in its world.
    pub(crate) number: usize,
    pub(crate) class: Class,
    /// The fault in words.
    pub(crate) fault: String,
    pub(crate) told: bool,
    pub(crate) outcome: Outcome,
    /// Until everybody knew, in parts of the printed bound.
    pub(crate) took: Option<f32>,
    /// What was said with authority that was not wanted.
    pub(crate) besides: BTreeSet<String>,
    /// Why, if it is not right.
    pub(crate) why: Option<String>,
}

/// Listens to what is said of one fault.
pub(super) struct Ear<'a> {
    wanted: &'a Wanted,
    began: Duration,
    next: usize,
    /// Of each blame that is wanted: who has said it.
    heard: Vec<BTreeSet<String>>,
    /// Of each: whether with authority.
    decided: Vec<bool>,
    /// Everything that was said with authority.
    said: BTreeSet<Blame>,
    /// When the last one that had to had said the last.
    known: Option<Duration>,
}

impl<'a> Ear<'a> {
    /// Here and now.
    pub(super) fn new(world: &World, wanted: &'a Wanted) -> Ear<'a> {
        let count = wanted.blames.len();
        Ear {
            wanted,
            began: world.now(),
            next: world.events().len(),
            heard: vec![BTreeSet::new(); count],
            decided: vec![false; count],
            said: BTreeSet::new(),
            known: None,
        }
    }

    /// Takes in what is new: whether all that is wanted has been said by all.
    pub(super) fn listen(&mut self, world: &World) -> bool {
        while let Some(said) = world.events().get(self.next) {
            self.next += 1;
            self.take(said);
        }
        self.known.is_some()
    }

    fn take(&mut self, said: &Said) {
        let Some(blame) = Blame::of(&said.event) else { return };
        for (at, wanted) in self.wanted.blames.iter().enumerate() {
            if wanted.covers(&blame) {
                self.decided[at] |= said.event.authority;
                if self.wanted.witnesses.contains(&said.observer) {
                    self.heard[at].insert(said.observer.clone());
                }
            }
        }
        if said.event.authority {
            self.said.insert(blame);
        }
        let all = !self.decided.is_empty()
            && self.decided.iter().all(|it| *it)
            && self.heard.iter().all(|it| it.len() == self.wanted.witnesses.len());
        if all {
            self.known.get_or_insert(said.at.saturating_sub(self.began));
        }
    }

    /// Whether anything was said with authority.
    pub(super) fn has_heard(&self) -> bool {
        !self.said.is_empty()
    }

    /// What it comes to, once the fault has been judged or its time is over; `strict`:
    /// where nothing is wanted, what is said is wrong even if it was so for a moment.
    pub(super) fn outcome(&self, strict: bool) -> Outcome {
        let wanted = &self.wanted.blames;
        if wanted.is_empty() {
            let said = self.unwanted().next().is_some();
            return match (said, strict) {
                (false, _) => Outcome::Right,
                (true, false) => Outcome::Weaker,
                (true, true) => Outcome::Wrong,
            };
        }
        match self.known {
            Some(known) if known <= self.wanted.bound => return Outcome::Right,
            Some(known) if known <= self.wanted.limit => return Outcome::Late,
            Some(_) | None => {}
        }
        if self.decided.iter().all(|it| *it) {
            Outcome::Untold
        } else if self.said.iter().any(|it| wanted.iter().any(|want| want.is_of_the_same(it))) {
            Outcome::Direction
        } else if self.has_heard() {
            Outcome::Weaker
        } else {
            Outcome::Nothing
        }
    }

    /// Until everybody knew, in parts of the printed bound.
    pub(super) fn took(&self) -> Option<f32> {
        self.known.map(|known| known.as_secs_f32() / self.wanted.bound.as_secs_f32())
    }

    /// What was said with authority and was not wanted.
    pub(super) fn unwanted(&self) -> impl Iterator<Item = &Blame> {
        let fits = |blame: &&Blame| {
            let mut may = self.wanted.blames.iter().chain(&self.wanted.tolerated);
            !may.any(|it| it.covers(blame))
        };
        self.said.iter().filter(fits)
    }

    /// What is missing, and what was said instead.
    pub(super) fn why(&self) -> String {
        let mut missing = Vec::new();
        for (at, blame) in self.wanted.blames.iter().enumerate() {
            let silent: Vec<&str> = self
                .wanted
                .witnesses
                .iter()
                .filter(|name| !self.heard[at].contains(*name))
                .map(String::as_str)
                .collect();
            if !self.decided[at] {
                missing.push(format!("nobody decides {blame}"));
            } else if !silent.is_empty() {
                missing.push(format!("{blame} is not known to {}", silent.join(" ")));
            }
        }
        if let Some(took) = self.took().filter(|_| missing.is_empty()) {
            missing.push(format!("known to all only after {took:.2} of the bound"));
        }
        let said: Vec<String> = self.unwanted().map(Blame::to_string).collect();
        if !said.is_empty() {
            missing.push(format!("said: {}", said.join(", ")));
        }
        missing.join("; ")
    }
}

/// What is said in words that are the same for all nodes and networks.
pub(super) fn sort_of(blame: &Blame) -> String {
    let text = blame.to_string();
    let mut words = text.split(' ');
    let kind = words.next().unwrap_or_default();
    let cause = text.rsplit(' ').next().unwrap_or_default();
    let known = hats_wire::Cause::ALL.iter().any(|it| it.word() == cause)
        || ["both", "to_peer", "from_peer"].contains(&cause);
    if known { format!("{kind} {cause}") } else { kind.to_owned() }
}
