//! Two to five adapters on one wire, which carries what their groups send.

extern crate std;

use alloc::{boxed::Box, collections::BTreeMap, vec, vec::Vec};
use core::{fmt, net::IpAddr, time::Duration};

use hats_wire::{Identity, Incarnation, Join, List, Proclaim};

use super::*;
use crate::{config::Profile, members::tests::member};

mod changes;
mod chaos;
mod formation;
mod large;
mod leaving;
mod losses;

/// How long a message travels.
const LATENCY: Duration = Duration::from_millis(1);

fn address(of: u8) -> IpAddr {
    member(of).address
}

fn last(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(v4) => v4.octets()[3],
        IpAddr::V6(_) => unreachable!("all are 10.77.1.x"),
    }
}

/// How long each copy of a message from one to another travels; none: it is lost.
type Carry = Box<dyn FnMut(u8, u8, &Message) -> Vec<Duration>>;

/// A membership that came into force on one adapter.
#[derive(Clone, Debug)]
struct Change {
    at: u8,
    run: Incarnation,
    id: GroupId,
    members: Vec<u8>,
    removed: Vec<(u8, Cause)>,
    why: Adopted,
}

/// The adapters, named by the last byte of their address, and what they said.
struct Wire {
    now: Timestamp,
    groups: BTreeMap<u8, Group>,
    /// By arrival, and by number among those that arrive together.
    travelling: BTreeMap<(Timestamp, usize), (u8, u8, Message)>,
    sent: usize,
    carry: Carry,
    said: Vec<(Timestamp, u8, Option<u8>, Message)>,
    changes: Vec<Change>,
    overdue: Vec<(Timestamp, u8, u8)>,
    /// By whom, and who.
    missed: Vec<(u8, Vec<u8>)>,
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let views = self.groups.iter().map(|(name, group)| (name, group.view().map(short)));
        f.debug_map().entries(views).finish()
    }
}

fn short(view: &GroupView) -> (u64, Vec<u8>) {
    (view.id.instance, view.members.iter().map(|m| last(m.address)).collect())
}

impl Wire {
    /// Enabled at one instant, on a wire that loses nothing.
    fn of(names: impl IntoIterator<Item = u8>) -> Self {
        let mut wire = Wire {
            now: Timestamp(1),
            groups: BTreeMap::new(),
            travelling: BTreeMap::new(),
            sent: 0,
            carry: Box::new(|_, _, _| vec![LATENCY]),
            said: vec![],
            changes: vec![],
            overdue: vec![],
            missed: vec![],
        };
        for name in names {
            wire.start(name, 1);
        }
        wire
    }

    /// A group that has formed and has been stable for a while.
    fn formed(names: impl IntoIterator<Item = u8>) -> Self {
        let mut wire = Wire::of(names);
        wire.run(Duration::from_secs(5));
        let all: Vec<u8> = wire.groups.keys().copied().collect();
        wire.agreed(&all);
        wire.forget();
        wire
    }

    /// Forgets what was said and what changed.
    fn forget(&mut self) {
        self.said.clear();
        self.changes.clear();
        self.overdue.clear();
        self.missed.clear();
    }

    /// A run of the daemon of this adapter begins.
    fn start(&mut self, name: u8, incarnation: u64) {
        self.start_with(name, incarnation, self.now.0 / 1_000_000);
    }

    fn start_with(&mut self, name: u8, incarnation: u64, first_instance: u64) {
        let me =
            Identity { incarnation: Incarnation(incarnation), ..Identity::clone(&member(name)) };
        let mut group = Group::new(me.into(), &Profile::Default.detection(), first_instance);
        group.enable(self.now);
        self.groups.insert(name, group);
    }

    fn lose(&mut self, mut lose: impl FnMut(u8, u8, &Message) -> bool + 'static) {
        self.carry = Box::new(
            move |from, to, message| {
                if lose(from, to, message) { vec![] } else { vec![LATENCY] }
            },
        );
    }

    /// Nothing passes between these and the others.
    fn part(&mut self, side: &'static [u8]) {
        self.lose(|from, to, _| side.contains(&from) != side.contains(&to));
    }

    fn heal(&mut self) {
        self.lose(|_, _, _| false);
    }

    /// Has one of them do something, and sends what comes of it.
    fn at<T>(&mut self, name: u8, act: impl FnOnce(&mut Group, Timestamp) -> T) -> T {
        let group = self.groups.get_mut(&name).expect("on the wire");
        let answer = act(group, self.now);
        let outputs = group.drain();
        for output in outputs {
            self.output(name, output);
        }
        answer
    }

    fn output(&mut self, name: u8, output: Output) {
        match output {
            Output::Send { to, message } => self.send(name, to.map(last), message),
            Output::Proclaim => {
                let view = self.view(name).expect("a leader has a group");
                let proclaim = Proclaim {
                    group: view.id,
                    size: u32::try_from(view.members.len()).expect("few"),
                    digest: view.digest(),
                    cluster: "test".into(),
                    network: "neta".into(),
                    node: "n".into(),
                    interface: "eth0".into(),
                    database: 0,
                };
                if view.id.leader == address(name) {
                    self.send(name, None, Message::Proclaim(proclaim));
                }
            }
            Output::Committed { removed, why, .. } => {
                let view = self.view(name).expect("it has just come into force");
                let (id, members) = (view.id, short(view).1);
                let removed = removed.iter().map(|r| (last(r.member.address), r.cause)).collect();
                let run = self.groups[&name].me.incarnation;
                // Of two that follow at once, the second is seen already.
                let last = self.changes.iter().rev().find(|c| (c.at, c.run) == (name, run));
                if last.is_some_and(|last| last.id == id && last.members == members) {
                    return;
                }
                self.changes.push(Change { at: name, run, id, members, removed, why });
            }
            Output::Overdue { leader } => self.overdue.push((self.now, name, last(leader))),
            Output::Missed { members, .. } => {
                self.missed.push((name, members.into_iter().map(last).collect()));
            }
        }
    }

    fn send(&mut self, from: u8, to: Option<u8>, message: Message) {
        self.said.push((self.now, from, to, message.clone()));
        let everybody: Vec<u8> = self.groups.keys().copied().collect();
        for name in everybody {
            if name == from || to.is_some_and(|to| to != name) {
                continue;
            }
            for latency in (self.carry)(from, name, &message) {
                self.sent += 1;
                let key = (self.now + latency, self.sent);
                self.travelling.insert(key, (from, name, message.clone()));
            }
        }
    }

    fn next(&self) -> Option<Timestamp> {
        let deadlines = self.groups.values().filter_map(Group::next_deadline);
        deadlines.chain(self.travelling.keys().next().map(|(at, _)| *at)).min()
    }

    fn run(&mut self, span: Duration) {
        let end = self.now + span;
        while let Some(next) = self.next().filter(|next| *next <= end) {
            self.now = self.now.max(next);
            let later = self.travelling.split_off(&(self.now, usize::MAX));
            let arrived = core::mem::replace(&mut self.travelling, later);
            for (from, to, message) in arrived.into_values() {
                if self.groups.contains_key(&to) {
                    self.at(to, |group, now| group.handle(now, address(from), message));
                }
            }
            let due: Vec<u8> = self.groups.keys().copied().collect();
            for name in due {
                if self.groups[&name].next_deadline().is_some_and(|at| at <= self.now) {
                    self.at(name, |group, now| group.wake(now));
                }
            }
        }
        self.now = end;
    }

    fn view(&self, name: u8) -> Option<&GroupView> {
        self.groups.get(&name)?.view()
    }

    /// These are one group of these members, led by the highest of them.
    #[track_caller]
    fn agreed(&self, names: &[u8]) -> GroupId {
        let highest = *names.iter().max().expect("somebody");
        let mut members = names.to_vec();
        members.sort_by(|a, b| b.cmp(a));
        let id = self.view(highest).expect("enabled").id;
        for name in names {
            let view = self.view(*name).expect("enabled");
            assert_eq!((view.id, short(view).1), (id, members.clone()), "{name} of {self:?}");
        }
        assert_eq!(id.leader, address(highest));
        id
    }

    /// They all learn that these are to leave.
    fn doom(&mut self, at: &[u8], whom: &[u8], cause: Cause) {
        for name in at {
            for doomed in whom {
                self.at(*name, |group, now| group.doom(now, address(*doomed), cause, "n2-1-1"));
            }
        }
    }

    fn count(&self, which: impl Fn(&Message) -> bool) -> usize {
        self.said.iter().filter(|(_, _, _, message)| which(message)).count()
    }

    /// The memberships one adapter went through, oldest first.
    fn history(&self, name: u8) -> Vec<Vec<u8>> {
        self.changes.iter().filter(|c| c.at == name).map(|c| c.members.clone()).collect()
    }
}

fn is_commit(message: &Message) -> bool {
    matches!(message, Message::Commit { .. })
}

fn is_prepare(message: &Message) -> bool {
    matches!(message, Message::Prepare(_))
}

fn is_ack(message: &Message) -> bool {
    matches!(message, Message::PrepareAck { .. })
}

fn is_join(message: &Message) -> bool {
    matches!(message, Message::Join(_))
}
