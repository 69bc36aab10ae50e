//! Nobody says of anything healthy that it failed.

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use hats_core::event::{Event, EventKind};
use hats_wire::{Cause, Direction};

use super::{
    Checker, News,
    allowed::{About, unfair},
    scene::{Scene, evidence, news},
};
use crate::{
    record::Said,
    summary::{Summary, observations},
    world::World,
};

/// What is said of whom.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Point {
    verdict: String,
    kind: EventKind,
    node: Option<String>,
    addr: Option<IpAddr>,
    network: Option<String>,
    cause: Option<Cause>,
    direction: Option<Direction>,
    sets: Vec<String>,
}

impl Point {
    fn of(event: &Event) -> Option<Point> {
        Some(Point {
            verdict: event.verdict_id.clone()?,
            kind: event.kind,
            node: event.node.clone(),
            addr: event.addr,
            network: event.network.clone(),
            cause: event.cause,
            direction: event.direction,
            sets: event.sets.clone(),
        })
    }
}

/// Whatever is said is held against what was really so, by the table in
/// [`allowed`](super::allowed): a verdict when it is decided, and only against
/// the time that its evidence can be of. Who passes it on says the same, and
/// says it while it is news to somebody.
#[derive(Debug, Default)]
pub(crate) struct HealthyIsNotBlamed {
    /// Who decided it first, and when.
    decided: BTreeMap<Point, (usize, Duration)>,
    /// The same, whatever was said.
    judges: BTreeMap<String, usize>,
}

impl Checker for HealthyIsNotBlamed {
    fn name(&self) -> &'static str {
        super::NOTHING_HEALTHY_IS_BLAMED
    }

    fn check(&mut self, world: &World, news: &News<'_>) -> Result<(), String> {
        news.said.iter().try_for_each(|said| match self.objection(world, said) {
            None => Ok(()),
            Some(why) => Err(format!(
                "{} says {}: but {why}{}",
                said.observer,
                Summary(world).event(&said.event),
                evidence_of(world, said)
            )),
        })
    }
}

/// Who may have told the observer of the group that lists an adapter, or one of
/// a node's: its leader.
fn tellers(world: &World, event: &Event, observer: usize) -> Vec<usize> {
    let daemon = world.hosts[observer].daemon.as_ref();
    let view = daemon.map(|daemon| daemon.machine.view_without_verdicts()).unwrap_or_default();
    let networks = view.networks.iter();
    let named = networks.filter(|it| event.network.as_ref().is_none_or(|name| name == &it.name));
    let leaders = named.filter_map(|it| Some(it.group?.leader));
    let port = |leader| world.networks.iter().find_map(|it| it.owners.get(&leader));
    leaders.filter_map(port).map(|port| port.host).collect()
}

/// What the verdict rests on, for whoever is to understand it.
fn evidence_of(world: &World, said: &Said) -> String {
    let daemon = world.hosts[world.host_named(&said.observer)].daemon.as_ref();
    let view = daemon.map(|daemon| daemon.machine.view());
    let shown = view.into_iter().flat_map(|view| view.verdicts);
    let mut verdicts = shown.map(|shown| shown.verdict);
    let id = said.event.verdict_id.as_ref();
    let verdict = id.and_then(|id| verdicts.find(|verdict| &verdict.id == id));
    verdict.map_or_else(String::new, |verdict| {
        let (reporter, seen) = (&verdict.reporter.node, observations(&verdict.observations));
        format!("; {}: reporter {reporter}, evidence {seen}", verdict.id)
    })
}

impl HealthyIsNotBlamed {
    fn objection(&mut self, world: &World, said: &Said) -> Option<String> {
        let (event, observer) = (&said.event, world.host_named(&said.observer));
        let about = match About::of(world, event) {
            Ok(about) => about,
            Err(why) => return Some(why),
        };
        // What is up is not heard of by itself alone.
        let up = matches!(event.kind, EventKind::AdapterUp | EventKind::NodeUp);
        let subject = about.host.filter(|_| !up);
        let Some(point) = Point::of(event) else {
            let of = |teller| Scene::new(world, said.at, news, (observer, teller, subject));
            let why = unfair(&of(observer), &about, event)?;
            // Who is told by one that was out of sight, or blind, hears what that
            // one knew before.
            let mut tellers = tellers(world, event, observer).into_iter();
            let fair = up && tellers.any(|it| unfair(&of(it), &about, event).is_none());
            return (!fair).then(|| why.to_owned());
        };
        if event.authority {
            self.judges.entry(point.verdict.clone()).or_insert(observer);
            self.decided.entry(point).or_insert((observer, said.at));
            let scene = Scene::new(world, said.at, evidence, (observer, observer, subject));
            return unfair(&scene, &about, event).map(str::to_owned);
        }
        let judge = self.judges.get(&point.verdict).copied().unwrap_or(observer);
        let scene = Scene::new(world, said.at, news, (observer, judge, subject));
        let decided = self.decided.get(&point).map(|(_, at)| *at);
        if decided.is_some_and(|at| scene.speaks_of(at)) {
            return None;
        }
        // The judge knew it already, or puts it in other words; or it is long
        // ago, and still so.
        let why = unfair(&scene, &about, event)?;
        Some(decided.map_or(why.to_owned(), |at| format!("{why}, and that was decided at {at:?}")))
    }
}
