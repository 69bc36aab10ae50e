//! One world and its faults: each is done, judged and ended, and the next one
//! follows when all is well again.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use hats_core::{damping::HELD_MAX, event::EventKind};

use super::{
    class::Class,
    draw::{Course, Planned},
    outcome::{Ear, Judged, Outcome, sort_of},
    wanted::{REMEMBERED, Wanted},
};
use crate::{
    belief,
    campaign::{AdapterFault, Fault, NodeFault, Weather, is_well, lease, narrow_found, panic_text},
    check::NOTHING_HEALTHY_IS_BLAMED,
    tamper::Tamper,
    trace::Trace,
    world::World,
};

/// Rules of books and tables, not of blame: the campaign's.
const LEFT_OUT: [&str; 2] = ["events replay to the view", "everything keeps within its bound"];

/// What came of a world.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Told {
    pub(crate) course: Course,
    /// The faults in order; not all of them if the world ended before.
    pub(crate) judged: Vec<Judged>,
    /// What else went wrong, and with which fault; the world ended with it.
    pub(crate) broken: Option<(usize, String)>,
    pub(crate) simulated: Duration,
    pub(crate) steps: u64,
    /// What everybody believed when it was broken.
    pub(crate) details: String,
}

/// Lets all faults of a course befall its cluster.
pub(super) fn tell(course: Course, trace: Option<Trace>, tamper: Option<Box<dyn Tamper>>) -> Told {
    let mut world = course.story.build(trace);
    world.tamper = tamper;
    // A campaign holds them; they are about half of the time.
    for rule in LEFT_OUT {
        world.without(rule);
    }
    let mut trial = Trial { course: &course, world, judged: Vec::new(), late_until: None };
    let result = match catch_unwind(AssertUnwindSafe(|| trial.run())) {
        Ok(result) => result,
        Err(panic) => Err(panic_text(&*panic)),
    };
    let Trial { world, judged, .. } = trial;
    let number = judged.len().saturating_sub(1);
    let broken = result.err().map(|why| (number, why));
    let (simulated, steps) = (world.now(), world.steps());
    let details = broken.as_ref().map_or_else(String::new, |(_, why)| belief::report(&world, why));
    drop(world);
    Told { judged, broken, simulated, steps, course, details }
}

struct Trial<'a> {
    course: &'a Course,
    world: World,
    judged: Vec<Judged>,
    /// Until then it is remembered that somebody was late.
    late_until: Option<Duration>,
}

/// Why a world ends before its last fault.
enum End {
    /// Somebody healthy was blamed.
    Wrong(String),
    /// Another rule was broken.
    Broken(String),
}

impl Trial<'_> {
    /// An error is what went wrong beside what was said.
    fn run(&mut self) -> Result<(), String> {
        self.settle(Duration::ZERO).map_err(|end| match end {
            End::Wrong(why) | End::Broken(why) => why,
        })?;
        for (number, planned) in self.course.faults.iter().enumerate() {
            self.advance(planned.rest).map_err(|end| match end {
                End::Wrong(why) | End::Broken(why) => why,
            })?;
            let late = self.late_until.is_some_and(|until| self.world.now() < until);
            let wanted = Wanted::of(&self.course.story, planned, late);
            let mut ear = Ear::new(&self.world, &wanted);
            self.judged.push(Judged {
                number,
                class: planned.class,
                fault: planned.fault.to_string(),
                told: wanted.told,
                outcome: Outcome::Nothing,
                took: None,
                besides: Default::default(),
                why: None,
            });
            let result = self.one(planned, &wanted, &mut ear);
            if planned.class.makes_late() {
                let remembered = self.course.story.detection().detection_time() * REMEMBERED;
                self.late_until = Some(self.world.now() + remembered);
            }
            ear.listen(&self.world);
            self.judge(&ear, &planned.fault, result)?;
        }
        Ok(())
    }

    /// Does it, waits for what is said of it, ends it, and waits until all is well.
    fn one(&mut self, planned: &Planned, wanted: &Wanted, ear: &mut Ear<'_>) -> Result<(), End> {
        let fault = &planned.fault;
        let detection = self.course.story.detection();
        fault.inject(&mut self.world);
        // Suspended for long, a host comes back when it has been judged.
        let long = planned.class == Class::PauseLong;
        if let Some(end) = fault.own_end().filter(|_| !long) {
            self.advance(end)?;
            self.end(fault);
            let left = wanted.limit.saturating_sub(end);
            self.hear(ear, wanted, left)?;
            if matches!(fault, Fault::Adapter(AdapterFault::Flap(..), ..)) {
                return self.settle(HELD_MAX);
            }
        } else {
            self.hear(ear, wanted, wanted.limit)?;
            // Some keep it for themselves until they are certain.
            self.advance(detection.probe_timeout)?;
            self.end(fault);
        }
        let more = match fault {
            Fault::Weather(Weather::Mtu(_), _) => narrow_found(&self.course.story) * 2,
            Fault::Node(NodeFault::DaemonHang, _) => lease(&detection) * 2,
            Fault::MulticastDead(_) => detection.heartbeat_interval * 60,
            Fault::Node(..)
            | Fault::Adapter(..)
            | Fault::Path { .. }
            | Fault::Partition { .. }
            | Fault::NetworkDead(_)
            | Fault::SwitchOff(_)
            | Fault::Cross(..)
            | Fault::Weather(..) => Duration::ZERO,
        };
        self.settle(more)
    }

    fn end(&mut self, fault: &Fault) {
        fault.end(&mut self.world);
    }

    /// Waits until all is said that is wanted, for `limit` at most. Where nobody can
    /// know, until anything is said.
    fn hear(&mut self, ear: &mut Ear<'_>, wanted: &Wanted, limit: Duration) -> Result<(), End> {
        let told = wanted.told;
        let done = |world: &World| ear.listen(world) || (!told && ear.has_heard());
        let result = self.world.run_until_or(done, limit);
        result.map(drop).map_err(end_of)
    }

    /// Waits until all is well, with `more` time than a cluster takes by itself.
    fn settle(&mut self, more: Duration) -> Result<(), End> {
        let story = &self.course.story;
        let detection = story.detection();
        let every = detection.heartbeat_interval.max(Duration::from_millis(250));
        let rounds = every * story.nodes.len() as u32 + detection.verdict_bound() * 2;
        // Without loss; each message may be lost again and again.
        let patience = rounds * 3 + detection.heartbeat_interval * 60 + Duration::from_secs(2);
        let bound = patience * (1 + (story.loss * 20.0) as u32) + more;
        let end = self.world.now() + bound;
        // To ask takes longer than most of what happens.
        let step = detection.heartbeat_interval / 8;
        while !is_well(&self.world) {
            if self.world.now() >= end {
                return Err(End::Broken(format!("not well again within {bound:?}")));
            }
            self.advance(step)?;
        }
        Ok(())
    }

    fn advance(&mut self, span: Duration) -> Result<(), End> {
        self.world.advance(span).map_err(end_of)
    }

    fn judge(
        &mut self,
        ear: &Ear<'_>,
        fault: &Fault,
        ended: Result<(), End>,
    ) -> Result<(), String> {
        let story = &self.course.story;
        let endured = fault.is_endured(&story.detection());
        let outcome = ear.outcome(endured || story.loss == 0.0);
        let Some(judged) = self.judged.last_mut() else { return Ok(()) };
        judged.outcome = outcome;
        judged.took = ear.took();
        judged.besides = ear.unwanted().map(sort_of).collect();
        if !outcome.is_right() {
            judged.why = Some(ear.why());
        }
        match ended {
            Ok(()) => Ok(()),
            Err(End::Broken(why)) => Err(why),
            Err(End::Wrong(why)) => {
                judged.outcome = Outcome::Wrong;
                judged.why = Some(why);
                // Nothing that follows can be judged.
                Err(String::new())
            }
        }
    }
}

/// What a checker's objection is: blaming somebody, or anything else.
fn end_of(why: String) -> End {
    let said = why.strip_prefix(NOTHING_HEALTHY_IS_BLAMED).and_then(|it| it.split_once(" says "));
    let kind = said.and_then(|(_, words)| words.split([' ', ':']).next());
    let kind = kind.and_then(|name| EventKind::ALL.iter().find(|it| it.name() == name));
    let why = why.lines().take(2).collect::<Vec<_>>().join(" ");
    if kind.is_some_and(|kind| is_blame(*kind)) { End::Wrong(why) } else { End::Broken(why) }
}

/// Whether such an event says of somebody that it failed.
fn is_blame(kind: EventKind) -> bool {
    matches!(
        kind,
        EventKind::AdapterDown
            | EventKind::AdapterInconclusive
            | EventKind::AdapterLossy
            | EventKind::PathFailed
            | EventKind::NodeDown
            | EventKind::NodeLeft
            | EventKind::DaemonDown
            | EventKind::NetworkPartitioned
            | EventKind::NetworkFailed
            | EventKind::NetworkMulticastBroken
            | EventKind::NetworkMtu
            | EventKind::NetworkCrossed
    )
}
