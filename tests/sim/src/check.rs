//! The checkers: what must hold after every step, whatever was done.
//!
//! Each rule is an object of its own, in a file of its own. It is told what is
//! new since it last looked, and may look at the world as it is now; so that
//! looking after every step costs next to nothing. That each of them catches
//! what it is there for is shown by `tests::every_checker_catches_its_mutation`.

use crate::{
    process::Process,
    record::{Adoption, Order, Said},
    world::World,
};

mod allowed;
mod authority;
mod blame;
mod bounds;
mod claims;
mod growth;
mod leader;
mod leave;
mod membership;
mod replay;
mod ring;
mod roles;
mod scene;
mod told;

pub(crate) use told::Told;

/// One rule, watched over a whole run.
pub trait Checker {
    /// The rule in a few words.
    fn name(&self) -> &'static str;

    /// Whether it looks at machines themselves, each time that one has run, and
    /// not only when there are news.
    fn watches_machines(&self) -> bool {
        false
    }

    /// Whether it held in what is new; else who broke it, and how.
    fn check(&mut self, world: &World, news: &News<'_>) -> Result<(), String>;
}

/// The name of that rule.
pub(crate) const NOTHING_HEALTHY_IS_BLAMED: &str = "nothing healthy is blamed";

/// What was recorded in the last step.
#[derive(Clone, Copy, Debug)]
pub struct News<'a> {
    pub(crate) said: &'a [Said],
    pub(crate) adoptions: &'a [Adoption],
    pub(crate) orders: &'a [Order],
    /// Whose machines had something to do.
    pub(crate) ran: &'a [Process],
}

/// Up to where the records have been checked.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Checked {
    said: usize,
    adoptions: usize,
    orders: usize,
}

/// Rules that the protocol does not keep yet: they are held only when
/// `HATS_STRICT=1` asks for it, and each says what breaks it.
const NOT_KEPT_YET: &[&str] = &[
    // A leader that was asleep or cut off, and removed meanwhile, takes the
    // others in by the Join of their leader as if they had never been away:
    // seeds 33, 48, 84.
    "symmetric leave before re-join",
    // A leader commits something else before it is judged that a part of its
    // group is cut off, and the other part counts alike: seeds 369, 605, 662.
    "one leader per network and instance",
];

/// Whether `HATS_STRICT=1` is set.
pub(crate) fn strict_from_environment() -> bool {
    match std::env::var("HATS_STRICT").as_deref() {
        Err(_) | Ok("" | "0") => false,
        Ok("1") => true,
        Ok(other) => panic!("HATS_STRICT is {other:?}: expected 0 or 1"),
    }
}

/// One of each that is to be held.
pub(crate) fn all(strict: bool) -> Vec<Box<dyn Checker>> {
    let mut all = every();
    all.retain(|checker| strict || !NOT_KEPT_YET.contains(&checker.name()));
    all
}

/// One of each.
pub(crate) fn every() -> Vec<Box<dyn Checker>> {
    vec![
        Box::new(membership::OneMembership::default()),
        Box::new(leader::OneLeader::default()),
        Box::new(roles::TheTwoHighest::default()),
        Box::new(growth::NumbersGrow::default()),
        Box::new(ring::OneRing::default()),
        Box::new(leave::SymmetricLeave::default()),
        Box::new(blame::HealthyIsNotBlamed::default()),
        Box::new(claims::NoClaimTooLarge),
        Box::new(authority::OneAuthority::default()),
        Box::new(replay::ToldOnce::default()),
        Box::new(replay::EventsReplay::default()),
        Box::new(bounds::WithinBounds::default()),
    ]
}

/// In worlds of up to so many nodes, what one of them shows is looked at in
/// full each time; in larger ones, half as many of them are.
const LOOKED_AT: usize = 64;

/// Whether to look at what the node of `host` shows: it grows with the world,
/// and so does the number of those that show it.
pub(crate) fn is_looked_at(world: &World, host: usize) -> bool {
    let count = world.hosts.len();
    count <= LOOKED_AT || host.is_multiple_of(count / (LOOKED_AT / 2))
}

impl World {
    /// Shows every checker what is new; an error is the first objection.
    pub(crate) fn check(&mut self) -> Result<(), String> {
        let from = self.checked;
        let records = &self.records;
        self.checked = Checked {
            said: records.said.len(),
            adoptions: records.adoptions.len(),
            orders: records.orders.len(),
        };
        let silent = from.said == self.checked.said
            && from.adoptions == self.checked.adoptions
            && from.orders == self.checked.orders;
        if silent && self.ran.is_empty() {
            return Ok(());
        }
        if !silent && self.is_truth_unseen() {
            self.see_truth();
        }
        let mut checkers = std::mem::take(&mut self.checkers);
        let news = News {
            said: &self.records.said[from.said..],
            adoptions: &self.records.adoptions[from.adoptions..],
            orders: &self.records.orders[from.orders..],
            ran: &self.ran,
        };
        let concerned = checkers.iter_mut().filter(|it| !silent || it.watches_machines());
        let result = concerned.into_iter().try_for_each(|checker| {
            checker.check(self, &news).map_err(|why| format!("{}: {why}", checker.name()))
        });
        self.checkers = checkers;
        self.ran.clear();
        if silent {
            return result;
        }
        if let Some(keeps) = &self.keeps {
            self.records.forget(from.said, keeps);
            self.checked.said = self.records.said.len();
        }
        result
    }
}

#[cfg(test)]
mod tests;
