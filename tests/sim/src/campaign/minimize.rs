//! A smaller story that fails in the same way.
//!
//! Delta debugging: parts are left out, large ones first, for as long as what is
//! left still fails with the same [kind](Ending::kind): episodes, steps, nodes,
//! networks, adapters, loss; then times are rounded. Whatever is left out
//! changes what chance does to the rest, so each attempt is made with a few
//! seeds.

use std::{collections::BTreeSet, ops::Range, time::Duration};

use super::{
    Ending, Scenario,
    fault::Fault,
    span,
    story::{Step, Story},
    tell,
};

/// How to look for it.
pub struct Minimizing<'a> {
    /// With how many seeds each attempt is made, the story's own first.
    pub seeds: u64,
    /// Hears what was left out.
    pub dropped: &'a mut dyn FnMut(&str),
    /// Asked before each attempt: whether to end with what there is.
    pub stop: &'a dyn Fn() -> bool,
}

/// What is left of a story.
#[derive(Clone, Debug)]
pub struct Minimized {
    /// Its end.
    pub ending: Ending,
    /// So many stories were told to find it.
    pub tried: u64,
}

/// Makes `story` smaller; none when it ends well.
pub fn minimize(story: Story, how: Minimizing<'_>) -> Option<Minimized> {
    let ending = tell(story);
    let kind = ending.kind()?;
    let mut search = Search { kind, ending, how, seen: BTreeSet::new(), tried: 1 };
    while search.episodes()
        | search.steps()
        | search.nodes()
        | search.networks()
        | search.adapters()
        | search.numbers()
    {}
    Some(Minimized { ending: search.ending, tried: search.tried })
}

struct Search<'a> {
    kind: String,
    /// Of the smallest story so far.
    ending: Ending,
    how: Minimizing<'a>,
    /// What was tried already.
    seen: BTreeSet<String>,
    tried: u64,
}

impl Search<'_> {
    fn best(&self) -> &Story {
        &self.ending.story
    }

    /// Takes `story` for the best if it fails in the same way.
    fn attempt(&mut self, story: Story, dropped: &str) -> bool {
        let name = "an attempt to leave something out".to_owned();
        let scenario = Scenario { name, why: None, story };
        let text = scenario.write();
        // What cannot be written down is no story, as a pause without a node.
        let fits = Scenario::read("", &text).is_ok_and(|read| read == scenario);
        if scenario.story == *self.best() || !fits || !self.seen.insert(text) {
            return false;
        }
        for more in 0..self.how.seeds {
            if (self.how.stop)() {
                return false;
            }
            let seed = scenario.story.seed.wrapping_add(more);
            let ending = tell(Story { seed, ..scenario.story.clone() });
            self.tried += 1;
            if ending.kind().as_ref() == Some(&self.kind) {
                self.ending = ending;
                (self.how.dropped)(dropped);
                return true;
            }
        }
        false
    }

    /// Leaves out ranges of a list, the last part first, halves before quarters.
    fn ranges(
        &mut self,
        length: impl Fn(&Story) -> usize,
        without: impl Fn(&Story, Range<usize>) -> (Story, String),
    ) -> bool {
        let mut changed = false;
        let mut size = length(self.best());
        while size > 0 {
            let mut end = length(self.best());
            while end > 0 {
                let range = end.saturating_sub(size)..end;
                end = range.start;
                let (story, dropped) = without(self.best(), range);
                changed |= self.attempt(story, &dropped);
                end = end.min(length(self.best()));
            }
            size /= 2;
        }
        changed
    }

    fn episodes(&mut self) -> bool {
        self.ranges(
            |story| story.episodes.len(),
            |story, range| {
                let mut story = story.clone();
                let dropped = format!("{} of {} episodes", range.len(), story.episodes.len());
                story.episodes.drain(range);
                (story, dropped)
            },
        )
    }

    fn steps(&mut self) -> bool {
        let mut changed = false;
        for number in 0..self.best().episodes.len() {
            changed |= self.ranges(
                |story| story.episodes[number].steps.len(),
                |story, range| {
                    let mut story = story.clone();
                    let gone: Vec<String> = story.episodes[number]
                        .steps
                        .drain(range)
                        .map(|it| it.fault.words())
                        .collect();
                    (story, gone.join(", "))
                },
            );
        }
        changed
    }

    fn nodes(&mut self) -> bool {
        self.ranges(
            |story| story.nodes.len(),
            |story, range| {
                let gone = story.nodes[range].iter().map(|node| node.name.clone());
                let gone: Vec<String> = gone.collect();
                (story.without_nodes(&gone), gone.join(", "))
            },
        )
    }

    fn networks(&mut self) -> bool {
        let mut changed = false;
        for network in self.best().networks.clone().iter().rev() {
            changed |= self.attempt(self.best().without_network(network), network);
        }
        changed
    }

    fn adapters(&mut self) -> bool {
        let mut changed = false;
        for node in self.best().nodes.clone().iter().rev() {
            for (network, _) in &node.adapters {
                let story = self.best().without_adapter(&node.name, network);
                changed |= self.attempt(story, &format!("{}/{network}", node.name));
            }
        }
        changed
    }

    fn numbers(&mut self) -> bool {
        let without_loss = Story { loss: 0.0, ..self.best().clone() };
        let mut changed = self.attempt(without_loss, "loss");
        changed |= self.attempt(Story { ipv6: false, ..self.best().clone() }, "IPv6");
        changed |= self.attempt(self.best().renumbered(), "gaps between addresses");
        for episode in 0..self.best().episodes.len() {
            for step in 0..self.best().episodes[episode].steps.len() {
                changed |= self.times(episode, step);
            }
        }
        changed
    }

    fn times(&mut self, episode: usize, number: usize) -> bool {
        let step = self.best().episodes[episode].steps[number].clone();
        let mut with = |new: Step, what: &str| {
            let mut story = self.best().clone();
            let dropped = format!("{what} of {}", new.fault.words());
            story.episodes[episode].steps[number] = new;
            self.attempt(story, &dropped)
        };
        let endless = step.lasts.is_some() && step.fault.own_end().is_none();
        let mut changed = endless && with(Step { lasts: None, ..step.clone() }, "the end");
        let lasts = step.lasts.filter(|_| !changed);
        for span in rounder(step.after) {
            let rounded = Step { after: span, lasts, ..step.clone() };
            if with(rounded, &format!("parts of {}, the time", span::words(step.after))) {
                changed = true;
                break;
            }
        }
        let Some(lasts) = lasts else { return changed };
        let after = self.best().episodes[episode].steps[number].after;
        for span in rounder(lasts) {
            // The end may be a part of the fault.
            let Ok(fault) = Fault::parse(&step.fault.words(), Some(span)) else { continue };
            let rounded = Step { fault, after, lasts: Some(span), expect: step.expect.clone() };
            let mut story = self.best().clone();
            let dropped =
                format!("parts of {}, the length of {}", span::words(lasts), step.fault.words());
            story.episodes[episode].steps[number] = rounded;
            if self.attempt(story, &dropped) {
                return true;
            }
        }
        changed
    }
}

/// Times near `span` that are shorter to write, the shortest first.
fn rounder(span: Duration) -> impl Iterator<Item = Duration> {
    let units = [1_000_000_000, 100_000_000, 10_000_000, 1_000_000];
    let round = move |unit: u64| {
        let ns = u64::try_from(span.as_nanos()).ok()?;
        Some(Duration::from_nanos(ns.saturating_add(unit / 2) / unit * unit))
    };
    let shorter = move |near: &Duration| span::words(*near).len() < span::words(span).len();
    [Duration::ZERO].into_iter().chain(units.into_iter().filter_map(round)).filter(shorter)
}
