//! One fault of the catalogue, or several at once: what is done, what must and
//! may be said of it, and whether it was. Pure.

use std::time::Duration;

use crate::{
    control::Request,
    events::{Event, Watch},
    plan::Plan,
    trial::Said,
};

/// What must be said, by whom, and how soon.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Must {
    /// What.
    pub(crate) said: Said,
    /// By these nodes, each exactly once.
    pub(crate) observers: Vec<usize>,
    /// Counted from the step that brings it about.
    pub(crate) within: Duration,
    /// Which step that is.
    pub(crate) since: usize,
}

/// Something that is done to the cluster.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Step {
    /// The lab does it.
    Ask(Request),
    /// Nothing, for so long.
    Wait(Duration),
    /// So many threads keep the processors busy for so long.
    Load(usize, Duration),
}

/// A row of the catalogue on one cluster.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Case {
    /// In words: `n3 eth0 cut`.
    pub(crate) title: String,
    /// What is done, in order.
    pub(crate) steps: Vec<Step>,
    /// What must be said.
    pub(crate) must: Vec<Must>,
    /// What may be said besides.
    pub(crate) may: Vec<Said>,
    /// What must be said when all is repaired.
    pub(crate) repaired: Vec<Must>,
}

/// What was not as it must be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Complaint {
    /// Somebody said of something healthy that it failed, or told it twice.
    Wrong(String),
    /// Somebody did not say what must be said.
    Missing(String),
    /// Somebody said it after its bound.
    Late(String),
}

/// What came of a case.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) struct Judgement {
    /// Nanoseconds from the step that brought it about to each right event.
    pub(crate) took_ns: Vec<u64>,
    /// What was not right.
    pub(crate) complaints: Vec<Complaint>,
}

impl Case {
    /// Whether all that must be said is said in what came after the marks.
    pub(crate) fn is_said(&self, watch: &Watch, marks: &[usize]) -> bool {
        is_said(&self.must, watch, marks)
    }

    /// Judges what was said after the marks; `done` is when each step was.
    pub(crate) fn judge(&self, watch: &Watch, marks: &[usize], done: &[u64]) -> Judgement {
        let mut judgement = heard(&self.must, watch, marks, done);
        for (observer, events) in watch.said.iter().enumerate() {
            let mut told: Vec<&Said> = Vec::new();
            for event in events[marks[observer]..].iter().filter(|event| event.is_judgement()) {
                let must = self.must.iter().map(|must| &must.said).find(|it| it.fits(event));
                let again = must.is_some_and(|said| told.contains(&said));
                let may = self.may.iter().any(|said| said.fits(event));
                told.extend(must);
                if (must.is_none() || again) && !may {
                    let who = Plan::node_name(observer);
                    let words = format!("{who} said {}: {}", event.words(), event.msg);
                    judgement.complaints.push(Complaint::Wrong(words));
                }
            }
        }
        judgement
    }

    /// Whether all that must be said of the repair is said after the marks.
    pub(crate) fn is_repaired(&self, watch: &Watch, marks: &[usize]) -> bool {
        is_said(&self.repaired, watch, marks)
    }

    /// Judges what was said after a repair at `at`.
    pub(crate) fn judge_repair(&self, watch: &Watch, marks: &[usize], at: u64) -> Judgement {
        heard(&self.repaired, watch, marks, &[at])
    }
}

fn first<'a>(must: &Must, observer: usize, watch: &'a Watch, marks: &[usize]) -> Option<&'a Event> {
    watch.said[observer][marks[observer]..].iter().find(|event| must.said.fits(event))
}

fn is_said(musts: &[Must], watch: &Watch, marks: &[usize]) -> bool {
    musts.iter().all(|must| must.observers.iter().all(|o| first(must, *o, watch, marks).is_some()))
}

fn heard(musts: &[Must], watch: &Watch, marks: &[usize], done: &[u64]) -> Judgement {
    let mut judgement = Judgement::default();
    for must in musts {
        let since = done.get(must.since).copied().unwrap_or_default();
        for &observer in &must.observers {
            let who = Plan::node_name(observer);
            let Some(event) = first(must, observer, watch, marks) else {
                let words = format!("{who} never said {}", must.said.words());
                judgement.complaints.push(Complaint::Missing(words));
                continue;
            };
            let took = event.mono_ns.saturating_sub(since);
            judgement.took_ns.push(took);
            if Duration::from_nanos(took) > must.within {
                let (took, within) = (Duration::from_nanos(took), must.within);
                let words = format!("{who} said {} after {took:?} of {within:?}", event.words());
                judgement.complaints.push(Complaint::Late(words));
            }
        }
    }
    judgement
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut() -> Case {
        let said = Said {
            event: "adapter.down",
            nodes: vec!["n2".into()],
            causes: vec!["both"],
            ..Said::default()
        };
        let within = Duration::from_micros(1);
        Case {
            title: "n2 eth0 cut".into(),
            steps: Vec::new(),
            must: vec![Must { said, observers: vec![0, 1], within, since: 0 }],
            may: vec![Said { event: "node.up", ..Said::default() }],
            repaired: Vec::new(),
        }
    }

    fn down(node: &str, at: u64) -> Event {
        Event {
            event: "adapter.down".into(),
            node: node.into(),
            cause: "both".into(),
            mono_ns: at,
            ..Event::default()
        }
    }

    fn judged(n1: Vec<Event>, n2: Vec<Event>) -> Judgement {
        let mut watch = Watch::new([].into_iter());
        watch.said = vec![n1, n2];
        cut().judge(&watch, &[0, 0], &[1_000])
    }

    #[test]
    fn what_everybody_says_once_and_in_time_is_right() {
        let up = Event { event: "node.up".into(), ..Event::default() };
        let judgement = judged(vec![down("n2", 1_500)], vec![up, down("n2", 2_000)]);
        assert_eq!(judgement, Judgement { took_ns: vec![500, 1_000], complaints: Vec::new() });
    }

    #[test]
    fn what_is_said_of_another_adapter_is_wrong() {
        let judgement = judged(vec![down("n2", 1_500), down("n1", 1_600)], vec![down("n2", 1_500)]);
        assert!(matches!(judgement.complaints[..], [Complaint::Wrong(_)]), "{judgement:?}");
    }

    #[test]
    fn what_is_said_twice_is_wrong() {
        let judgement = judged(vec![down("n2", 1_500), down("n2", 1_600)], vec![down("n2", 1_500)]);
        assert!(matches!(judgement.complaints[..], [Complaint::Wrong(_)]), "{judgement:?}");
    }

    #[test]
    fn what_somebody_does_not_say_is_missing() {
        let judgement = judged(vec![down("n2", 1_500)], Vec::new());
        assert!(matches!(judgement.complaints[..], [Complaint::Missing(_)]), "{judgement:?}");
    }

    #[test]
    fn what_is_said_after_its_bound_is_late() {
        let judgement = judged(vec![down("n2", 2_001)], vec![down("n2", 1_500)]);
        assert!(matches!(judgement.complaints[..], [Complaint::Late(_)]), "{judgement:?}");
    }
}
