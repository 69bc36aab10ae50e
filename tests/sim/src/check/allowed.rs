//! What the truth permits to be said.
//!
//! An event is fair when what it says was so at some instant of the time that
//! it may speak of (see [`Scene`]), or could not be told from it by those who
//! decided it. *Live* is a node whose daemon runs in time; adapters *exchange*
//! when datagrams pass both ways but for losses that are to be endured; nodes
//! are *connected* by live nodes whose adapters exchange.
//!
//! | event | is fair if, at some instant |
//! |---|---|
//! | adapter.up | it exchanged with a live node's, or was the only one, or is the observer's |
//! | … | or a NIM hung on its network, whose daemon may not have noticed |
//! | adapter.suspect, .late | it did not exchange with the observer's adapter, or was not live |
//! | adapter.down, link_down | it had no carrier, or is held because it had none |
//! | … address_lost | it had no address, or is held because it had none |
//! | … removed | another address had taken its place |
//! | … nim_failed | its NIM did not run |
//! | … targets_unreachable | it did not exchange with any of its required targets |
//! | … transmit | no live node heard it |
//! | … receive | it heard no live node |
//! | … both, unreachable | it exchanged with no live node's |
//! | … node_down, daemon_down, left | as of the node |
//! | adapter.damped | it had no carrier or no address, not longer ago than it is held |
//! | adapter.lossy | while the probes behind it were sent some way was not as it should be |
//! | adapter.inconclusive | the two did not exchange |
//! | path.failed | that way, or one of both, was cut, and both ends were live |
//! | node.up | that run exchanged with a live node, and news of it came to the observer |
//! | … | or it hung, not longer than its lease, and its NIMs exchanged with those that were |
//! | … | or a NIM hung on a network of its, whose daemon may not have noticed |
//! | node.restarted | that run is not the node's first |
//! | node.down | no adapter of it exchanged with a live node's, or it was cut off from the judge |
//! | … as a verdict | node_down only of a node that has several adapters, else unreachable |
//! | daemon.down | the daemon did not run, or not in time |
//! | … without a verdict | or the run that the observer was told of last is over |
//! | … or | a NIM did not run, and no other exchanged with a live node's |
//! | node.left | it had been told to stop |
//! | network.partitioned | the live adapters were in two parts or more |
//! | network.failed | no two live adapters exchanged of which the judge could know |
//! | network.multicast_broken | multicast was dead |
//! | network.multicast_restored | multicast worked |
//! | network.mtu | some way lost packets as long as the interfaces' MTU |
//! | nim.died, nim.restarted, nim.stuck | the NIM did not run |
//! | self.late, self.suspended | the node was not awake, or not scheduled in time |
//! | … | or it gets the CPU later than half a detection time |
//! | others that blame somebody | never: nothing of the kind is done to a world |
//! | the rest | always: it blames nobody |

use std::{collections::BTreeSet, net::IpAddr, time::Duration};

use hats_core::{
    damping::HELD_MAX,
    event::{Event, EventKind},
};
use hats_wire::{Cause, Direction};

use super::scene::Scene;
use crate::{
    campaign::lease,
    host::Port,
    truth::{Moment, Nim},
    world::World,
};

/// An event about an adapter that names none that there ever was.
const NOBODY: &str = "it says not whom it is about";

/// Whom an event is about.
#[derive(Debug, Default)]
pub(crate) struct About {
    pub(crate) host: Option<usize>,
    /// More than one where an address was given away and came back.
    ports: Vec<Port>,
    peer: Option<Port>,
    network: Option<usize>,
}

impl About {
    /// Finds them by their names; an error is a name that nobody has.
    pub(crate) fn of(world: &World, event: &Event) -> Result<About, String> {
        let host = |name: &Option<String>| match name {
            None => Ok(None),
            Some(name) => match world.names.get(name) {
                Some(host) => Ok(Some(*host)),
                None => Err(format!("nobody is called {name}")),
            },
        };
        let network = match &event.network {
            None => None,
            Some(name) => {
                let place = world.networks.iter().position(|it| &it.spec.name == name);
                Some(place.ok_or_else(|| format!("no network is called {name}"))?)
            }
        };
        let on = |host: Option<usize>, address: Option<IpAddr>| {
            let of = |host: usize| world.hosts[host].adapters.iter().enumerate();
            let adapters = host.into_iter().flat_map(|host| of(host).map(move |it| (host, it)));
            let its = adapters.filter(|(_, (_, adapter))| {
                Some(adapter.network) == network
                    && address.map_or(!adapter.replaced, |address| adapter.address == address)
            });
            its.map(|(host, (adapter, _))| Port { host, adapter }).collect::<Vec<Port>>()
        };
        let (node, peer) = (host(&event.node)?, host(&event.peer_node)?);
        Ok(About {
            host: node,
            ports: on(node, event.addr),
            peer: on(peer, event.peer_addr).last().copied(),
            network,
        })
    }
}

/// So long after the last long packet was lost a network may be called narrow: the
/// lengths have been tried, and others waited for.
const NARROW_TOLD: std::time::Duration = std::time::Duration::from_secs(20);

/// So long after the last was heard of another network a wire may be called shared.
const CROSSED_TOLD: std::time::Duration = std::time::Duration::from_secs(31);

/// Why the event is unfair; none when it is fair.
pub(crate) fn unfair(scene: &Scene<'_>, about: &About, event: &Event) -> Option<&'static str> {
    let nobody = NOBODY;
    match event.kind {
        EventKind::AdapterUp
        | EventKind::AdapterDown
        | EventKind::AdapterSuspect
        | EventKind::AdapterLate => of_any(&about.ports, |port| of_adapter(scene, port, event)),
        EventKind::AdapterInconclusive | EventKind::PathFailed => {
            let Some(other) = about.peer else { return Some(nobody) };
            of_any(&about.ports, |one| of_pair(scene, one, other, event))
        }
        EventKind::NodeUp
        | EventKind::NodeRestarted
        | EventKind::NodeDown
        | EventKind::DaemonDown
        | EventKind::NodeLeft => {
            let Some(host) = about.host else { return Some(nobody) };
            of_node(scene, host, event)
        }
        EventKind::NetworkPartitioned
        | EventKind::NetworkFailed
        | EventKind::NetworkMulticastBroken
        | EventKind::NetworkMulticastRestored
        | EventKind::NetworkMtu
        | EventKind::NetworkCrossed => {
            let Some(network) = about.network else { return Some(nobody) };
            of_network(scene, network, event.kind)
        }
        EventKind::NimDied | EventKind::NimStuck | EventKind::NimRestarted => {
            of_any(&about.ports, |port| {
                unless(scene.ever(|moment| nim_is_out(moment, port)), "its NIM ran")
            })
        }
        EventKind::SelfLate | EventKind::SelfSuspended => {
            let own = scene.observer();
            unless(scene.ever(|moment| was_late(moment, own)), "it was on time")
        }
        EventKind::AdapterDamped => of_any(&about.ports, |port| {
            let lost = |it: &crate::truth::AdapterIs| !it.carrier || !it.address;
            let scene = scene.reaching_back(HELD_MAX);
            let came_and_went = scene.ever(|moment| moment.adapter(port).is_some_and(lost));
            unless(came_and_went, "its link was there all the time")
        }),
        EventKind::AdapterLossy => of_any(&about.ports, |port| of_loss(scene, port)),
        EventKind::DuplicateAddress
        | EventKind::DuplicateNode
        | EventKind::ForeignCluster
        | EventKind::SelfClockStep
        | EventKind::NimDegraded
        | EventKind::ConfigDrift
        | EventKind::ConfigWaiting
        | EventKind::AuthFailed
        | EventKind::SubscriberLost => Some("nothing of the kind is done to a world"),
        EventKind::Alive
        | EventKind::AdapterReleased
        | EventKind::AdapterClean
        | EventKind::DuplicateResolved
        | EventKind::DaemonStarted
        | EventKind::DaemonStopping
        | EventKind::NetworkLeader
        | EventKind::NetworkMerged
        | EventKind::NetworkMtuRestored
        | EventKind::NetworkSeparated
        | EventKind::PathRestored
        | EventKind::ParamChanged
        | EventKind::MaintenanceOn
        | EventKind::MaintenanceOff => None,
    }
}

/// What is fair of one of these is fair.
fn of_any(ports: &[Port], unfair: impl Fn(Port) -> Option<&'static str>) -> Option<&'static str> {
    let mut all = ports.iter().rev().map(|port| unfair(*port));
    all.by_ref().next().map_or(Some(NOBODY), |latest| {
        let why = latest?;
        all.all(|other| other.is_some()).then_some(why)
    })
}

fn unless(fair: bool, why: &'static str) -> Option<&'static str> {
    (!fair).then_some(why)
}

fn of_adapter(scene: &Scene<'_>, port: Port, event: &Event) -> Option<&'static str> {
    if event.kind == EventKind::AdapterUp {
        let own = port.host == scene.observer();
        let up = |moment: &Moment<'_>| {
            let unnoticed = is_beside_a_hang(moment, port);
            moment.has_company(port)
                || (moment.is_live(port.host) && (own || unnoticed || moment.is_sole(port)))
        };
        return unless(scene.ever(up), "it exchanged with nobody");
    }
    if event.kind == EventKind::AdapterSuspect || event.kind == EventKind::AdapterLate {
        let unheard = |moment: &Moment<'_>| {
            let mut own = moment.adapters_of(scene.observer());
            let apart = |own| !moment.exchange(port, own) && on_one(moment, port, own);
            !moment.is_live(port.host) || own.any(apart)
        };
        return unless(scene.ever(unheard), "the observer heard it");
    }
    let host = port.host;
    // One that comes and goes stays down for a while after the last loss.
    let held = scene.reaching_back(if is_held(scene, port) { HELD_MAX } else { Duration::ZERO });
    let adapter = |so: fn(&crate::truth::AdapterIs) -> bool| {
        held.ever(|moment| moment.adapter(port).is_some_and(so))
    };
    match event.cause {
        Some(Cause::LinkDown) => unless(adapter(|it| !it.carrier), "it had a carrier"),
        Some(Cause::AddressLost) => unless(adapter(|it| !it.address), "it had its address"),
        Some(Cause::Removed) => unless(adapter(|it| it.replaced), "its interface was there"),
        Some(Cause::NimFailed) => {
            unless(scene.ever(|moment| nim_is_out(moment, port)), "its NIM ran")
        }
        Some(Cause::TargetsUnreachable) => {
            let out = |moment: &Moment<'_>| misses_its_targets(scene.world, moment, port);
            unless(held.ever(out), "one of its required targets was within reach")
        }
        Some(Cause::Transmit) => {
            unless(scene.ever(|moment| !moment.is_heard(port)), "somebody heard it")
        }
        Some(Cause::Receive) => {
            unless(scene.ever(|moment| !moment.hears(port)), "it heard somebody")
        }
        Some(Cause::Both) => {
            unless(scene.ever(|moment| !moment.has_company(port)), "it exchanged with somebody")
        }
        Some(Cause::Unreachable) => {
            let away =
                |moment: &Moment<'_>| !moment.has_company(port) || is_away(scene, moment, host);
            unless(scene.ever(away), "it was in sight")
        }
        Some(Cause::NodeDown) => node_down(scene, host),
        Some(Cause::DaemonDown) => daemon_down(scene, host),
        Some(Cause::Left) => left(scene, host),
        Some(Cause::Maintenance | Cause::Inconclusive) | None => Some("that is no failure"),
    }
}

/// The 240 latest probes of its patrol are behind it.
fn of_loss(scene: &Scene<'_>, port: Port) -> Option<&'static str> {
    let interval = scene.world.hosts[port.host].config.detection.heartbeat_interval;
    let span = interval.max(Duration::from_millis(250)) * 240;
    let scene = scene.reaching_back(span + Duration::from_secs(30));
    let lost = scene.ever(|moment| {
        let network = moment.adapter(port).map(|adapter| adapter.network);
        let loses = network.and_then(|it| moment.network(it)).is_some_and(|it| it.loses);
        let mut others = network.into_iter().flat_map(|network| moment.ports(network));
        loses
            || !moment.is_live(port.host)
            || others.any(|it| it != port && !moment.exchange(port, it))
    });
    unless(lost, "nothing was lost to or from it")
}

fn misses_its_targets(world: &World, moment: &Moment<'_>, port: Port) -> bool {
    let adapter = &world.hosts[port.host].adapters[port.adapter];
    let owners = &world.networks[adapter.network].owners;
    let mut targets = adapter.required.iter().filter_map(|target| owners.get(target));
    !adapter.required.is_empty() && targets.all(|target| !moment.exchange(port, *target))
}

/// Whether the adapter's own daemon holds it.
fn is_held(scene: &Scene<'_>, port: Port) -> bool {
    let host = &scene.world.hosts[port.host];
    let address = host.adapters[port.adapter].address;
    scene.world.view_without_verdicts(host.name()).is_some_and(|view| {
        let mut own = view.adapters.iter().filter(|it| it.is_self && it.address == address);
        own.any(|it| it.held.is_some())
    })
}

fn on_one(moment: &Moment<'_>, one: Port, other: Port) -> bool {
    let network = |port| moment.adapter(port).map(|adapter| adapter.network);
    network(one) == network(other)
}

fn of_pair(scene: &Scene<'_>, one: Port, other: Port, event: &Event) -> Option<&'static str> {
    if event.kind == EventKind::AdapterInconclusive {
        let apart = |moment: &Moment<'_>| !moment.exchange(one, other);
        return unless(scene.ever(apart), "the two exchanged");
    }
    let (there, back) = match event.direction {
        Some(Direction::ToPeer) => (true, false),
        Some(Direction::FromPeer) => (false, true),
        Some(Direction::Both) | None => (true, true),
    };
    let cut = |moment: &Moment<'_>| {
        let network = moment.adapter(one).and_then(|adapter| moment.network(adapter.network));
        network.is_some_and(|network| {
            (there && network.paths.contains_key(&(one, other)))
                || (back && network.paths.contains_key(&(other, one)))
        })
    };
    unless(scene.ever(cut), "that way was not cut")
}

fn of_node(scene: &Scene<'_>, host: usize, event: &Event) -> Option<&'static str> {
    if event.kind == EventKind::NodeDown {
        let only = Moment::new(scene.world, scene.world.now).adapters_of(host).count() < 2;
        let verdict = event.verdict_id.is_some();
        if verdict && only && event.cause == Some(Cause::NodeDown) {
            return Some("with one adapter it is unreachable, and no more can be told");
        }
        return node_down(scene, host);
    }
    if event.kind == EventKind::DaemonDown {
        let anew = event.verdict_id.is_none() && scene.was_told_another_run(host);
        return daemon_down(scene, host).filter(|_| !anew);
    }
    if event.kind == EventKind::NodeLeft {
        return left(scene, host);
    }
    let run = event.incarnation;
    let is_run = |moment: &Moment<'_>| moment.host(host).is_some_and(|it| it.daemon == run);
    if event.kind == EventKind::NodeRestarted {
        return unless(scene.ever(is_run), "that run never was");
    }
    let live = |moment: &Moment<'_>| is_run(moment) && moment.is_live(host);
    let connected = |moment: &Moment<'_>| moment.is_connected(scene.observer(), host);
    let company =
        |moment: &Moment<'_>| moment.adapters_of(host).any(|port| moment.has_company(port));
    let up = scene.ever(|moment| live(moment) && connected(moment))
        || scene.news_came(host, |moment| live(moment) && company(moment));
    let beside =
        |moment: &Moment<'_>| moment.adapters_of(host).any(|port| is_beside_a_hang(moment, port));
    let unnoticed = || {
        hangs_unnoticed(scene, host, is_run) || scene.ever(|moment| live(moment) && beside(moment))
    };
    unless(up || unnoticed(), "nothing connected the two")
}

/// A NIM hangs on its network, be it its own: a daemon does not notice for a lease,
/// and goes on with those that it was with.
fn is_beside_a_hang(moment: &Moment<'_>, port: Port) -> bool {
    let hangs = |it: Port| moment.adapter(it).is_some_and(|it| it.nim == Nim::Stopped);
    let network = moment.adapter(port).map(|it| it.network);
    let mut there = network.into_iter().flat_map(|network| moment.ports(network));
    there.any(|it| hangs(it) && moment.is_live(it.host))
}

/// Its NIMs speak for a daemon that ran a little while ago: for as long as
/// their lease lasts it is taken in like any other.
fn hangs_unnoticed(scene: &Scene<'_>, host: usize, is_run: impl Fn(&Moment<'_>) -> bool) -> bool {
    let lease = lease(&scene.world.hosts[host].config.detection) * 2;
    let ran = |moment: &Moment<'_>| is_run(moment) && moment.is_live(host);
    let heard = |moment: &Moment<'_>| {
        let mut company = moment.adapters_of(host).flat_map(|port| moment.company(port));
        company.any(|peer| moment.is_connected(scene.observer(), peer.host))
    };
    scene.reaching_back(lease).ever(ran) && scene.ever(heard)
}

/// Nothing connected it to those who decided.
fn is_away(scene: &Scene<'_>, moment: &Moment<'_>, host: usize) -> bool {
    !moment.is_connected(scene.judge(), host)
}

fn node_down(scene: &Scene<'_>, host: usize) -> Option<&'static str> {
    let gone = |moment: &Moment<'_>| {
        moment.adapters_of(host).all(|port| !moment.has_company(port))
            || is_away(scene, moment, host)
    };
    unless(scene.ever(gone), "it was in sight")
}

fn daemon_down(scene: &Scene<'_>, host: usize) -> Option<&'static str> {
    let out = |moment: &Moment<'_>| {
        let daemon = moment.host(host).is_some_and(|it| it.daemon.is_none() || it.stalled);
        let nim = || {
            let mut adapters = moment.adapters_of(host);
            adapters.any(|port| nim_is_out(moment, port))
                && moment.adapters_of(host).all(|port| !moment.has_company(port))
        };
        daemon || moment.host(host).is_some_and(|it| it.blocked) || nim()
    };
    unless(scene.ever(out), "its daemon ran")
}

fn left(scene: &Scene<'_>, host: usize) -> Option<&'static str> {
    let leaving = |moment: &Moment<'_>| moment.host(host).is_some_and(|it| it.leaving);
    unless(scene.ever(leaving), "nobody told it to stop")
}

fn of_network(scene: &Scene<'_>, network: usize, kind: EventKind) -> Option<&'static str> {
    if kind == EventKind::NetworkMulticastBroken {
        let dead = |moment: &Moment<'_>| moment.network(network).is_some_and(|it| !it.multicast);
        return unless(scene.ever(dead), "multicast worked");
    }
    if kind == EventKind::NetworkMulticastRestored {
        let works = |moment: &Moment<'_>| moment.network(network).is_some_and(|it| it.multicast);
        return unless(scene.ever(works), "multicast was still dead");
    }
    if kind == EventKind::NetworkMtu {
        let narrow = |moment: &Moment<'_>| moment.network(network).is_some_and(|it| it.narrow);
        let scene = scene.reaching_back(NARROW_TOLD);
        return unless(scene.ever(narrow), "every way took long packets");
    }
    if kind == EventKind::NetworkCrossed {
        let joined = |moment: &Moment<'_>| moment.network(network).is_some_and(|it| it.joined);
        let scene = scene.reaching_back(CROSSED_TOLD);
        return unless(scene.ever(joined), "it had its wire for itself");
    }
    let parts = |moment: &Moment<'_>| moment.parts(network);
    if kind == EventKind::NetworkPartitioned {
        return unless(scene.ever(|moment| parts(moment).len() > 1), "it was in one part");
    }
    // Of those that exchange, and whom nothing connects to the judge, it cannot know.
    let away = |moment: &Moment<'_>, part: &BTreeSet<Port>| {
        part.iter().all(|port| !moment.is_connected(scene.judge(), port.host))
    };
    let failed = |moment: &Moment<'_>| {
        parts(moment).iter().all(|part| part.len() == 1 || away(moment, part))
    };
    unless(scene.ever(failed), "two exchanged")
}

fn nim_is_out(moment: &Moment<'_>, port: Port) -> bool {
    moment.adapter(port).is_some_and(|adapter| adapter.nim != Nim::Runs)
}

fn was_late(moment: &Moment<'_>, host: usize) -> bool {
    let nims = moment.adapters_of(host).any(|port| {
        let nim = moment.adapter(port).map(|adapter| adapter.nim);
        matches!(nim, Some(Nim::Stopped | Nim::Starved))
    });
    nims || moment.host(host).is_some_and(|it| !it.awake || it.stalled || it.blocked || it.late)
}
