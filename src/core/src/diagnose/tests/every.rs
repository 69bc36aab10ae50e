//! Every small case there is, held against what must be true of each.
//!
//! Two sweeps, as one over all there is to observe would take minutes: who
//! reaches whom with up to three arbiters; and, with fewer shapes of those,
//! everything that can be known of the suspect.

use super::*;

/// What one arbiter and the two parties find of each other.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Arbiter {
    reaches_reporter: bool,
    reaches_suspect: bool,
    reporter_reaches_it: bool,
    suspect_reaches_it: bool,
}

impl Arbiter {
    fn of(bits: u8) -> Self {
        let bit = |n: u8| bits & (1 << n) != 0;
        Arbiter {
            reaches_reporter: bit(0),
            reaches_suspect: bit(1),
            reporter_reaches_it: bit(2),
            suspect_reaches_it: bit(3),
        }
    }

    fn meets_reporter(self) -> bool {
        self.reaches_reporter || self.reporter_reaches_it
    }

    fn meets_suspect(self) -> bool {
        self.reaches_suspect || self.suspect_reaches_it
    }
}

/// What is known of the suspect's node besides its adapter in question.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Elsewhere {
    /// It has no other network.
    Untried,
    /// It has, and answers nothing there.
    Silent,
    /// Its daemon speaks over another network.
    Speaks,
    /// Its NIM there answers, its daemon says nothing of what arrived.
    Answers,
}

/// One case, as the world is.
#[derive(Clone, Debug)]
struct Case {
    arbiters: Vec<Arbiter>,
    /// The reporter's probe of the suspect is answered.
    direct: bool,
    /// The suspect was asked whom it reaches: whether the reporter answers.
    back: Option<bool>,
    elsewhere: Elsewhere,
    icmp: Option<bool>,
    stalled: bool,
    /// What the two parties are told to have received, and are heard of.
    seen: [bool; 2],
    heard: [bool; 2],
    reference: Option<bool>,
}

impl Case {
    fn observations(&self) -> Vec<Observation> {
        let mut all = vec![self.probe(R, S, self.direct)];
        if let Some(answers) = self.back {
            all.push(self.probe(S, R, answers));
        }
        for (name, arbiter) in [A, B, C].into_iter().zip(&self.arbiters) {
            all.push(self.probe(name, R, arbiter.reaches_reporter));
            all.push(self.probe(name, S, arbiter.reaches_suspect));
            all.push(self.probe(R, name, arbiter.reporter_reaches_it));
            if self.back.is_some() {
                all.push(self.probe(S, name, arbiter.suspect_reaches_it));
            }
        }
        match self.elsewhere {
            Elsewhere::Untried => {}
            Elsewhere::Silent | Elsewhere::Speaks => all.push(on_second(R, S, 0)),
            Elsewhere::Answers => all.push(on_second(R, S, 2)),
        }
        if let Some(answers) = self.reference {
            all.push(of_reference(R, answers));
        }
        all
    }

    fn probe(&self, prober: u8, target: u8, answers: bool) -> Observation {
        let mut probe = if answers { answered(prober, target) } else { unanswered(prober, target) };
        let party = match target {
            S => 0,
            R => 1,
            _ => return probe,
        };
        if !answers {
            probe.heard_from_target = u32::from(self.heard[party]);
        }
        let speaks = target == R || self.elsewhere == Elsewhere::Speaks;
        if speaks {
            probe.elsewhere = Some(true);
            probe.seen_by_target = Some(u32::from(self.seen[party] || answers));
        } else if self.elsewhere != Elsewhere::Untried {
            probe.elsewhere = Some(false);
        }
        if target == S {
            probe.icmp = self.icmp;
            probe.stalled = self.stalled && answers;
        }
        probe
    }

    /// Some answer has passed between this party and somebody on the network.
    fn is_met(&self, party: Party) -> bool {
        let directly = self.direct || self.back == Some(true);
        let by_arbiters = self.arbiters.iter().any(|arbiter| match party {
            Party::Reporter => arbiter.meets_reporter(),
            Party::Suspect => arbiter.meets_suspect(),
        });
        directly || by_arbiters
    }

    fn suspect_lives_elsewhere(&self) -> bool {
        matches!(self.elsewhere, Elsewhere::Speaks | Elsewhere::Answers) || self.back.is_some()
    }
}

/// What must be true of every conclusion.
fn hold(case: &Case) {
    let conclusion = found(case.observations());
    let stalled = case.is_stall_seen();
    let works = case.direct || case.back == Some(true) || case.path_carries();
    assert_eq!(conclusion == Conclusion::Alive, works && !stalled, "{conclusion:?} of {case:?}");
    let fair = match &conclusion {
        Conclusion::Alive => true,
        Conclusion::Fact(_) => false,
        Conclusion::Adapter { culprit, .. } => !case.is_met(*culprit),
        Conclusion::Path { .. } => {
            case.arbiters.iter().any(|arbiter| arbiter.meets_reporter() && arbiter.meets_suspect())
        }
        Conclusion::Partition { sides } => {
            case.is_met(Party::Reporter)
                && case.is_met(Party::Suspect)
                && sides[0].iter().all(|address| !sides[1].contains(address))
        }
        Conclusion::Network => {
            !case.arbiters.is_empty()
                && !case.is_met(Party::Reporter)
                && !case.is_met(Party::Suspect)
                && (case.suspect_lives_elsewhere() || case.elsewhere == Elsewhere::Untried)
        }
        Conclusion::Node { .. } => {
            !case.is_met(Party::Suspect)
                && !case.suspect_lives_elsewhere()
                && case.icmp != Some(true)
        }
        Conclusion::Daemon => {
            let host_only = !case.is_met(Party::Suspect) && !case.suspect_lives_elsewhere();
            stalled || (host_only && case.icmp == Some(true))
        }
        Conclusion::Inconclusive { missing } if *missing == AGREEMENT => case.is_one_sided(),
        Conclusion::Inconclusive { .. } => case.reference.is_none() && case.has_no_voice(),
    };
    assert!(fair, "{conclusion:?} of {case:?}");
}

impl Case {
    /// Something of each party has arrived at the other.
    fn path_carries(&self) -> bool {
        let asked = self.back.is_some();
        let there =
            (self.elsewhere == Elsewhere::Speaks && self.seen[0]) || (asked && self.heard[1]);
        let back = self.heard[0] || (asked && self.seen[1]);
        there && back
    }

    /// Some answer of the suspect carried the flag, and its daemon said nothing.
    fn is_stall_seen(&self) -> bool {
        let answered = self.direct || self.arbiters.iter().any(|arbiter| arbiter.reaches_suspect);
        let speaks = self.elsewhere == Elsewhere::Speaks || self.back.is_some();
        self.stalled && answered && !speaks
    }

    /// Something passed one way to or from a party, and nobody has met one of them.
    fn is_one_sided(&self) -> bool {
        self.seen.iter().chain(&self.heard).any(|it| *it)
            && !(self.is_met(Party::Suspect) && self.is_met(Party::Reporter))
    }

    /// No arbiter gave an opinion worth anything: there is none.
    fn has_no_voice(&self) -> bool {
        self.arbiters.is_empty()
    }
}

/// Whom it puts the fault on.
fn blamed(conclusion: &Conclusion) -> Option<Party> {
    match conclusion {
        Conclusion::Adapter { culprit, .. } => Some(*culprit),
        Conclusion::Fact(_) | Conclusion::Node { .. } | Conclusion::Daemon => Some(Party::Suspect),
        Conclusion::Alive
        | Conclusion::Path { .. }
        | Conclusion::Partition { .. }
        | Conclusion::Network
        | Conclusion::Inconclusive { .. } => None,
    }
}

/// Had the suspect reported the reporter, the same evidence must not clear the
/// one and blame the other.
fn hold_from_both_ends(case: &Case) {
    let there = found(case.observations());
    let back = between(S, R, case.observations());
    let contradiction = matches!(
        (blamed(&there), blamed(&back)),
        (Some(Party::Suspect), Some(Party::Suspect))
            | (Some(Party::Reporter), Some(Party::Reporter))
    );
    assert!(!contradiction, "{there:?} and {back:?} of {case:?}");
    let shared = |conclusion: &Conclusion| {
        use Conclusion::*;
        matches!(conclusion, Alive | Path { .. } | Partition { .. })
    };
    assert_eq!(shared(&there), shared(&back), "{there:?} and {back:?} of {case:?}");
}

const NONE_OR_EITHER: [Option<bool>; 3] = [None, Some(false), Some(true)];
const ELSEWHERE: [Elsewhere; 4] =
    [Elsewhere::Untried, Elsewhere::Silent, Elsewhere::Speaks, Elsewhere::Answers];

/// Groups of up to `most` arbiters of these shapes; who is who does not matter.
fn groups(shapes: &[Arbiter], most: usize) -> Vec<Vec<Arbiter>> {
    let mut all = vec![vec![]];
    let mut from = 0;
    for _ in 0..most {
        let until = all.len();
        for at in from..until {
            for shape in shapes {
                if all[at].last().is_none_or(|last| last <= shape) {
                    let mut next = all[at].clone();
                    next.push(*shape);
                    all.push(next);
                }
            }
        }
        from = until;
    }
    all
}

#[test]
fn whoever_reaches_whom_nobody_is_blamed_that_anybody_meets() {
    let shapes: Vec<Arbiter> = (0..16).map(Arbiter::of).collect();
    let parties = [(false, None), (false, Some(false)), (false, Some(true)), (true, None)];
    let around = [
        (Elsewhere::Untried, None),
        (Elsewhere::Silent, None),
        (Elsewhere::Speaks, None),
        (Elsewhere::Silent, Some(true)),
        (Elsewhere::Speaks, Some(false)),
    ];
    for arbiters in groups(&shapes, 3) {
        for (direct, back) in parties {
            // What the suspect reaches is known of one that was asked.
            if back.is_none() && arbiters.iter().any(|arbiter| arbiter.suspect_reaches_it) {
                continue;
            }
            for (elsewhere, reference) in around {
                let case = Case {
                    arbiters: arbiters.clone(),
                    direct,
                    back,
                    elsewhere,
                    icmp: Some(false),
                    stalled: false,
                    seen: [false; 2],
                    heard: [false; 2],
                    reference,
                };
                hold(&case);
                hold_from_both_ends(&case);
            }
        }
    }
}

#[test]
fn whatever_is_known_of_the_suspect_nobody_is_blamed_that_anybody_meets() {
    let shapes: Vec<Arbiter> = (0..4).map(Arbiter::of).collect();
    for arbiters in groups(&shapes, 2) {
        for bits in 0u8..128 {
            let bit = |n: u8| bits & (1 << n) != 0;
            for (icmp, elsewhere) in
                NONE_OR_EITHER.into_iter().flat_map(|icmp| ELSEWHERE.map(|other| (icmp, other)))
            {
                hold(&Case {
                    arbiters: arbiters.clone(),
                    direct: bit(0),
                    back: bit(1).then_some(false),
                    elsewhere,
                    icmp,
                    stalled: bit(2),
                    seen: [bit(3), bit(4)],
                    heard: [bit(5), bit(6)],
                    reference: None,
                });
            }
        }
    }
}
