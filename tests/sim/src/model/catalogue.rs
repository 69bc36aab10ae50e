//! Every state of a machine that was met, once, and what each input does to it.
//!
//! Millions of states of the whole are made of some thousands of states of
//! single machines. Each of those has a number here; what one input does to it
//! is computed by the machine once and remembered. Exploring the whole then
//! moves numbers about.

use std::{collections::BTreeMap, net::IpAddr};

use hats_core::{
    config::{Detection, Profile},
    group::{Adopted, GroupView, Output},
    time::Timestamp,
};
use hats_wire::{Cause, GroupId, Message, Proclaim};

use super::{
    canon::{canonical, tick, ticks_from},
    fingerprint::Fingerprint,
    machine::{Input, Machine},
    names::{self, Set},
};

/// The number of a machine's state.
pub(super) type MachineId = u32;
/// The number of a message.
pub(super) type MessageId = u32;

/// What happens to a machine, in numbers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Move {
    /// A tick passes.
    Tick,
    Enable,
    Wake,
    Heard {
        from: u8,
        message: MessageId,
    },
    Doom {
        whom: u8,
        cause: Cause,
    },
    Stranger {
        from: u8,
        group: GroupId,
    },
    Compare(u8),
    Isolate,
    Retire,
}

/// What a machine wants done, in numbers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Out {
    Send { to: Option<u8>, message: MessageId },
    Adopted(Adoption),
}

/// A membership that came into force.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Adoption {
    pub(super) before: Option<Belonging>,
    pub(super) now: Belonging,
    /// Who left with it.
    pub(super) removed: Set,
    pub(super) why: &'static str,
}

/// What a machine belongs to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct Belonging {
    pub(super) group: GroupId,
    pub(super) members: Set,
    /// By node; 0 where it is no member.
    pub(super) incarnations: [u64; names::NODES],
    /// In the order of the list.
    pub(super) first: u8,
}

/// What the model asks a machine about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts {
    /// When it wants to be woken, in ticks from now.
    pub(super) due: Option<i64>,
    pub(super) belongs: Option<Belonging>,
    pub(super) doomed: Set,
    pub(super) feeds: Set,
    pub(super) watches: Set,
}

struct Entry<M> {
    node: u8,
    machine: M,
    now: Timestamp,
    facts: Facts,
    /// Another one with the same name, and its time, for [`Catalogue::audit`].
    twin: Option<(M, Timestamp)>,
}

/// See the module.
pub(super) struct Catalogue<M> {
    detection: Detection,
    entries: Vec<Entry<M>>,
    numbers: BTreeMap<u128, MachineId>,
    messages: Vec<Message>,
    message_numbers: BTreeMap<u128, MessageId>,
    moves: BTreeMap<(MachineId, Move), (MachineId, u32)>,
    outcomes: Vec<Vec<Out>>,
}

impl<M: Machine> Catalogue<M> {
    pub(super) fn new() -> Self {
        Catalogue {
            detection: Profile::Default.detection(),
            entries: Vec::new(),
            numbers: BTreeMap::new(),
            messages: Vec::new(),
            message_numbers: BTreeMap::new(),
            moves: BTreeMap::new(),
            outcomes: Vec::new(),
        }
    }

    /// A machine that has not been enabled yet.
    pub(super) fn started(&mut self, node: u8, incarnation: u64) -> MachineId {
        let me = names::member(node, incarnation);
        // Far from zero, so that what is long past can be told.
        let now = Timestamp(0) + tick() * 1_000_000;
        let machine = M::started(me, &self.detection, incarnation);
        self.number(node, machine, now)
    }

    pub(super) fn facts(&self, id: MachineId) -> &Facts {
        &self.entries[id as usize].facts
    }

    pub(super) fn message(&self, id: MessageId) -> &Message {
        &self.messages[id as usize]
    }

    pub(super) fn all_messages(&self) -> impl Iterator<Item = &Message> {
        self.messages.iter()
    }

    pub(super) fn all_outcomes(&self) -> impl Iterator<Item = &Out> {
        self.outcomes.iter().flatten()
    }

    /// How many states of single machines were met.
    pub(super) fn machines(&self) -> usize {
        self.entries.len()
    }

    /// What the machine becomes, and the number of what it wants done.
    pub(super) fn step(&mut self, id: MachineId, step: Move) -> (MachineId, u32) {
        if let Some(known) = self.moves.get(&(id, step)) {
            return *known;
        }
        let entry = &self.entries[id as usize];
        let (node, mut machine, now) = (entry.node, entry.machine.clone(), entry.now);
        let (now, outputs) = self.carry_out(node, &mut machine, now, step);
        let next = self.number(node, machine, now);
        let number = u32::try_from(self.outcomes.len()).expect("fewer than 2^32 outcomes");
        self.outcomes.push(outputs);
        self.moves.insert((id, step), (next, number));
        (next, number)
    }

    pub(super) fn outcome(&self, number: u32) -> &[Out] {
        &self.outcomes[number as usize]
    }

    /// A message that no machine made: a leave, which the node says itself.
    pub(super) fn say(&mut self, message: Message) -> MessageId {
        self.message_number(message)
    }

    fn carry_out(
        &mut self,
        node: u8,
        machine: &mut M,
        now: Timestamp,
        step: Move,
    ) -> (Timestamp, Vec<Out>) {
        let input = match step {
            Move::Tick => return (now + tick(), Vec::new()),
            Move::Enable => Input::Enable,
            Move::Wake => Input::Wake,
            Move::Heard { from, message } => {
                let message = self.messages[message as usize].clone();
                Input::Heard { from: names::address(from), message }
            }
            Move::Doom { whom, cause } => Input::Doom { whom: names::address(whom), cause },
            Move::Stranger { from, group } => Input::Stranger { from: names::address(from), group },
            Move::Compare(neighbour) => Input::Compare(names::address(neighbour)),
            Move::Isolate => Input::Isolate,
            Move::Retire => Input::Retire,
        };
        let outputs = machine.take(now, input);
        let outs =
            outputs.into_iter().filter_map(|output| self.out(node, machine, output)).collect();
        (now, outs)
    }

    /// As the node does: see `core::node::groups`.
    fn out(&mut self, node: u8, machine: &M, output: Output) -> Option<Out> {
        match output {
            Output::Send { to, message } => {
                let message = self.message_number(message);
                Some(Out::Send { to: to.map(names::node), message })
            }
            Output::Proclaim => {
                let proclaim = proclaim(node, machine)?;
                let message = self.message_number(Message::Proclaim(proclaim));
                Some(Out::Send { to: None, message })
            }
            Output::Committed { before, view, removed, why } => Some(Out::Adopted(Adoption {
                before: before.as_ref().map(belonging),
                now: belonging(&view),
                removed: set(removed.iter().map(|it| it.member.address)),
                why: word(&why),
            })),
            // It makes the node look at its leader; what it would find, the
            // model says anyway.
            Output::Overdue { .. } | Output::Missed { .. } => None,
        }
    }

    fn message_number(&mut self, message: Message) -> MessageId {
        let name = Fingerprint::of(&format!("{message:?}"));
        let next = u32::try_from(self.messages.len()).expect("fewer than 2^32 messages");
        let number = *self.message_numbers.entry(name).or_insert(next);
        if number == next {
            self.messages.push(message);
        }
        number
    }

    fn number(&mut self, node: u8, machine: M, now: Timestamp) -> MachineId {
        let name = name_of(&machine, now);
        if let Some(known) = self.numbers.get(&name) {
            let entry = &mut self.entries[*known as usize];
            if entry.twin.is_none() && entry.now != now {
                entry.twin = Some((machine, now));
            }
            return *known;
        }
        let facts = facts(&machine, now);
        let number = u32::try_from(self.entries.len()).expect("fewer than 2^32 machines");
        self.entries.push(Entry { node, machine, now, facts, twin: None });
        self.numbers.insert(name, number);
        number
    }

    /// Whether states that go by one name do the same: gives each remembered
    /// step to another machine of that name that was met at another time. How
    /// many steps were compared, or the first that differs.
    pub(super) fn audit(&mut self) -> Result<usize, String> {
        let moves: Vec<_> = self.moves.iter().map(|(key, to)| (*key, *to)).collect();
        let mut compared = 0;
        for ((id, step), (next, outcome)) in moves {
            let entry = &self.entries[id as usize];
            let Some((machine, now)) = entry.twin.clone() else { continue };
            let (node, mut twin) = (entry.node, machine.clone());
            let (later, outs) = self.carry_out(node, &mut twin, now, step);
            compared += 1;
            if self.numbers.get(&name_of(&twin, later)) != Some(&next)
                || outs != self.outcomes[outcome as usize]
            {
                return Err(format!(
                    "{step:?} does not do the same to two states of one name: {:?} and {machine:?}",
                    self.entries[id as usize].machine
                ));
            }
        }
        Ok(compared)
    }
}

fn name_of<M: Machine>(machine: &M, now: Timestamp) -> u128 {
    Fingerprint::of(&canonical(&format!("{machine:?}"), now))
}

fn facts<M: Machine>(machine: &M, now: Timestamp) -> Facts {
    let group = machine.group();
    let ring = group.neighbours();
    let doomed = names::nodes().map(names::address).filter(|it| group.is_doomed(*it));
    Facts {
        due: group.next_deadline().map(|at| ticks_from(now, at)),
        belongs: group.view().map(belonging),
        doomed: set(doomed),
        feeds: set(ring.feed),
        watches: set(ring.watch),
    }
}

fn set(addresses: impl IntoIterator<Item = IpAddr>) -> Set {
    addresses.into_iter().fold(0, |set, address| set | names::only(names::node(address)))
}

fn belonging(view: &GroupView) -> Belonging {
    let mut it =
        Belonging { group: view.id, members: 0, incarnations: [0; names::NODES], first: 0 };
    for member in view.members.iter().rev() {
        let node = names::node(member.address);
        it.members |= names::only(node);
        it.incarnations[usize::from(node)] = member.incarnation.0;
        it.first = node;
    }
    it
}

/// Only a leader proclaims, and what it leads then.
fn proclaim<M: Machine>(node: u8, machine: &M) -> Option<Proclaim> {
    let view = machine.group().view().filter(|view| view.id.leader == names::address(node))?;
    Some(Proclaim {
        group: view.id,
        size: u32::try_from(view.members.len()).expect("three at most"),
        digest: view.members.digest(&view.failed_paths),
        cluster: "model".to_owned(),
        network: "neta".to_owned(),
        node: names::name(node),
        interface: "eth0".to_owned(),
        database: 0,
    })
}

fn word(why: &Adopted) -> &'static str {
    match why {
        Adopted::Started => "started",
        Adopted::Committed => "committed",
        Adopted::Expelled { .. } => "expelled",
        Adopted::Isolated => "isolated",
    }
}
