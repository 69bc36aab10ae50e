//! A small world explored whole: what holds, what broken machines do to it, and
//! what is known not to hold.

use hats_core::{
    config::Detection,
    group::{Group, Output},
    time::Timestamp,
};
use hats_sim::model::{
    Bounds, Clocks, Fault, Figures, Harm, Harmed, Input, Leaving, Machine, Outcome, Scenario,
    Setting, stories,
};
use hats_wire::{GroupId, Member, Message};

/// Datagrams overtake only those of the same hop: what closes within seconds.
const SMALL: Setting = Setting {
    clocks: Clocks::Even,
    overtake: Some(1),
    leaving: Leaving::OfRemoved,
    bounds: Bounds { states: 400_000, depth: u32::MAX },
};

fn scenario(name: &str) -> Scenario {
    Scenario::named(name).unwrap_or_else(|| panic!("no scenario is called {name:?}"))
}

fn explored<M: Machine>(scenario: &Scenario, setting: Setting) -> Outcome {
    scenario.explore::<M>(setting, &mut |_| {})
}

/// No rule is broken, and nothing was left out.
#[track_caller]
fn holds(scenario: &Scenario, setting: Setting) -> Figures {
    let outcome = explored::<Group>(scenario, setting);
    if let Some(broken) = outcome.broken {
        panic!("{}: {}\n{}", scenario.name, broken.why, broken.trace.join("\n"));
    }
    assert!(outcome.figures.is_closed(), "{}: {:?}", scenario.name, outcome.figures);
    outcome.figures
}

/// No rule is broken among the nearest states: the rest is for the command.
#[track_caller]
fn begins_well(scenario: &Scenario, setting: Setting, states: usize) -> Figures {
    let bounds = Bounds { states, depth: u32::MAX };
    let outcome = explored::<Group>(scenario, Setting { bounds, ..setting });
    if let Some(broken) = outcome.broken {
        panic!("{}: {}\n{}", scenario.name, broken.why, broken.trace.join("\n"));
    }
    outcome.figures
}

#[track_caller]
fn happened(figures: &Figures, kinds: &[&str]) {
    for kind in kinds {
        assert!(figures.kinds.get(*kind).is_some_and(|count| *count > 0), "{kind}: {figures:?}");
    }
}

#[test]
fn two_groups_merge_whatever_the_order_of_datagrams() {
    for name in ["merge-12-3", "merge-13-2", "merge-23-1"] {
        for clocks in [Clocks::Even, Clocks::Rising, Clocks::Falling] {
            let figures = holds(&scenario(name), Setting { clocks, ..SMALL });
            let kinds = ["Proclaim", "Join", "Prepare", "PrepareAck", "Commit", "mend"];
            happened(&figures, &kinds);
            assert!(figures.agreed > 0);
            within(&figures, "1.25");
        }
    }
}

/// Without further faults, all agree for good within so many seconds.
#[track_caller]
fn within(figures: &Figures, seconds: &str) {
    let ticks: f64 = seconds.parse::<f64>().expect("a number") * 16.0;
    assert!(figures.worst_ticks > 0 && f64::from(figures.worst_ticks) <= ticks, "{figures:?}");
}

#[test]
fn three_that_start_begin_well() {
    let figures = begins_well(&scenario("election"), SMALL, 20_000);
    happened(&figures, &["start", "Join", "Commit", "wake"]);
}

#[test]
fn one_that_is_cut_off_or_started_anew_begins_well() {
    let figures = begins_well(&scenario("split"), SMALL, 20_000);
    happened(&figures, &["cut", "mend", "alone", "learn", "isolated", "expelled"]);
    let figures = begins_well(&scenario("restart"), SMALL, 20_000);
    happened(&figures, &["restart", "judge", "overlook"]);
}

#[test]
fn one_that_dies_at_any_moment_is_succeeded() {
    let figures = holds(&scenario("takeover").with(Fault::Crash, 1), SMALL);
    happened(&figures, &["crash", "judge", "learn", "overlook", "Prepare", "Commit", "committed"]);
    within(&figures, "1.25");
}

#[test]
fn one_that_leaves_at_any_moment_is_acknowledged_and_gone() {
    let figures = holds(&scenario("leave").with(Fault::Crash, 0), SMALL);
    happened(&figures, &["leave", "Leave", "LeaveAck", "Commit"]);
    within(&figures, "1.25");
}

#[test]
fn states_of_a_machine_that_look_alike_do_the_same() {
    let some = Setting { bounds: Bounds { states: 20_000, depth: u32::MAX }, ..SMALL };
    let compared = scenario("takeover").audit::<Group>(some).expect("they do the same");
    assert!(compared > 500, "{compared}");
}

#[test]
fn whoever_leaves_by_itself_is_seen_to_leave_before_it_is_back() {
    let all = Setting { leaving: Leaving::OfAll, ..SMALL };
    holds(&scenario("merge-1-2-3"), all);
    for name in ["restart", "split"] {
        begins_well(&scenario(name), all, 100_000);
    }
}

#[test]
fn three_that_meet_agree_almost_as_fast_as_two() {
    let figures = holds(&scenario("merge-1-2-3"), SMALL);
    happened(&figures, &["mend", "Expelled", "beat"]);
    within(&figures, "1.5");
}

/// Stands between the world and a group machine.
trait Trick: Clone + Default + std::fmt::Debug {
    fn take(&mut self, group: &mut Group, now: Timestamp, input: Input) -> Vec<Output>;
}

/// A machine with a mistake.
#[derive(Clone, Debug)]
struct Broken<T> {
    group: Group,
    trick: T,
}

impl<T: Trick> Machine for Broken<T> {
    fn started(me: Member, detection: &Detection, first: u64) -> Self {
        Broken { group: Group::new(me, detection, first), trick: T::default() }
    }

    fn take(&mut self, now: Timestamp, input: Input) -> Vec<Output> {
        self.trick.take(&mut self.group, now, input)
    }

    fn group(&self) -> &Group {
        &self.group
    }
}

/// The rule that the mistake breaks first.
#[track_caller]
fn breaks<T: Trick>(scenario: &Scenario) -> String {
    let outcome = explored::<Broken<T>>(scenario, SMALL);
    let broken = outcome.broken.unwrap_or_else(|| panic!("not caught: {:?}", outcome.figures));
    assert!(broken.trace.len() > 2);
    broken.why
}

fn is_ack(output: &Output) -> bool {
    matches!(output, Output::Send { message: Message::PrepareAck { .. }, .. })
}

/// What is prepared is in force at once.
#[derive(Clone, Debug, Default)]
struct AdoptsAtPrepare;

impl Trick for AdoptsAtPrepare {
    fn take(&mut self, group: &mut Group, now: Timestamp, input: Input) -> Vec<Output> {
        let prepare = if let Input::Heard { from, message: Message::Prepare(it) } = &input {
            Some((*from, it.group, it.digest))
        } else {
            None
        };
        let mut outputs = Machine::take(group, now, input);
        if let Some((from, id, digest)) = prepare.filter(|_| outputs.iter().any(is_ack)) {
            let message = Message::Commit { group: id, digest, absent: vec![] };
            outputs.extend(Machine::take(group, now, Input::Heard { from, message }));
        }
        outputs
    }
}

#[test]
fn to_adopt_at_prepare_makes_two_memberships_of_one_instance() {
    let why = breaks::<AdoptsAtPrepare>(&scenario("merge-1-2-3").with(Fault::Crash, 1));
    assert!(why.starts_with("one membership per group instance"), "{why}");
}

/// What was prepared is adopted, though less was committed.
#[derive(Clone, Debug, Default)]
struct AdoptsAllThatWasPrepared(Option<(GroupId, u64)>);

impl Trick for AdoptsAllThatWasPrepared {
    fn take(&mut self, group: &mut Group, now: Timestamp, mut input: Input) -> Vec<Output> {
        if let Input::Heard { message: Message::Prepare(it), .. } = &input {
            self.0 = Some((it.group, it.digest));
        }
        if let Input::Heard { message: Message::Commit { group, digest, absent }, .. } = &mut input
            && let Some((_, prepared)) = self.0.filter(|(id, _)| id == group)
        {
            (*digest, *absent) = (prepared, vec![]);
        }
        Machine::take(group, now, input)
    }
}

#[test]
fn to_adopt_more_than_was_committed_makes_two_memberships_of_one_instance() {
    let why = breaks::<AdoptsAllThatWasPrepared>(&scenario("merge-1-2-3").with(Fault::Crash, 1));
    assert!(why.starts_with("one membership per group instance"), "{why}");
}

/// Does not proclaim in every other second of an absolute clock.
#[derive(Clone, Debug, Default)]
struct GoesByTheClock;

impl Trick for GoesByTheClock {
    fn take(&mut self, group: &mut Group, now: Timestamp, input: Input) -> Vec<Output> {
        let mut outputs = Machine::take(group, now, input);
        let second = now.0 / 1_000_000_000;
        outputs.retain(|it| *it != Output::Proclaim || second.is_multiple_of(2));
        outputs
    }
}

#[test]
fn states_that_look_alike_and_do_something_else_are_noticed() {
    let some = Setting { bounds: Bounds { states: 2_000, depth: u32::MAX }, ..SMALL };
    let why = scenario("takeover").audit::<Broken<GoesByTheClock>>(some);
    assert!(why.expect_err("time matters to it").contains("does not do the same"));
}

/// Does not believe that anybody is gone.
#[derive(Clone, Debug, Default)]
struct NeverDooms;

impl Trick for NeverDooms {
    fn take(&mut self, group: &mut Group, now: Timestamp, input: Input) -> Vec<Output> {
        if matches!(input, Input::Doom { .. }) { vec![] } else { Machine::take(group, now, input) }
    }
}

#[test]
fn a_dead_member_that_nobody_removes_is_noticed() {
    let why = breaks::<NeverDooms>(&scenario("takeover").with(Fault::Crash, 1));
    assert!(why.starts_with("all that hear each other agree in the end"), "{why}");
}

#[test]
fn whole_nodes_do_without_any_one_datagram() {
    for name in ["takeover", "merge-13-2"] {
        let story = stories().into_iter().find(|it| it.name == name).expect("a story");
        let plain = story.tell(1, &[]);
        assert!(plain.datagrams > 10 && plain.broken.is_none(), "{plain:?}");
        for datagram in (0..plain.datagrams).step_by(3) {
            let told = story.tell(1, &[Harmed { datagram, harm: Harm::Lost }]);
            assert_eq!(told.broken, None, "{name}: {:?}", told.harmed);
            assert_eq!(told.harmed.len(), 1, "{name} {datagram}");
        }
    }
}

#[test]
fn a_story_that_is_told_again_is_the_same() {
    let harm = [Harmed { datagram: 11, harm: Harm::Lost }];
    let story = stories().into_iter().find(|it| it.name == "takeover").expect("a story");
    assert_eq!(format!("{:?}", story.tell(7, &harm)), format!("{:?}", story.tell(7, &harm)));
    assert_eq!(
        "17:late:70".parse::<Harmed>().map(|it| it.to_string()),
        Ok("17:late:70".to_owned())
    );
    assert_eq!(
        "x".parse::<Harmed>().unwrap_err(),
        "harmed is \"x\": expected NUMBER:HARM, like 17:lost"
    );
}
