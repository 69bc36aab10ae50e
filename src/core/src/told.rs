//! What was told to the world and is not over.
//!
//! An alert ends by the event that `clears` it, from whoever has the authority
//! then. That may be a run of a daemon that told nothing: one that was started
//! anew, or came when the fault was there. It inherits what is open: from the
//! events that its own earlier runs published, and from the groups that it meets.

use alloc::{
    collections::BTreeMap,
    string::{String, ToString},
    vec::Vec,
};

use hats_wire::{GroupId, Member, TOLD_BYTES_MAX, TOLD_MAX, Told};

use crate::{
    event::{Event, EventKind},
    members::Members,
    sizes::{INHERITED_MAX, Size},
};

/// The name of their table among the sizes.
pub const INHERITED: &str = "inherited faults";

/// An end of a path, or an adapter: by the names that people and alerts know.
type Place = (String, String);

/// What an open fault is about.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Subject {
    Network(String),
    Node(String, EventKind),
    Adapter(String, Place),
    /// An adapter of which it could not be told whether it has failed.
    Doubt(String, Place),
    /// The lower place first.
    Path(String, [Place; 2]),
}

impl Subject {
    /// The bytes of its names.
    fn bytes(&self) -> usize {
        let of = |place: &Place| place.0.len() + place.1.len();
        match self {
            Subject::Network(name) | Subject::Node(name, _) => name.len(),
            Subject::Adapter(network, place) | Subject::Doubt(network, place) => {
                network.len() + of(place)
            }
            Subject::Path(network, ends) => network.len() + ends.iter().map(of).sum::<usize>(),
        }
    }

    fn node(&self) -> Option<&str> {
        if let Subject::Node(node, _) = self { Some(node) } else { None }
    }
}

/// How it stands.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Open {
    kind: EventKind,
    /// By this node, with authority.
    said: bool,
    /// Of a path: the upper end was named first, and is so by what ends it.
    swapped: bool,
    /// The sides of a network in parts, names of nodes joined by commas.
    sets: Vec<String>,
    /// That of the newest group that went across the sides, or of the group in which
    /// the path failed; 0: not known.
    instance: u64,
}

/// So many bytes of names are inherited, those of the sides of networks among them.
const NAMES_BYTES_MAX: usize = 1 << 20;

impl Open {
    fn bytes(&self) -> usize {
        self.sets.iter().map(String::len).sum()
    }

    fn new(kind: EventKind) -> Self {
        let sets = Vec::new();
        Open { kind, said: false, swapped: false, sets, instance: 0 }
    }
}

/// The faults that were told and have not been taken back.
///
/// Kinds that the adapter's own node says and takes back (damped, lossy,
/// duplicate) are not among them, and none that is no fault (node.left). That it
/// cannot be told is said by one of two and heard by nobody else: that one alone
/// takes it back.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct OpenFaults(BTreeMap<Subject, Open>);

impl OpenFaults {
    /// Follows one more event of those that a node published, in their order.
    pub fn note(&mut self, event: &Event) {
        let Some((subject, begins)) = subject(event) else { return };
        if begins {
            let swapped = match &subject {
                Subject::Path(_, [low, _]) => Some(&low.0) != event.node.as_ref(),
                Subject::Node(..)
                | Subject::Network(_)
                | Subject::Adapter(..)
                | Subject::Doubt(..) => false,
            };
            let (kind, sets) = (event.kind, event.sets.clone());
            let instance = event.instance.unwrap_or_default();
            self.add(subject, Open { kind, said: event.authority, swapped, sets, instance });
        } else if let Subject::Node(node, _) = &subject {
            self.end_node(node);
        } else {
            self.0.remove(&subject);
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn size(&self) -> Size {
        Size::new(INHERITED, self.len(), INHERITED_MAX)
    }

    /// Takes what `others` has besides.
    pub(crate) fn extend(&mut self, others: OpenFaults) {
        let bytes = |(subject, open): (&Subject, &Open)| subject.bytes() + open.bytes();
        let mut kept: usize = self.0.iter().map(bytes).sum();
        for (subject, open) in others.0 {
            let more = bytes((&subject, &open));
            let fits = self.0.len() < INHERITED_MAX && kept + more <= NAMES_BYTES_MAX;
            if fits && !self.0.contains_key(&subject) {
                kept += more;
                self.0.insert(subject, open);
            }
        }
    }

    pub(crate) fn add_node(&mut self, node: &str, kind: EventKind) {
        self.add(Subject::Node(node.to_string(), kind), Open::new(kind));
    }

    pub(crate) fn add_doubt(&mut self, network: &str, member: &Member) {
        let subject = Subject::Doubt(network.to_string(), place(member));
        self.add(subject, Open::new(EventKind::AdapterInconclusive));
    }

    /// What is said by this node alone, and not to others.
    pub(crate) fn end_doubt(&mut self, network: &str, member: &Member) -> bool {
        self.end(|| Subject::Doubt(network.to_string(), place(member))).is_some()
    }

    /// `said` is whether this node told it with authority, and is to take it back so.
    pub(crate) fn add_adapter(&mut self, network: &str, member: &Member, said: bool) {
        let open = Open { said, ..Open::new(EventKind::AdapterDown) };
        self.add(adapter(network, member), open);
    }

    pub(crate) fn add_path(&mut self, network: &str, ends: (&Member, &Member), instance: u64) {
        let (one, other) = (place(ends.0), place(ends.1));
        let open = Open { swapped: one > other, instance, ..Open::new(EventKind::PathFailed) };
        self.add(path(network, one, other), open);
    }

    pub(crate) fn add_network(
        &mut self,
        network: &str,
        kind: EventKind,
        sets: Vec<String>,
        instance: u64,
    ) {
        let open = Open { sets, instance, ..Open::new(kind) };
        self.add(Subject::Network(network.to_string()), open);
    }

    fn add(&mut self, subject: Subject, open: Open) {
        if self.0.len() < INHERITED_MAX || self.0.contains_key(&subject) {
            self.0.insert(subject, open);
        }
    }

    /// What the node's return ends, and whether an earlier run of this node said it
    /// with authority.
    pub(crate) fn end_node(&mut self, node: &str) -> Vec<(EventKind, bool)> {
        let mut ended = Vec::new();
        for kind in [EventKind::NodeDown, EventKind::DaemonDown] {
            if !self.is_empty()
                && let Some(open) = self.0.remove(&Subject::Node(node.to_string(), kind))
            {
                ended.push((kind, open.said));
            }
        }
        ended
    }

    /// Nodes of which something is told.
    pub(crate) fn nodes(&self) -> impl Iterator<Item = &str> {
        let mut names: Vec<&str> = self.0.keys().filter_map(Subject::node).collect();
        names.dedup();
        names.into_iter()
    }

    /// Adapters of which something is told: network, node, interface.
    pub(crate) fn adapters(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        self.0.keys().filter_map(|subject| match subject {
            Subject::Adapter(network, place) | Subject::Doubt(network, place) => {
                Some((&**network, &*place.0, &*place.1))
            }
            Subject::Network(_) | Subject::Node(..) | Subject::Path(..) => None,
        })
    }

    /// Whether an earlier run of this node said with authority that it is down.
    pub(crate) fn is_said(&self, network: &str, member: &Member) -> bool {
        !self.is_empty() && self.0.get(&adapter(network, member)).is_some_and(|open| open.said)
    }

    /// What the adapter's return ends.
    pub(crate) fn end_adapter(&mut self, network: &str, member: &Member) -> Option<EventKind> {
        self.end(|| adapter(network, member))
    }

    /// Ends what is told of a path.
    pub(crate) fn end_path(&mut self, network: &str, ends: (&Member, &Member)) {
        self.end(|| path(network, place(ends.0), place(ends.1)));
    }

    /// Ends what is told of a network.
    pub(crate) fn end_network(&mut self, network: &str) {
        self.end(|| Subject::Network(network.to_string()));
    }

    /// Leaves out what this node has said the end of, in a later group than it was
    /// told in: who tells it has not heard of that.
    pub(crate) fn leave_out(&mut self, ended: &Ended) {
        self.0.retain(|subject, open| ended.0.get(subject).is_none_or(|at| open.instance >= *at));
    }

    fn end(&mut self, subject: impl FnOnce() -> Subject) -> Option<EventKind> {
        // Nearly always: names need not be copied.
        if self.is_empty() {
            return None;
        }
        Some(self.0.remove(&subject())?.kind)
    }

    /// What ends with a group of these members: its network is in parts, and they
    /// are not all on one side.
    pub(crate) fn end_crossed(
        &mut self,
        network: &str,
        group: GroupId,
        members: &Members,
    ) -> Option<EventKind> {
        if self.is_empty() {
            return None;
        }
        let subject = Subject::Network(network.to_string());
        let Open { kind, sets, instance, .. } = self.0.get(&subject)?;
        if *instance > 0 && group.instance <= instance + 1 {
            // That of before, or one that was being prepared then.
            return None;
        }
        let here = |name: &str| members.iter().any(|member| member.node == name);
        // Everybody was alone; of a partition whose sides are not known, nothing shows.
        let failed = *kind == EventKind::NetworkFailed;
        let crossed = match sets.as_slice() {
            [] => failed && members.len() > 1,
            sets => sets.iter().filter(|set| set.split(',').any(here)).count() > 1,
        };
        crossed.then(|| self.end(|| subject)).flatten()
    }

    /// Ends the failed paths between these members that their group does not
    /// list, and gives their ends.
    pub(crate) fn end_paths(
        &mut self,
        network: &str,
        members: &Members,
        failed: impl Fn(&Member, &Member) -> bool,
    ) -> Vec<(Member, Member)> {
        let mut ended = Vec::new();
        if self.is_empty() {
            return ended;
        }
        let member = |(node, interface): &Place| {
            members.iter().find(|it| it.node == *node && it.interface == *interface).cloned()
        };
        self.0.retain(|subject, open| {
            let Subject::Path(name, [low, high]) = subject else { return true };
            let ends = (name == network).then(|| member(low).zip(member(high))).flatten();
            let Some(ends) = ends.filter(|(low, high)| !failed(low, high)) else { return true };
            ended.push(if open.swapped { (ends.1, ends.0) } else { ends });
            false
        });
        ended
    }

    /// For one that may not know of them: as many as fit, networks first.
    pub(crate) fn on_wire(&self) -> Vec<Told> {
        let about = |(subject, open): (&Subject, &Open)| {
            let code = open.kind.number();
            let mut told = Told { code, instance: open.instance, ..Told::default() };
            match subject {
                Subject::Doubt(..) => return None,
                Subject::Node(node, _) => told.node.clone_from(node),
                Subject::Network(network) => {
                    told.network.clone_from(network);
                    told.sets.clone_from(&open.sets);
                }
                Subject::Adapter(network, place) => {
                    told.network.clone_from(network);
                    (told.node, told.interface) = place.clone();
                }
                Subject::Path(network, [low, high]) => {
                    let (one, peer) = if open.swapped { (high, low) } else { (low, high) };
                    told.network.clone_from(network);
                    (told.node, told.interface) = one.clone();
                    (told.peer_node, told.peer_interface) = peer.clone();
                }
            }
            Some(told)
        };
        let mut room = TOLD_BYTES_MAX;
        let fits = |told: &Told| {
            let left = room.checked_sub(told.bytes());
            room = left.unwrap_or(room);
            left.is_some()
        };
        self.0.iter().filter_map(about).filter(fits).take(TOLD_MAX).collect()
    }

    /// What a message says that is open.
    pub(crate) fn from_wire(told: &[Told]) -> Self {
        let mut faults = OpenFaults::default();
        for it in told {
            let kind = EventKind::ALL.iter().copied().find(|kind| kind.number() == it.code);
            let Some(kind) = kind else { continue };
            let mut event = Event::new(kind, String::new());
            event.network = Some(it.network.clone());
            event.node = Some(it.node.clone());
            event.adapter = Some(it.interface.clone());
            event.peer_node = Some(it.peer_node.clone());
            event.peer_adapter = Some(it.peer_interface.clone());
            event.sets.clone_from(&it.sets);
            event.instance = Some(it.instance);
            faults.note(&event);
        }
        faults
    }
}

/// Networks and paths that this node has said to be well again, and the instance
/// of the group by which they were.
#[derive(Debug, Default)]
pub(crate) struct Ended(BTreeMap<Subject, u64>);

impl Ended {
    pub(crate) fn network(&mut self, network: &str, instance: u64) {
        self.add(Subject::Network(network.to_string()), instance);
    }

    pub(crate) fn path(&mut self, network: &str, ends: (&Member, &Member), instance: u64) {
        self.add(path(network, place(ends.0), place(ends.1)), instance);
    }

    fn add(&mut self, subject: Subject, instance: u64) {
        if self.0.len() < INHERITED_MAX || self.0.contains_key(&subject) {
            self.0.insert(subject, instance);
        }
    }

    pub(crate) fn size(&self) -> Size {
        Size::new("faults told to be over", self.0.len(), INHERITED_MAX)
    }
}

/// What an event is about, and whether it begins there; none: it neither opens
/// nor ends what is followed here.
#[expect(clippy::wildcard_enum_match_arm, reason = "the others begin and end nothing here")]
fn subject(event: &Event) -> Option<(Subject, bool)> {
    let network = || event.network.clone();
    let place = || Some((event.node.clone()?, event.adapter.clone()?));
    let peer = || Some((event.peer_node.clone()?, event.peer_adapter.clone()?));
    match event.kind {
        EventKind::AdapterDown => Some((Subject::Adapter(network()?, place()?), true)),
        EventKind::AdapterInconclusive if event.authority => {
            Some((Subject::Doubt(network()?, place()?), true))
        }
        EventKind::AdapterUp if event.clears == Some(EventKind::AdapterInconclusive) => {
            Some((Subject::Doubt(network()?, place()?), false))
        }
        EventKind::AdapterUp => Some((Subject::Adapter(network()?, place()?), false)),
        kind @ (EventKind::NodeDown | EventKind::DaemonDown | EventKind::NodeUp) => {
            Some((Subject::Node(event.node.clone()?, kind), kind != EventKind::NodeUp))
        }
        kind @ (EventKind::PathFailed | EventKind::PathRestored) => {
            Some((path(&network()?, place()?, peer()?), kind == EventKind::PathFailed))
        }
        kind @ (EventKind::NetworkPartitioned
        | EventKind::NetworkFailed
        | EventKind::NetworkMerged) => {
            Some((Subject::Network(network()?), kind != EventKind::NetworkMerged))
        }
        _ => None,
    }
}

fn place(member: &Member) -> Place {
    (member.node.clone(), member.interface.clone())
}

fn adapter(network: &str, member: &Member) -> Subject {
    Subject::Adapter(network.to_string(), place(member))
}

fn path(network: &str, one: Place, other: Place) -> Subject {
    let ends = if one <= other { [one, other] } else { [other, one] };
    Subject::Path(network.to_string(), ends)
}

#[cfg(test)]
mod tests;
